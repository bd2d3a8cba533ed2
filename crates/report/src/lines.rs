//! Curves, as SVG that takes its colours from the page.

use std::collections::BTreeSet;

use crate::curve::Curve;
use crate::dots::{COLOURS, legend};
use crate::html::escaped;
use crate::quantity::{mark, quantity};
use crate::scale::Scale;

/// Sizes in SVG units: the field, and what is left of it, right of it, above and below.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 12.0;
const BELOW: f64 = 46.0;
/// From a text to what it belongs to.
const GAP: f64 = 8.0;

/// A line for each row. Numbers, which grow by factors, stand at equal distances.
pub(crate) fn lines(curve: &Curve) -> String {
    let field = Field::of(curve);
    let mut text = field.grid(curve);
    for (place, (_, points)) in curve.rows.iter().enumerate() {
        let at = |(number, value): (&u64, &f64)| (field.x(*number), field.y(*value));
        let points: Vec<(f64, f64)> = points.iter().map(at).collect();
        text += &line(&points, place % COLOURS);
    }
    let rows = curve.rows.iter().map(|(row, _)| row.as_str());
    let (width, height) = (LEFT + WIDTH + RIGHT, TOP + HEIGHT + BELOW);
    format!(
        "{}<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">{text}</svg>",
        legend(rows.enumerate()),
        escaped(&curve.metric)
    )
}

fn line(points: &[(f64, f64)], colour: usize) -> String {
    let path = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}"));
    let path = path.collect::<Vec<_>>().join(" ");
    let dot = |(x, y): &(f64, f64)| format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
    let dots: String = points.iter().map(dot).collect();
    format!("<g class=\"line c{colour}\"><polyline points=\"{path}\"/>{dots}</g>")
}

/// Where numbers and values are.
struct Field {
    numbers: Vec<u64>,
    scale: Scale,
}

impl Field {
    fn of(curve: &Curve) -> Self {
        let points = || curve.rows.iter().flat_map(|(_, points)| points);
        let numbers: BTreeSet<u64> = points().map(|(number, _)| *number).collect();
        // Ratios have 1 in sight.
        let least = if curve.unit.is_none() { 1.0 } else { 0.0 };
        Self {
            numbers: numbers.into_iter().collect(),
            scale: Scale::to(points().map(|(_, value)| *value).fold(least, f64::max)),
        }
    }

    fn x(&self, number: u64) -> f64 {
        let steps = self.numbers.len().saturating_sub(1).max(1) as f64;
        let place = self.numbers.binary_search(&number).unwrap_or_default();
        LEFT + WIDTH * place as f64 / steps
    }

    fn y(&self, value: f64) -> f64 {
        TOP + HEIGHT * (1.0 - self.scale.share(value))
    }

    fn grid(&self, curve: &Curve) -> String {
        let mut text = String::new();
        for value in self.scale.marks() {
            let y = self.y(value);
            let shown = curve
                .unit
                .map_or_else(|| mark(value), |unit| quantity(unit, value));
            text += &format!(
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}h{WIDTH}\"/><text x=\"{}\" y=\"{:.1}\" class=\"label\">{shown}</text>",
                LEFT - GAP,
                y + 4.0
            );
        }
        let below = TOP + HEIGHT + 16.0;
        for number in &self.numbers {
            let (x, number) = (self.x(*number), short(*number));
            text += &format!("<text x=\"{x:.1}\" y=\"{below}\" class=\"middle\">{number}</text>");
        }
        let (middle, below) = (LEFT + WIDTH / 2.0, below + 22.0);
        let number = escaped(&curve.number);
        text + &format!("<text x=\"{middle}\" y=\"{below}\" class=\"middle soft\">{number}</text>")
    }
}

/// Whole thousands by one letter.
fn short(number: u64) -> String {
    match number {
        0 => "0".into(),
        _ if number.is_multiple_of(1000) => format!("{}k", number / 1000),
        _ => number.to_string(),
    }
}
