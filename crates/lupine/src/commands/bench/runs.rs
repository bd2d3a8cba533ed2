//! Runs as files, and as people read them.

use std::fs;
use std::path::Path;

use lupine_bench::{FILE, Journal, Run};
use lupine_report::{Report, markdown};
use lupine_store::At;
use miette::Result;

use crate::cli::Output;
use crate::printer;

/// A run from its directory or its file, with a name for people.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<(String, Run)> {
    let file = if path.is_dir() {
        path.join(FILE)
    } else {
        path.into()
    };
    let text = fs::read_to_string(&file).at("read", &file)?;
    let run = Run::parse(&text, &file.display().to_string())?;
    Ok((path.display().to_string(), run))
}

/// Writes what a run has come to; it fails where a row did.
///
/// # Errors
/// None so far.
pub fn show(journal: &Journal, format: Output) -> Result<u8> {
    let run = journal.run().clone();
    let failed = !run.failed().is_empty();
    let name = journal.path().display().to_string();
    let report = Report::of(&[(name, run)]);
    if format.is_json() {
        printer::json(&report);
    } else {
        printer::line(markdown(&report).trim_end());
    }
    Ok(u8::from(failed))
}
