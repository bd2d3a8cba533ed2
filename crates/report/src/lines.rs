//! Curves, as SVG that takes its colours from the page.

use std::collections::BTreeSet;

use crate::curve::Curve;
use crate::html::escaped;
use crate::quantity::{quantity, ratio};

/// Sizes in SVG units: the field, what is left of it, right of it (for names of rows), above and below.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 12.0;
const BELOW: f64 = 44.0;
/// From one name of a row to the next, at least; from a text to what it belongs to.
const NAME: f64 = 15.0;
const GAP: f64 = 8.0;
/// Lines across the field, at least.
const GRID: f64 = 4.0;
/// Colours that the page has.
const COLOURS: usize = 6;

/// A line for each row. Numbers, which grow by factors, stand at equal distances.
pub(crate) fn lines(curve: &Curve) -> String {
    let field = Field::of(curve);
    let mut text = field.grid(curve);
    let mut names: Vec<(f64, usize)> = Vec::new();
    for (place, (_, points)) in curve.rows.iter().enumerate() {
        let at = |(number, value): (&u64, &f64)| (field.x(*number), field.y(*value));
        let points: Vec<(f64, f64)> = points.iter().map(at).collect();
        text += &line(&points, place % COLOURS);
        names.extend(points.last().map(|(_, y)| (*y, place)));
    }
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut last = f64::NEG_INFINITY;
    for (y, place) in names {
        last = y.max(last + NAME);
        text += &format!(
            "<text x=\"{}\" y=\"{:.1}\" class=\"name c{}\">{}</text>",
            LEFT + WIDTH + GAP,
            last + 4.0,
            place % COLOURS,
            escaped(&curve.rows[place].0)
        );
    }
    let (width, height) = (LEFT + WIDTH + RIGHT, TOP + HEIGHT + BELOW);
    let label = escaped(&curve.metric);
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\">{text}</svg>"
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
    /// From one line across to the next, and what the uppermost stands for.
    step: f64,
    greatest: f64,
}

/// A round number that goes into `greatest` often enough: 1, 2 or 5 times a power of ten.
fn step(greatest: f64) -> f64 {
    let most = greatest.max(f64::MIN_POSITIVE) / GRID;
    let power = 10_f64.powf(most.log10().floor());
    let round = [5.0, 2.0, 1.0].map(|digit| digit * power);
    round
        .into_iter()
        .find(|step| *step <= most)
        .unwrap_or(power)
}

impl Field {
    fn of(curve: &Curve) -> Self {
        let points = || curve.rows.iter().flat_map(|(_, points)| points);
        let numbers: BTreeSet<u64> = points().map(|(number, _)| *number).collect();
        // Ratios have 1 in sight.
        let least = if curve.unit.is_none() { 1.0 } else { 0.0 };
        let greatest = points().map(|(_, value)| *value).fold(least, f64::max);
        Self {
            numbers: numbers.into_iter().collect(),
            step: step(greatest),
            greatest: (greatest / step(greatest)).ceil() * step(greatest),
        }
    }

    fn x(&self, number: u64) -> f64 {
        let steps = self.numbers.len().saturating_sub(1).max(1) as f64;
        let place = self.numbers.binary_search(&number).unwrap_or_default();
        LEFT + WIDTH * place as f64 / steps
    }

    fn y(&self, value: f64) -> f64 {
        let share = if self.greatest > 0.0 {
            value / self.greatest
        } else {
            0.0
        };
        TOP + HEIGHT * (1.0 - share)
    }

    fn grid(&self, curve: &Curve) -> String {
        let mut text = String::new();
        let steps = (self.greatest / self.step).round() as u32;
        for step in 0..=steps {
            let value = self.step * f64::from(step);
            let y = self.y(value);
            let shown = curve
                .unit
                .map_or_else(|| ratio(value), |unit| quantity(unit, value));
            text += &format!(
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}h{WIDTH}\"/><text x=\"{}\" y=\"{:.1}\" class=\"label\">{shown}</text>",
                LEFT - GAP,
                y + 4.0
            );
        }
        let below = TOP + HEIGHT + 16.0;
        for number in &self.numbers {
            let x = self.x(*number);
            text += &format!("<text x=\"{x:.1}\" y=\"{below}\" class=\"middle\">{number}</text>");
        }
        let (middle, below) = (LEFT + WIDTH / 2.0, below + 20.0);
        let number = escaped(&curve.number);
        text + &format!("<text x=\"{middle}\" y=\"{below}\" class=\"middle soft\">{number}</text>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_at_round_numbers() {
        for (greatest, expected) in [
            (1.0, 0.2),
            (1.3, 0.2),
            (8.1, 2.0),
            (40.0, 10.0),
            (21_000.0, 5000.0),
        ] {
            assert!((step(greatest) / expected - 1.0).abs() < 1e-9, "{greatest}");
        }
    }
}
