//! Many values at a glance: [`Matrix`].

use lupine_bench::{Suites, Unit, Verdict};

use crate::quantity::{quantity, ratio};
use crate::report::{INSTRUCTIONS, Line, Report, Section, Table};

/// So many metrics of one unit are worth a table of their own.
const MANY: usize = 8;

/// Medians, with their ratios to what they are compared with.
pub(crate) struct Matrix {
    /// What it shows; empty where its title says so.
    pub what: &'static str,
    /// What its lines are.
    pub corner: &'static str,
    /// Names of its columns.
    pub columns: Vec<String>,
    /// Names of its lines, and their cells.
    pub lines: Vec<(String, Vec<Option<Cell>>)>,
}

/// A row's value of a metric.
pub(crate) struct Cell {
    /// The median.
    pub text: String,
    /// Its ratio.
    pub ratio: Option<f64>,
    /// What that means.
    pub verdict: Option<Verdict>,
}

impl Cell {
    fn of(unit: Unit, line: &Line) -> Self {
        Self {
            text: quantity(unit, line.summary.median),
            ratio: line.ratio.as_ref().map(|ratio| ratio.median),
            verdict: line.verdict,
        }
    }

    /// As one word.
    pub(crate) fn word(&self) -> String {
        match self.ratio {
            Some(value) => format!("{} ({})", self.text, ratio(value)),
            None => self.text.clone(),
        }
    }
}

impl Matrix {
    /// What its cells are.
    pub(crate) fn caption(&self) -> String {
        let cells = "medians (ratio to the row that each is compared with)";
        match self.what {
            "" => cells.into(),
            what => format!("{what}: {cells}"),
        }
    }
}

/// By metric and row, for each unit that many metrics of the section have.
pub(crate) fn matrices(section: &Section) -> Vec<Matrix> {
    let units = [
        (Unit::Nanoseconds, "times"),
        (Unit::Instructions, "guest instructions"),
    ];
    let of = |(unit, what)| {
        let own = |table: &&Table| table.unit == unit;
        let tables: Vec<&Table> = section.tables.iter().filter(own).collect();
        (tables.len() >= MANY).then(|| by_metric(what, &tables))
    };
    units.into_iter().filter_map(of).collect()
}

fn by_metric(what: &'static str, tables: &[&Table]) -> Matrix {
    let rows = rows(tables);
    let cells = |table: &&Table| {
        let cells = rows.iter().map(|row| cell(table, row)).collect();
        (
            table.metric.trim_end_matches(INSTRUCTIONS).to_owned(),
            cells,
        )
    };
    Matrix {
        what,
        corner: "metric",
        lines: tables.iter().map(cells).collect(),
        columns: rows.into_iter().map(str::to_owned).collect(),
    }
}

/// By row, what the suites' definitions say is looked at first. `None` where there is nothing of it.
pub(crate) fn glance(report: &Report) -> Option<Matrix> {
    let suites = Suites::builtin().ok()?;
    let is_first = |section: &Section, table: &Table| {
        let suite = suites.suite(&section.suite);
        suite.is_ok_and(|suite| suite.glance.contains(&table.metric))
    };
    let all = report.sections.iter();
    let all = all.flat_map(|section| section.tables.iter().map(move |table| (section, table)));
    let first: Vec<_> = all.filter(|(s, t)| is_first(s, t)).collect();
    let tables: Vec<&Table> = first.iter().map(|(_, table)| *table).collect();
    let column =
        |(section, table): &(&Section, &Table)| format!("{}: {}", section.suite, table.metric);
    let line = |row: &str| {
        let cells = tables.iter().map(|table| cell(table, row));
        (row.to_owned(), cells.collect())
    };
    (!tables.is_empty()).then(|| Matrix {
        what: "",
        corner: "row",
        columns: first.iter().map(column).collect(),
        lines: rows(&tables).into_iter().map(line).collect(),
    })
}

/// All rows of the tables, as they come.
fn rows<'a>(tables: &[&'a Table]) -> Vec<&'a str> {
    let mut rows: Vec<&str> = Vec::new();
    for line in tables.iter().flat_map(|table| &table.lines) {
        if !rows.contains(&line.row.as_str()) {
            rows.push(&line.row);
        }
    }
    rows
}

fn cell(table: &Table, row: &str) -> Option<Cell> {
    let line = table.lines.iter().find(|line| line.row == row)?;
    Some(Cell::of(table.unit, line))
}
