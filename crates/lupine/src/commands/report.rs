//! `lupine report`: runs as a page, as Markdown and as JSON.

use std::fs;

use lupine_report::{Report, html, markdown};
use lupine_store::{At, write_atomically};
use miette::{IntoDiagnostic, Result};

use super::bench::read;
use crate::cli::ReportArgs;
use crate::printer;

/// Writes the three files and says where.
pub fn report(args: &ReportArgs) -> Result<u8> {
    let runs: Result<Vec<_>> = args.runs.iter().map(|path| read(path)).collect();
    let report = Report::of(&runs?);
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
