//! Many metrics of many rows at a glance: [`Matrix`].

use lupine_bench::Unit;

use crate::quantity::{quantity, ratio};
use crate::report::{INSTRUCTIONS, Line, Section, Table};

/// So many metrics of one unit are worth a table of their own.
const MANY: usize = 8;

/// Medians by metric and row, with their ratios.
pub(crate) struct Matrix {
    /// What it shows.
    pub about: &'static str,
    /// `metric`, and the rows.
    pub header: Vec<String>,
    /// A metric and its cells.
    pub lines: Vec<Vec<String>>,
}

/// One for each unit that many metrics of the section have.
pub(crate) fn matrices(section: &Section) -> Vec<Matrix> {
    let units = [
        (Unit::Nanoseconds, "times, medians (ratio)"),
        (Unit::Instructions, "guest instructions, medians (ratio)"),
    ];
    let of = |(unit, about)| {
        let own = |table: &&Table| table.unit == unit;
        let tables: Vec<&Table> = section.tables.iter().filter(own).collect();
        (tables.len() >= MANY).then(|| matrix(about, &tables))
    };
    units.into_iter().filter_map(of).collect()
}

fn matrix(about: &'static str, tables: &[&Table]) -> Matrix {
    let mut rows: Vec<&str> = Vec::new();
    for line in tables.iter().flat_map(|table| &table.lines) {
        if !rows.contains(&line.row.as_str()) {
            rows.push(&line.row);
        }
    }
    let cells = |table: &&Table| {
        let line = |row| table.lines.iter().find(|line| line.row == row);
        let cells = rows.iter().map(|row| line(*row));
        let cells = cells.map(|line| line.map_or("–".into(), |line| cell(table, line)));
        let metric = table.metric.trim_end_matches(INSTRUCTIONS);
        std::iter::once(metric.to_owned()).chain(cells).collect()
    };
    let header = std::iter::once("metric").chain(rows.iter().copied());
    Matrix {
        about,
        header: header.map(str::to_owned).collect(),
        lines: tables.iter().map(cells).collect(),
    }
}

fn cell(table: &Table, line: &Line) -> String {
    let median = quantity(table.unit, line.summary.median);
    match &line.ratio {
        Some(summary) => format!("{median} ({})", ratio(summary.median)),
        None => median,
    }
}
