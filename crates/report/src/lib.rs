//! Runs as something to read: [`Report`] as Markdown, HTML or JSON. No I/O.

mod curve;
mod html;
mod lines;
mod markdown;
mod matrix;
mod paper;
mod plot;
mod quantity;
mod report;
#[cfg(test)]
mod tests;

pub use curve::Curve;
pub use html::html;
pub use markdown::markdown;
pub use report::{Line, Report, Section, Table};
