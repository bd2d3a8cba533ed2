//! Whether a vulnerability is in a kernel.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::record::{Record, Status};
use crate::{Kernel, Version};

/// What is known about one vulnerability in one kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The version is vulnerable, and a file with the code is compiled in.
    Affected,
    /// Neither can be shown: to be looked at by a person.
    Unknown,
    /// No file with the code is compiled in.
    NotCompiled,
    /// The record says that this version is not vulnerable, or not any more.
    NotInVersion,
}

/// One vulnerability, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The CVE.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What is known.
    pub verdict: Verdict,
    /// Why, in half a sentence.
    pub why: String,
    /// The record's files that are compiled in, sorted.
    pub compiled: Vec<String>,
}

/// Judges one record.
///
/// That code is not there is only said where all files of a record are sources and none of
/// them was compiled: code of a header may have come in with any other file.
pub fn judge(record: &Record, kernel: &Kernel) -> Finding {
    let (verdict, why, compiled) = verdict(record, kernel);
    Finding {
        id: record.id.clone(),
        title: record.title.clone(),
        verdict,
        why,
        compiled,
    }
}

fn verdict(record: &Record, kernel: &Kernel) -> (Verdict, String, Vec<String>) {
    let version = Version::of_kernel(&kernel.version);
    let status = version.map_or(Status::Unknown, |version| record.status(&version));
    if status == Status::Unaffected {
        let why = format!("Linux {} is not affected", kernel.version);
        return (Verdict::NotInVersion, why, Vec::new());
    }
    let unknown = |why: &str| (Verdict::Unknown, why.to_owned(), Vec::new());
    if record.files.is_empty() {
        return unknown("the record names no files");
    }
    let Some(files) = &kernel.files else {
        return unknown("it is not known which files the kernel was compiled from");
    };
    let compiled = compiled(&record.files, files);
    if !compiled.is_empty() {
        let why = format!("compiled in: {}", compiled.join(", "));
        return match status {
            Status::Affected => (Verdict::Affected, why, compiled),
            _ => {
                let why = format!(
                    "the record does not tell about Linux {}; {why}",
                    kernel.version
                );
                (Verdict::Unknown, why, compiled)
            }
        };
    }
    match record.files.iter().find(|file| !is_source(file)) {
        Some(other) => {
            let sources = record.files.iter().any(|file| is_source(file));
            let own = if sources {
                "its sources are not compiled in, but "
            } else {
                ""
            };
            unknown(&format!(
                "{own}{other} proves nothing: it is no source of its own"
            ))
        }
        None => {
            let why = format!("not compiled in: {}", record.files.join(", "));
            (Verdict::NotCompiled, why, Vec::new())
        }
    }
}

fn compiled(named: &[String], files: &BTreeSet<String>) -> Vec<String> {
    let there = named.iter().filter(|file| files.contains(*file));
    there.cloned().collect()
}

/// Whether a file is compiled as such, so that it is in the list if it is in the kernel. Linker
/// scripts end like assembler sources.
fn is_source(file: &str) -> bool {
    let compiled = [".c", ".S"].iter().any(|kind| file.ends_with(kind));
    compiled && !file.ends_with(".lds.S")
}

#[cfg(test)]
mod tests;
