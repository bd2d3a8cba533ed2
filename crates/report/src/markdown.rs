//! A report as Markdown.

use lupine_bench::Summary;

use crate::matrix::{Cell, Matrix, glance, matrices};
use crate::place::Place;
use crate::quantity::{quantity, ratio};
use crate::report::{Line, Report, Section, Table};

/// The columns of every table.
pub(crate) const HEADER: [&str; 8] = [
    "row",
    "median",
    "95% interval (or range)",
    "n",
    "outliers",
    "ratio",
    "of",
    "published",
];

/// The tables, in full.
pub fn markdown(report: &Report) -> String {
    let mut text = String::from("# Measurements\n\n");
    for place in &report.places {
        text += &format!("- **{}**: {}\n", place.run, sentence(place));
    }
    if let Some(matrix) = glance(report) {
        text += &format!("\n## At a glance\n{}", of_matrix(&matrix));
    }
    text += "\n## Rows\n";
    for (row, about) in &report.rows {
        text += &format!("- **{row}**: {about}\n");
    }
    for section in &report.sections {
        text += &of_section(section);
    }
    text
}

/// Where was measured, in one line.
fn sentence(place: &Place) -> String {
    facts(place)
        .iter()
        .map(|(name, text)| format!("{name} {text}"))
        .collect::<Vec<_>>()
        .join("; ")
}

/// What there is to know of a place, by name.
pub(crate) fn facts(place: &Place) -> Vec<(&'static str, String)> {
    let machine = &place.machine;
    let [load, ..] = machine.load;
    let busy = match machine.noise() {
        Some(_) => ": too much for wall times to mean much",
        None => "",
    };
    let processor = format!("{} of {}", machine.cpus, machine.cpu);
    let vmm = format!("{} on {}", machine.vmm, machine.accelerator);
    vec![
        ("processors", processor),
        ("memory", format!("{} MiB", machine.mem_mib)),
        ("VMM", vmm),
        ("host", format!("Linux {}", machine.host_kernel)),
        ("lupine", machine.lupine.clone()),
        ("load", format!("{load:.2} before{}{busy}", during(place))),
        ("noise", noise(place)),
    ]
}

fn during(place: &Place) -> String {
    place
        .noise
        .load
        .map_or_else(String::new, |(least, greatest)| {
            format!(", {least:.2} to {greatest:.2} while guests ran")
        })
}

/// How far values were apart.
fn noise(place: &Place) -> String {
    let of = |name: &str, part: Option<f64>| {
        let part = part?;
        Some(format!("{name} ±{:.2}%", part * 100.0))
    };
    let noise = &place.noise;
    let all = [
        of("wall times", noise.times),
        of("instructions", noise.instructions),
    ];
    let all: Vec<String> = all.into_iter().flatten().collect();
    match all.is_empty() {
        true => "not known from single values".into(),
        false => all.join(", "),
    }
}

/// The interval, or in parentheses the range where there are too few values for one; nothing where all are equal.
fn interval(summary: &Summary, show: impl Fn(f64) -> String) -> String {
    match summary.interval {
        _ if summary.least == summary.greatest => String::new(),
        Some((low, high)) => format!("{} – {}", show(low), show(high)),
        None => format!("({} – {})", show(summary.least), show(summary.greatest)),
    }
}

fn of_section(section: &Section) -> String {
    let mut text = format!("\n## {}\n{}\n", section.suite, section.about);
    for matrix in matrices(section) {
        text += &of_matrix(&matrix);
    }
    for table in &section.tables {
        text += &of_table(table);
    }
    for (row, why) in &section.failures {
        text += &format!("\n**{row}** was not measured: {why}\n");
    }
    text
}

fn of_matrix(matrix: &Matrix) -> String {
    let header = [&[matrix.corner.to_owned()], &matrix.columns[..]].concat();
    let mut text = format!("\n{}\n\n{}", matrix.caption(), head(&header));
    for (name, cells) in &matrix.lines {
        let word = |cell: &Option<Cell>| cell.as_ref().map_or("–".into(), Cell::word);
        let words: Vec<String> = cells.iter().map(word).collect();
        text += &format!("| {name} | {} |\n", words.join(" | "));
    }
    text
}

fn of_table(table: &Table) -> String {
    let mut text = format!("\n### {}\n{}\n\n", table.metric, table.about);
    text += &head(&HEADER.map(str::to_owned));
    for line in &table.lines {
        text += &format!("| {} |\n", cells(table, line).join(" | "));
    }
    text
}

/// The first two lines of a table.
fn head(columns: &[String]) -> String {
    let rule = "---|".repeat(columns.len());
    format!("| {} |\n|{rule}\n", columns.join(" | "))
}

/// The cells of a line, as the header has them.
pub(crate) fn cells(table: &Table, line: &Line) -> [String; 8] {
    let summary = &line.summary;
    let show = |value| quantity(table.unit, value);
    let quotient = line.ratio.as_ref().map_or_else(String::new, |summary| {
        let (median, interval) = (ratio(summary.median), interval(summary, ratio));
        match summary.interval {
            Some(_) if !interval.is_empty() => format!("{median} [{interval}]"),
            _ => format!("{median} {interval}").trim_end().to_owned(),
        }
    });
    let outliers = match summary.outliers {
        0 => String::new(),
        count => count.to_string(),
    };
    let published = line.published.as_ref();
    [
        line.row.clone(),
        show(summary.median),
        interval(summary, show),
        summary.count.to_string(),
        outliers,
        quotient,
        line.against.clone().unwrap_or_default(),
        published.map_or_else(String::new, |(text, source)| format!("{text} ({source})")),
    ]
}
