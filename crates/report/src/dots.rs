//! Ratios of many metrics at a glance: a line for each metric, a dot for each row.

use crate::bars::{axis, percent};
use crate::html::escaped;
use crate::matrix::{Cell, Matrix};
use crate::quantity::{mark, ratio};
use crate::scale::Scale;

/// Colours that the page has.
pub(crate) const COLOURS: usize = 6;

/// What an axis of ratios shows.
pub(crate) const RATIO: &str = "ratio to the row that each is compared with";

/// Nothing where nothing is compared.
pub(crate) fn dots(matrix: &Matrix) -> String {
    let cells = || matrix.lines.iter().flat_map(|(_, cells)| cells);
    let ratios = || cells().filter_map(|cell| cell.as_ref()?.ratio);
    let greatest = ratios().fold(1.0, f64::max);
    if ratios().next().is_none() {
        return String::new();
    }
    let scale = Scale::to(greatest);
    let one = percent(scale.share(1.0));
    let line = |(name, cells): &(String, Vec<Option<Cell>>)| {
        let dots = cells.iter().enumerate();
        let dots = dots.filter_map(|(place, cell)| Some((place, cell.as_ref()?.ratio?)));
        let dot = |(place, value): (usize, f64)| {
            let (colour, left) = (place % COLOURS, percent(scale.share(value)));
            let title = format!("{}: {}", escaped(&matrix.columns[place]), ratio(value));
            format!("<i class=\"c{colour}\" style=\"left:{left}\" title=\"{title}\"></i>")
        };
        let dots: String = dots.map(dot).collect();
        format!(
            "<b>{}</b><div class=\"track\"><u style=\"left:{one}\"></u>{dots}</div>\n",
            escaped(name)
        )
    };
    let lines: String = matrix.lines.iter().map(line).collect();
    let compared = |place: &usize| {
        let mut lines = matrix.lines.iter();
        lines.any(|(_, cells)| cells[*place].as_ref().is_some_and(|c| c.ratio.is_some()))
    };
    let shown = (0..matrix.columns.len()).filter(compared);
    let names = legend(shown.map(|place| (place, matrix.columns[place].as_str())));
    let axis = axis(&scale, mark);
    format!(
        "<h3>{}</h3>{names}<div class=\"dots\">{lines}{axis}<div class=\"axis-name\">{RATIO}</div></div>\n",
        matrix.what
    )
}

/// Which colour is which row.
pub(crate) fn legend<'a>(rows: impl Iterator<Item = (usize, &'a str)>) -> String {
    let name = |(place, row): (usize, &str)| {
        let (colour, row) = (place % COLOURS, escaped(row));
        format!("<span class=\"c{colour}\">{row}</span>")
    };
    let names: String = rows.map(name).collect();
    format!("<p class=\"legend\">{names}</p>\n")
}
