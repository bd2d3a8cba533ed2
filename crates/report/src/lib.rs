//! Runs as something to read: [`Report`] as Markdown, HTML or JSON. No I/O.

mod html;
mod markdown;
mod paper;
mod plot;
mod quantity;
mod report;
#[cfg(test)]
mod tests;

pub use html::html;
pub use markdown::markdown;
pub use report::{Line, Report, Section, Table};
