//! Bars with their intervals, as HTML that takes its colours and its width from the page.

use std::collections::BTreeSet;

use lupine_bench::Verdict;

use crate::html::escaped;
use crate::quantity::{quantity, ratio};
use crate::report::{Line, Table};
use crate::scale::Scale;

/// Marks that have room beside each other, on a telephone too.
const MARKS: usize = 5;

/// One bar for each row, from zero; rows that others are compared with are told apart.
pub(crate) fn bars(table: &Table) -> String {
    let greatest = |line: &Line| line.summary.interval.map_or(line.summary.median, |i| i.1);
    let scale = Scale::to(table.lines.iter().map(greatest).fold(0.0, f64::max));
    let compared: BTreeSet<&str> = table
        .lines
        .iter()
        .filter_map(|line| line.against.as_deref())
        .collect();
    let bar = |line: &Line| bar(table, line, &scale, compared.contains(line.row.as_str()));
    let bars: String = table.lines.iter().map(bar).collect();
    let label = escaped(&format!("{}: {}", table.metric, table.about));
    let axis = axis(&scale, |value| quantity(table.unit, value));
    format!("<div class=\"bars\" role=\"img\" aria-label=\"{label}\">{bars}{axis}</div>")
}

/// The marks of an axis, below what it measures.
pub(crate) fn axis(scale: &Scale, show: impl Fn(f64) -> String) -> String {
    let all: Vec<f64> = scale.marks().collect();
    let every = all.len().div_ceil(MARKS);
    let mark = |value: &f64| {
        let (place, text) = (percent(scale.share(*value)), show(*value));
        format!("<i style=\"left:{place}\">{text}</i>")
    };
    let marks: String = all.iter().step_by(every).map(mark).collect();
    format!("<div class=\"axis\">{marks}</div>")
}

/// A row's name, bar, interval, value and ratio.
fn bar(table: &Table, line: &Line, scale: &Scale, is_compared: bool) -> String {
    let whisker = line
        .summary
        .interval
        .map_or_else(String::new, |(low, high)| {
            let (from, to) = (scale.share(low), scale.share(high));
            let (left, width) = (percent(from), percent(to - from));
            format!("<s style=\"left:{left};width:{width}\"></s>")
        });
    let class = if is_compared {
        " class=\"compared\""
    } else {
        ""
    };
    let ratio = line.ratio.as_ref().map_or_else(String::new, |summary| {
        let class = tendency(line.verdict);
        format!(" <em{class}>×{}</em>", ratio(summary.median))
    });
    format!(
        "<b>{}</b><div class=\"track\"><u{class} style=\"width:{}\"></u>{whisker}</div><span>{}{ratio}</span>\n",
        escaped(&line.row),
        percent(scale.share(line.summary.median)),
        quantity(table.unit, line.summary.median)
    )
}

/// The class of a ratio that means something.
pub(crate) fn tendency(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Better) => " class=\"better\"",
        Some(Verdict::Worse) => " class=\"worse\"",
        _ => "",
    }
}

/// A part of a width, as CSS has it.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}
