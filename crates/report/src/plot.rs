//! Bars with their intervals, as SVG that takes its colours from the page.

use crate::html::escaped;
use crate::quantity::quantity;
use crate::report::{Line, Table};

/// Sizes in SVG units: the whole, the room for names and for values, a bar, and from one bar to the next.
const WIDTH: f64 = 720.0;
const LABEL: f64 = 170.0;
const VALUE: f64 = 110.0;
const BAR: f64 = 16.0;
const STEP: f64 = 24.0;
/// Half of the stroke at either end of an interval.
const END: f64 = 4.0;

/// One bar for each row, from zero.
pub(crate) fn plot(table: &Table) -> String {
    let greatest = |line: &Line| line.summary.interval.map_or(line.summary.median, |i| i.1);
    let most = table.lines.iter().map(greatest).fold(0.0, f64::max);
    let scale = match most > 0.0 {
        true => (WIDTH - LABEL - VALUE) / most,
        false => 0.0,
    };
    let bars = table.lines.iter().enumerate();
    let bars: String = bars
        .map(|(place, line)| bar(table, line, STEP * (place as f64 + 0.5), scale))
        .collect();
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">{bars}</svg>",
        STEP * table.lines.len() as f64,
        escaped(&table.metric)
    )
}

/// A row's name, bar, interval and value around the height `middle`.
fn bar(table: &Table, line: &Line, middle: f64, scale: f64) -> String {
    let place = |value: f64| LABEL + value.max(0.0) * scale;
    let (top, text) = (middle - BAR / 2.0, middle + BAR / 4.0);
    let mut end = place(line.summary.median);
    let length = end - LABEL;
    let mut whisker = String::new();
    if let Some((low, high)) = line.summary.interval {
        let (from, to, above) = (place(low), place(high), middle - END);
        let ends = 2.0 * END;
        whisker = format!(
            "<path d=\"M{from:.1} {middle}H{to:.1}M{from:.1} {above}v{ends}M{to:.1} {above}v{ends}\"/>"
        );
        end = end.max(to);
    }
    format!(
        "<text x=\"{:.1}\" y=\"{text}\" class=\"label\">{}</text>\
         <rect x=\"{LABEL}\" y=\"{top}\" width=\"{length:.1}\" height=\"{BAR}\"/>{whisker}\
         <text x=\"{:.1}\" y=\"{text}\">{}</text>",
        LABEL - 8.0,
        escaped(&line.row),
        end + 8.0,
        quantity(table.unit, line.summary.median)
    )
}
