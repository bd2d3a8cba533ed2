//! A report as one HTML page that needs no network.

use crate::bars::{bars, tendency};
use crate::curve::Curve;
use crate::dots::{RATIO, dots};
use crate::lines::lines;
use crate::markdown::{HEADER, cells, facts};
use crate::matrix::{Cell, Matrix, glance, matrices};
use crate::place::Place;
use crate::quantity::ratio;
use crate::report::{Report, Section, Table};

/// The page around it.
const PAGE: &str = include_str!("page.html");

/// The page.
pub fn html(report: &Report) -> String {
    let mut body: String = report.places.iter().map(of_place).collect();
    let link = |section: &Section| {
        let suite = escaped(&section.suite);
        format!("<a href=\"#{suite}\">{suite}</a> ")
    };
    let links: String = report.sections.iter().map(link).collect();
    body += &format!("<nav>{links}</nav>\n");
    if let Some(matrix) = glance(report) {
        body += &format!(
            "<section><h2>At a glance</h2>\n{}</section>\n",
            of_matrix(&matrix)
        );
    }
    body += &of_rows(&report.rows);
    body += &report.sections.iter().map(of_section).collect::<String>();
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

fn of_place(place: &Place) -> String {
    let facts = facts(place);
    let fact = |(name, text): &(&str, String)| {
        let text = escaped(text);
        format!("<div><dt>{name}</dt><dd>{text}</dd></div>")
    };
    let facts: String = facts.iter().map(fact).collect();
    let mitigations = place.machine.mitigations.iter();
    let mitigations = mitigations.map(|(name, state)| row("td", [name.as_str(), state]));
    format!(
        "<h2 class=\"run\">{}</h2>\n<dl>{facts}</dl>\n\
         <details><summary>the host's mitigations</summary><table>{}</table></details>\n",
        escaped(&place.run),
        mitigations.collect::<String>()
    )
}

fn of_rows(rows: &[(String, String)]) -> String {
    let row = |(name, about): &(String, String)| {
        let (name, about) = (escaped(name), escaped(about));
        format!("<div><dt>{name}</dt><dd>{about}</dd></div>")
    };
    let rows: String = rows.iter().map(row).collect();
    format!(
        "<details><summary>what the rows are</summary><dl class=\"rows\">{rows}</dl></details>\n"
    )
}

fn of_section(section: &Section) -> String {
    let suite = escaped(&section.suite);
    let about = escaped(&section.about);
    let mut text = format!("<section id=\"{suite}\"><h2>{suite}</h2><p>{about}</p>\n");
    let curve = |curve: &Curve| {
        let about = match curve.unit {
            Some(_) => curve.about.clone(),
            None => format!("{}: {RATIO}", curve.about),
        };
        figure(&curve.metric, &about, &lines(curve))
    };
    let curves: String = section.curves.iter().map(curve).collect();
    let tables: String = section.tables.iter().map(of_table).collect();
    let matrices = matrices(section);
    let is_long = !matrices.is_empty() || !section.curves.is_empty();
    text += &figures(&curves);
    text += &matrices.iter().map(with_dots).collect::<String>();
    text += &match is_long {
        false => figures(&tables),
        true => {
            let tables = figures(&tables);
            format!("<details><summary>each metric</summary>{tables}</details>\n")
        }
    };
    let failure = |(row, why): &(String, String)| {
        let (row, why) = (escaped(row), escaped(why));
        format!("<p class=\"failure\"><b>{row}</b> was not measured: {why}</p>\n")
    };
    text += &section.failures.iter().map(failure).collect::<String>();
    text + "</section>\n"
}

/// Plots beside each other, as far as the page is wide.
fn figures(plots: &str) -> String {
    match plots {
        "" => String::new(),
        plots => format!("<div class=\"figures\">{plots}</div>\n"),
    }
}

fn figure(metric: &str, about: &str, plot: &str) -> String {
    let (metric, about) = (escaped(metric), escaped(about));
    format!("<figure><figcaption><h3>{metric}</h3>{about}</figcaption>\n{plot}</figure>\n")
}

/// A table that is also drawn.
fn with_dots(matrix: &Matrix) -> String {
    let plot = dots(matrix);
    if plot.is_empty() {
        return of_matrix(matrix);
    }
    let table = of_matrix(matrix);
    format!("{plot}<details open><summary>numbers</summary>{table}</details>\n")
}

fn of_matrix(matrix: &Matrix) -> String {
    let caption = matrix.caption();
    let columns = matrix.columns.iter().map(String::as_str);
    let header = row("th", std::iter::once(matrix.corner).chain(columns));
    let line = |(name, cells): &(String, Vec<Option<Cell>>)| {
        let cells: String = cells.iter().map(of_cell).collect();
        format!("<tr><th>{}</th>{cells}</tr>\n", escaped(name))
    };
    let lines: String = matrix.lines.iter().map(line).collect();
    format!(
        "<p class=\"soft\">{caption}</p><div class=\"wide\"><table class=\"numbers\">{header}{lines}</table></div>\n"
    )
}

fn of_cell(cell: &Option<Cell>) -> String {
    let Some(cell) = cell else {
        return "<td></td>".into();
    };
    let text = escaped(&cell.text);
    match cell.ratio {
        Some(value) => {
            let (class, value) = (tendency(cell.verdict), ratio(value));
            format!("<td>{text} <em{class}>×{value}</em></td>")
        }
        None => format!("<td>{text}</td>"),
    }
}

fn of_table(table: &Table) -> String {
    let mut plot = bars(table);
    for line in &table.lines {
        let Some((text, source)) = &line.published else {
            continue;
        };
        let (row, text, source) = (escaped(&line.row), escaped(text), escaped(source));
        plot +=
            &format!("<p class=\"published\">published, {row}: {text} <cite>{source}</cite></p>");
    }
    let lines = table.lines.iter().map(|line| cells(table, line));
    let lines = lines.map(|cells| row("td", cells.iter().map(String::as_str)));
    plot += &format!(
        "<details><summary>numbers</summary><table>{}{}</table></details>\n",
        row("th", HEADER),
        lines.collect::<String>()
    );
    figure(&table.metric, &table.about, &plot)
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
