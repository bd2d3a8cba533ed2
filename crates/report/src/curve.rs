//! Metrics NAME-N that belong together: [`Curve`].

use std::collections::BTreeMap;

use lupine_bench::{Suites, Unit};
use serde::Serialize;

use crate::report::{INSTRUCTIONS, Line, Section, Table};

/// What a metric does as a number grows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// Name of the metric, without the number.
    pub metric: String,
    /// What it is.
    pub about: String,
    /// What the number is.
    pub number: String,
    /// What the values count; `None` for ratios.
    pub unit: Option<Unit>,
    /// Rows, and their values by number.
    pub rows: Vec<(String, BTreeMap<u64, f64>)>,
}

/// The curves of a section whose suite has any.
pub(crate) fn curves(section: &Section) -> Vec<Curve> {
    let suites = Suites::builtin().ok();
    let suite = suites
        .as_ref()
        .and_then(|all| all.suite(&section.suite).ok());
    let Some(definition) = suite.and_then(|suite| suite.curve.as_ref()) else {
        return Vec::new();
    };
    let mut curves: Vec<Curve> = Vec::new();
    for table in &section.tables {
        let Some((metric, number)) = point(&table.metric) else {
            continue;
        };
        let known = curves.iter().position(|curve| curve.metric == metric);
        let at = known.unwrap_or(curves.len());
        if known.is_none() {
            curves.push(Curve {
                metric,
                about: table.about.clone(),
                number: definition.number.clone(),
                unit: (!definition.ratio).then_some(table.unit),
                rows: Vec::new(),
            });
        }
        add(&mut curves[at], table, number);
    }
    // Where rows are compared with nothing, there are no ratios.
    curves.retain(|curve| !curve.rows.is_empty());
    curves
}

/// Name and number of a metric NAME-N or NAME-N-instructions.
fn point(metric: &str) -> Option<(String, u64)> {
    let (name, end) = match metric.strip_suffix(INSTRUCTIONS) {
        Some(name) => (name, INSTRUCTIONS),
        None => (metric, ""),
    };
    let (stem, number) = name.rsplit_once('-')?;
    Some((format!("{stem}{end}"), number.parse().ok()?))
}

fn add(curve: &mut Curve, table: &Table, number: u64) {
    for line in &table.lines {
        let Some(value) = value(curve, line) else {
            continue;
        };
        let known = curve.rows.iter_mut().find(|(row, _)| *row == line.row);
        match known {
            Some((_, points)) => _ = points.insert(number, value),
            None => curve
                .rows
                .push((line.row.clone(), [(number, value)].into())),
        }
    }
}

fn value(curve: &Curve, line: &Line) -> Option<f64> {
    match curve.unit {
        Some(_) => Some(line.summary.median),
        None => line.ratio.as_ref().map(|ratio| ratio.median),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_told_apart() {
        assert_eq!(point("work-10"), Some(("work".into(), 10)));
        let counted = point("null-beside-16-instructions");
        assert_eq!(counted, Some(("null-beside-instructions".into(), 16)));
        assert_eq!(point("open-close"), None);
    }
}
