//! Bars with their intervals, as SVG that takes its colours from the page.

use crate::html::escaped;
use crate::quantity::quantity;
use crate::report::{Line, Table};

/// Sizes in SVG units: the longest bar, the room for its value, a letter of a name, a bar, and from one bar to the next.
const LENGTH: f64 = 440.0;
const VALUE: f64 = 110.0;
const LETTER: f64 = 6.8;
const BAR: f64 = 16.0;
const STEP: f64 = 24.0;
/// Half of the stroke at either end of an interval; from a text to what it belongs to.
const END: f64 = 4.0;
const GAP: f64 = 8.0;

/// One bar for each row, from zero.
pub(crate) fn plot(table: &Table) -> String {
    let greatest = |line: &Line| line.summary.interval.map_or(line.summary.median, |i| i.1);
    let most = table.lines.iter().map(greatest).fold(0.0, f64::max);
    let longest = table.lines.iter().map(|line| line.row.chars().count());
    let axis = Axis {
        zero: GAP + LETTER * longest.max().unwrap_or_default() as f64,
        scale: if most > 0.0 { LENGTH / most } else { 0.0 },
    };
    let bars = table.lines.iter().enumerate();
    let bars: String = bars
        .map(|(place, line)| bar(table, line, STEP * (place as f64 + 0.5), &axis))
        .collect();
    format!(
        "<svg viewBox=\"0 0 {:.0} {}\" role=\"img\" aria-label=\"{}\">{bars}</svg>",
        axis.zero + LENGTH + VALUE,
        STEP * table.lines.len() as f64,
        escaped(&table.metric)
    )
}

/// Where values are.
struct Axis {
    zero: f64,
    scale: f64,
}

/// A row's name, bar, interval and value around the height `middle`.
fn bar(table: &Table, line: &Line, middle: f64, axis: &Axis) -> String {
    let zero = axis.zero;
    let place = |value: f64| zero + value.max(0.0) * axis.scale;
    let (top, text) = (middle - BAR / 2.0, middle + BAR / 4.0);
    let mut end = place(line.summary.median);
    let length = end - zero;
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
         <rect x=\"{zero:.1}\" y=\"{top}\" width=\"{length:.1}\" height=\"{BAR}\"/>{whisker}\
         <text x=\"{:.1}\" y=\"{text}\">{}</text>",
        zero - GAP,
        escaped(&line.row),
        end + GAP,
        quantity(table.unit, line.summary.median)
    )
}
