//! What stands in a report: [`Report`].

use std::collections::BTreeMap;

use lupine_bench::{Counted, Run, Sample, Series, Suites, Summary, Unit, Verdict, paired};
use serde::Serialize;

use crate::curve::{Curve, curves};
use crate::paper::{Number, numbers};
use crate::place::Place;

/// Everything that a report says, in the order in which it says it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Where was measured, by run.
    pub places: Vec<Place>,
    /// Rows, and what they are.
    pub rows: Vec<(String, String)>,
    /// The suites.
    pub sections: Vec<Section>,
}

/// One suite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// Its name.
    pub suite: String,
    /// What it measures.
    pub about: String,
    /// Its metrics.
    pub tables: Vec<Table>,
    /// Those of them that belong together.
    pub curves: Vec<Curve>,
    /// Rows without values, and why.
    pub failures: Vec<(String, String)>,
}

/// One metric of a suite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// Its name.
    pub metric: String,
    /// What it is.
    pub about: String,
    /// What it counts.
    pub unit: Unit,
    /// Its rows.
    pub lines: Vec<Line>,
}

/// One row's values of a metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// The row; with its run's name where there are several runs.
    pub row: String,
    /// The values.
    pub summary: Summary,
    /// The row that it is compared with.
    pub against: Option<String>,
    /// Its ratio to that row, by rounds.
    pub ratio: Option<Summary>,
    /// What that means; `None` without a ratio.
    pub verdict: Option<Verdict>,
    /// What others published, and who.
    pub published: Option<(String, String)>,
}

impl Report {
    /// A report on runs with their names.
    pub fn of(runs: &[(String, Run)]) -> Self {
        let numbers = numbers();
        let mut sections: Vec<Section> = Vec::new();
        for (name, run) in runs {
            let label = |row: &str| match runs.len() {
                1 => row.to_owned(),
                _ => format!("{name}: {row}"),
            };
            let series = run.series();
            for (key, samples) in in_order(run, &series) {
                let section = section(&mut sections, run, &key.suite);
                let table = table(section, &key.metric, samples[0].unit);
                let line = line(run, &series, key, samples, &numbers);
                let Some(mut line) = line else { continue };
                line.row = label(&key.row);
                line.against = line.against.as_deref().map(label);
                table.lines.push(line);
            }
            for failure in run.failed() {
                let section = section(&mut sections, run, &failure.suite);
                let failed = (label(&failure.row), failure.why.clone());
                section.failures.push(failed);
            }
        }
        for section in &mut sections {
            section.curves = curves(section);
        }
        let places = runs.iter().map(|(name, run)| Place::of(name, run));
        Self {
            places: places.collect(),
            rows: rows(runs),
            sections,
        }
    }
}

/// A row of several runs stands there once.
fn rows(runs: &[(String, Run)]) -> Vec<(String, String)> {
    let mut rows: Vec<(String, String)> = Vec::new();
    let inputs = runs.iter().flat_map(|(_, run)| &run.inputs);
    for input in inputs.filter(|input| input.is_row) {
        if !rows.iter().any(|(name, _)| *name == input.name) {
            rows.push((input.name.clone(), input.about.clone()));
        }
    }
    rows
}

/// Ends the names of metrics that count instructions of what the rest names.
pub(crate) const INSTRUCTIONS: &str = "-instructions";

type AllSeries<'a> = BTreeMap<Series, Vec<&'a Sample>>;

/// As they were measured first, and rows as they were declared.
fn in_order<'a>(run: &Run, series: &'a AllSeries<'_>) -> Vec<(&'a Series, &'a [&'a Sample])> {
    let mut all: Vec<_> = series.iter().map(|(k, v)| (k, v.as_slice())).collect();
    let first = |suite: &str, metric: &str| {
        let mut samples = run.samples.iter();
        samples.position(|s| s.suite == suite && s.metric == metric)
    };
    let declared = |row: &str| {
        let mut inputs = run.inputs.iter();
        inputs.position(|input| input.is_row && input.name == row)
    };
    all.sort_by_key(|(key, _)| (first(&key.suite, &key.metric), declared(&key.row)));
    all
}

fn section<'a>(sections: &'a mut Vec<Section>, run: &Run, suite: &str) -> &'a mut Section {
    let known = sections.iter().position(|section| section.suite == suite);
    let at = known.unwrap_or_else(|| {
        let about = run.input(suite, false).map(|input| input.about.clone());
        sections.push(Section {
            suite: suite.into(),
            about: about.unwrap_or_default(),
            tables: Vec::new(),
            curves: Vec::new(),
            failures: Vec::new(),
        });
        sections.len() - 1
    });
    &mut sections[at]
}

fn table<'a>(section: &'a mut Section, metric: &str, unit: Unit) -> &'a mut Table {
    let known = section
        .tables
        .iter()
        .position(|table| table.metric == metric);
    let at = known.unwrap_or_else(|| {
        section.tables.push(Table {
            metric: metric.into(),
            about: about(&section.suite, metric),
            unit,
            lines: Vec::new(),
        });
        section.tables.len() - 1
    });
    &mut section.tables[at]
}

/// What the suite's definition says of a metric; nothing of one that it has not any more. An operation is described
/// once for both clocks, and the points of a curve together.
fn about(suite: &str, metric: &str) -> String {
    let suites = Suites::builtin().ok();
    let suite = suites.as_ref().and_then(|all| all.suite(suite).ok());
    let Some(suite) = suite else {
        return String::new();
    };
    let described = |name: &str| suite.metric.get(name).cloned();
    let operation = metric.strip_suffix(INSTRUCTIONS);
    let name = operation.unwrap_or(metric);
    let stem = name.rsplit_once('-').map(|(stem, _)| stem);
    let about = described(metric)
        .or_else(|| described(name))
        .or_else(|| described(stem?))
        .unwrap_or_default();
    if operation.is_none() || described(metric).is_some() {
        return about;
    }
    match suite.counts {
        Counted::Kernel => format!("{about}: instructions of the kernel"),
        Counted::All => format!("{about}: guest instructions"),
    }
}

/// The ratio is by rounds: what happened on the host while a pair was measured happened to both.
fn line(
    run: &Run,
    all: &AllSeries<'_>,
    key: &Series,
    samples: &[&Sample],
    numbers: &[Number],
) -> Option<Line> {
    let values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
    let against = |name, is_row| run.input(name, is_row)?.against.clone();
    let against = against(&key.suite, false).or_else(|| against(&key.row, true));
    let against = against.filter(|base| *base != key.row);
    let base = against.as_ref().and_then(|base| {
        all.get(&Series {
            row: base.clone(),
            ..key.clone()
        })
    });
    let mut numbers = numbers.iter();
    let published = numbers
        .find(|n| n.suite == key.suite && n.row == key.row && n.metric == key.metric)
        .map(|n| (n.text.clone(), n.source.clone()));
    let ratio = base.and_then(|base| paired(base, samples));
    let verdict = |ratio: &Summary| Verdict::of(samples[0].unit, ratio.median, ratio.interval);
    Some(Line {
        row: key.row.clone(),
        summary: Summary::of(&values)?,
        verdict: ratio.as_ref().map(verdict),
        ratio,
        against: against.filter(|_| base.is_some()),
        published,
    })
}
