//! A report as Markdown.

use lupine_bench::{Machine, Summary};

use crate::matrix::matrices;
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
    for (name, machine) in &report.machines {
        text += &format!("- **{name}**: {}\n", sentence(machine));
    }
    for section in &report.sections {
        text += &of_section(section);
    }
    text
}

/// Where was measured, in one line.
pub(crate) fn sentence(machine: &Machine) -> String {
    let [load, ..] = machine.load;
    let noisy = match machine.noise() {
        Some(_) => ": too much for wall times to mean much",
        None => "",
    };
    format!(
        "{}, {} processors, {} MiB; {} on {}, host Linux {}; lupine {}; load at the start {load:.2}{noisy}",
        machine.cpu,
        machine.cpus,
        machine.mem_mib,
        machine.vmm,
        machine.accelerator,
        machine.host_kernel,
        machine.lupine,
    )
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
        text += &format!("\n{}\n\n{}", matrix.about, head(&matrix.header));
        for line in &matrix.lines {
            text += &format!("| {} |\n", line.join(" | "));
        }
    }
    for table in &section.tables {
        text += &of_table(table);
    }
    for (row, why) in &section.failures {
        text += &format!("\n**{row}** was not measured: {why}\n");
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
