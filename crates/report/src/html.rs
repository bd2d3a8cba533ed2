//! A report as one HTML page that needs no network.

use crate::lines::lines;
use crate::markdown::{HEADER, cells, sentence};
use crate::matrix::{Matrix, matrices};
use crate::plot::plot;
use crate::report::{Report, Section, Table};

/// The page around it.
const PAGE: &str = include_str!("page.html");

/// The page.
pub fn html(report: &Report) -> String {
    let mut body = String::new();
    for (name, machine) in &report.machines {
        body += &format!(
            "<p><b>{}</b>: {}</p>\n",
            escaped(name),
            escaped(&sentence(machine))
        );
        body += &mitigations(machine);
    }
    for section in &report.sections {
        body += &of_section(section);
    }
    PAGE.replace("{body}", &body)
}

/// Text that stands for itself in HTML.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            other => escaped.push(other),
        }
    }
    escaped
}

fn mitigations(machine: &lupine_bench::Machine) -> String {
    let mut text = String::from("<details><summary>the host's mitigations</summary><table>");
    for (name, state) in &machine.mitigations {
        text += &row("td", [name.as_str(), state]);
    }
    text + "</table></details>\n"
}

fn of_section(section: &Section) -> String {
    let mut text = format!(
        "<section><h2>{}</h2><p>{}</p>\n",
        escaped(&section.suite),
        escaped(&section.about)
    );
    for curve in &section.curves {
        text += &format!(
            "<h3>{} <small>{}</small></h3>\n{}\n",
            escaped(&curve.metric),
            escaped(&curve.about),
            lines(curve)
        );
    }
    let matrices = matrices(section);
    text += &matrices.iter().map(of_matrix).collect::<String>();
    let tables: String = section.tables.iter().map(of_table).collect();
    text += &match matrices.is_empty() && section.curves.is_empty() {
        true => tables,
        false => format!("<details><summary>each metric</summary>{tables}</details>\n"),
    };
    for (row, why) in &section.failures {
        text += &format!(
            "<p class=\"failure\"><b>{}</b> was not measured: {}</p>\n",
            escaped(row),
            escaped(why)
        );
    }
    text + "</section>\n"
}

fn of_matrix(matrix: &Matrix) -> String {
    let header = row("th", matrix.header.iter().map(String::as_str));
    let line = |line: &Vec<String>| row("td", line.iter().map(String::as_str));
    let lines: String = matrix.lines.iter().map(line).collect();
    let about = escaped(matrix.about);
    format!(
        "<p>{about}</p><div class=\"wide\"><table class=\"numbers\">{header}{lines}</table></div>\n"
    )
}

fn of_table(table: &Table) -> String {
    let mut text = format!(
        "<h3>{} <small>{}</small></h3>\n{}\n",
        escaped(&table.metric),
        escaped(&table.about),
        plot(table)
    );
    text += "<details><summary>numbers</summary><table>";
    text += &row("th", HEADER);
    for line in &table.lines {
        let cells = cells(table, line);
        text += &row("td", cells.iter().map(String::as_str));
    }
    text + "</table></details>\n"
}

fn row<'a>(tag: &str, cells: impl IntoIterator<Item = &'a str>) -> String {
    let cell = |text| format!("<{tag}>{}</{tag}>", escaped(text));
    let cells: String = cells.into_iter().map(cell).collect();
    format!("<tr>{cells}</tr>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            escaped("<a href=\"x\">&"),
            "&lt;a href=&quot;x&quot;&gt;&amp;"
        );
    }

    #[test]
    fn the_page_fetches_nothing() {
        assert!(PAGE.contains("{body}"));
        for word in ["http", "src=", "@import", "url(", "<script", "<link"] {
            assert!(!PAGE.contains(word), "{word}");
        }
    }
}
