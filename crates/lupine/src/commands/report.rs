//! `lupine report`: runs as a page, as Markdown and as JSON.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lupine_report::{Report, html, markdown};
use lupine_store::{At, write_atomically};
use miette::{IntoDiagnostic, Result};

use super::bench::read;
use crate::cli::ReportArgs;
use crate::printer;

/// Writes the three files and says where.
pub fn report(args: &ReportArgs) -> Result<u8> {
    let runs: Result<Vec<_>> = args.runs.iter().map(|path| read(path)).collect();
    let report = Report::of(&called_shortly(runs?));
    let dir = &args.output;
    fs::create_dir_all(dir).at("make", dir)?;
    let json = serde_json::to_string_pretty(&report).into_diagnostic()?;
    let files = [
        ("report.html", html(&report)),
        ("report.md", markdown(&report)),
        ("report.json", json),
    ];
    for (name, text) in files {
        let path = dir.join(name);
        write_atomically(&path, text.as_bytes())?;
        printer::line(&path.display().to_string());
    }
    Ok(0)
}

/// By the last parts of their paths where these tell them apart: the names stand before each row.
fn called_shortly<T>(mut runs: Vec<(String, T)>) -> Vec<(String, T)> {
    let last = |name: &str| {
        let last = Path::new(name).file_name()?;
        Some(last.to_string_lossy().into_owned())
    };
    let short: BTreeSet<_> = runs.iter().filter_map(|(name, _)| last(name)).collect();
    if short.len() == runs.len() {
        for (name, _) in &mut runs {
            *name = last(name).unwrap_or_default();
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_while_they_differ() {
        let called = |names: &[&str]| {
            let runs = names.iter().map(|name| ((*name).to_owned(), ()));
            let names = called_shortly(runs.collect()).into_iter();
            names.map(|(name, ())| name).collect::<Vec<_>>()
        };
        assert_eq!(called(&["runs/before", "runs/after/"]), ["before", "after"]);
        assert_eq!(called(&["a/run", "b/run"]), ["a/run", "b/run"]);
        assert_eq!(called(&["/", "a"]), ["/", "a"]);
    }
}
