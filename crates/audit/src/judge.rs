//! Whether a vulnerability is in a kernel.

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

/// The verdict, why, and the record's files that are compiled in.
fn verdict(record: &Record, kernel: &Kernel) -> (Verdict, String, Vec<String>) {
    let version = Version::of_kernel(&kernel.version);
    let status = version.map_or(Status::Unknown, |version| record.status(&version));
    let without = |(verdict, why)| (verdict, why, Vec::new());
    if status == Status::Unaffected {
        let why = format!("Linux {} is not affected", kernel.version);
        return without((Verdict::NotInVersion, why));
    }
    if record.files.is_empty() {
        return without((Verdict::Unknown, "the record names no files".into()));
    }
    let Some(files) = &kernel.files else {
        let why = "it is not known which files the kernel was compiled from";
        return without((Verdict::Unknown, why.into()));
    };
    let named = record.files.iter();
    let compiled: Vec<String> = named
        .filter(|file| files.contains(*file))
        .cloned()
        .collect();
    if compiled.is_empty() {
        return without(absent(&record.files));
    }
    let (verdict, why) = present(status, &compiled, &kernel.version);
    (verdict, why, compiled)
}

/// Code is there: the version decides, if the record tells about it.
fn present(status: Status, compiled: &[String], version: &str) -> (Verdict, String) {
    let why = format!("compiled in: {}", compiled.join(", "));
    match status {
        Status::Affected => (Verdict::Affected, why),
        _ => {
            let silent = format!("the record does not tell about Linux {version}");
            (Verdict::Unknown, format!("{silent}; {why}"))
        }
    }
}

/// No file is in the list: a proof only if every one would be there.
fn absent(files: &[String]) -> (Verdict, String) {
    let (sources, others): (Vec<&String>, Vec<&String>) =
        files.iter().partition(|file| is_source(file));
    let Some(other) = others.first() else {
        let why = format!("not compiled in: {}", files.join(", "));
        return (Verdict::NotCompiled, why);
    };
    let own = match sources.is_empty() {
        true => "",
        false => "its sources are not compiled in, but ",
    };
    let why = format!("{own}{other} proves nothing: it is no source of its own");
    (Verdict::Unknown, why)
}

/// Whether a file is compiled as such, so that it is in the list if it is in the kernel. Linker
/// scripts end like assembler sources.
fn is_source(file: &str) -> bool {
    let compiled = [".c", ".S"].iter().any(|kind| file.ends_with(kind));
    compiled && !file.ends_with(".lds.S")
}

#[cfg(test)]
mod tests;
