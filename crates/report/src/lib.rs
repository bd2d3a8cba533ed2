//! Runs as something to read: [`Report`] as Markdown, HTML or JSON. No I/O.

mod bars;
#[cfg(test)]
mod browser;
mod curve;
mod dots;
mod html;
mod lines;
mod markdown;
mod matrix;
mod paper;
mod place;
mod quantity;
mod report;
mod scale;
#[cfg(test)]
mod tests;

pub use curve::Curve;
pub use html::html;
pub use markdown::markdown;
pub use place::{Noise, Place};
pub use report::{Line, Report, Section, Table};
