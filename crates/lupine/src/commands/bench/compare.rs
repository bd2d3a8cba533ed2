//! `lupine bench --compare A B`.

use std::path::Path;

use lupine_bench::{Difference, Verdict, compare as differences, restless};
use miette::Result;

use super::runs::read;
use crate::cli::Output;
use crate::printer;

/// What is listed, in this order.
const CHANGED: [Verdict; 3] = [Verdict::Worse, Verdict::Better, Verdict::OnlyOne];

/// Lists how run `b` differs from run `a`; the status is 1 where something is worse.
///
/// # Errors
/// When a run cannot be read.
pub fn compare(a: &Path, b: &Path, format: Output) -> Result<u8> {
    let (_, a) = read(a)?;
    let (_, b) = read(b)?;
    let all = differences(&a, &b);
    if format.is_json() {
        printer::json(&all);
    } else {
        if let Some(why) = restless(&a, &b) {
            printer::complain(&format!(
                "{why}: only sizes, counts and instructions are judged"
            ));
        }
        let header = [
            "VERDICT", "SUITE", "ROW", "METRIC", "RATIO", "INTERVAL", "N",
        ];
        let told = |verdict| all.iter().filter(move |one| one.verdict == verdict);
        let changed = CHANGED.into_iter().flat_map(told);
        let rows: Vec<_> = changed.map(row).collect();
        if !rows.is_empty() {
            printer::line(&printer::table(&header, &rows));
        }
        let [same, unclear] = [Verdict::Same, Verdict::Unclear].map(|one| told(one).count());
        printer::line(&format!(
            "{same} did not change; of {unclear} these values do not tell"
        ));
    }
    let worse = all.iter().any(|one| one.verdict == Verdict::Worse);
    Ok(u8::from(worse))
}

fn row(one: &Difference) -> Vec<String> {
    let verdict = match one.verdict {
        Verdict::Worse => "worse",
        Verdict::Better => "better",
        Verdict::Same => "same",
        Verdict::Unclear => "unclear",
        Verdict::OnlyOne => "only one",
    };
    let count = |summary: &Option<lupine_bench::Summary>| summary.as_ref().map_or(0, |s| s.count);
    let ratio = one.ratio.map(|ratio| format!("{ratio:.4}"));
    let interval = one
        .interval
        .map(|(low, high)| format!("{low:.3} - {high:.3}"));
    vec![
        verdict.into(),
        one.series.suite.clone(),
        one.series.row.clone(),
        one.series.metric.clone(),
        ratio.unwrap_or_default(),
        interval.unwrap_or_default(),
        format!("{}, {}", count(&one.a), count(&one.b)),
    ]
}
