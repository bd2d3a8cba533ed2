//! CVE records in a directory, judged.

use std::fs;
use std::path::{Path, PathBuf};

use lupine_audit::{Finding, Kernel, Record, RecordError, judge};
use lupine_store::At;
use miette::{Result, miette};
use serde::Serialize;

/// What became of all records.
#[derive(Debug, Default, Serialize)]
pub struct Cves {
    /// Those that were judged, by their names, each once.
    pub findings: Vec<Finding>,
    /// Those that were withdrawn.
    pub rejected: Vec<String>,
    /// How many are about other software.
    pub other: usize,
    /// Files that are no records.
    pub unusable: Vec<Unusable>,
}

/// A file that is no record.
#[derive(Debug, Serialize)]
pub struct Unusable {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl Cves {
    /// Judges every record in a directory and below. One that cannot be used stops no other.
    ///
    /// # Errors
    /// When the directory cannot be read or has no JSON files.
    pub fn judge(dir: &Path, kernel: &Kernel) -> Result<Self> {
        let files = json_files(dir)?;
        if files.is_empty() {
            return Err(miette!(
                help = "name a directory with CVE records, for example of the Linux CVE team",
                "{} has no .json files",
                dir.display()
            ));
        }
        let mut cves = Self::default();
        for file in files {
            match fs::read(&file).map_err(|error| error.to_string()) {
                Ok(text) => cves.add(file, &text, kernel),
                Err(why) => cves.unusable.push(Unusable { file, why }),
            }
        }
        cves.findings.sort_by(|a, b| a.id.cmp(&b.id));
        cves.findings.dedup();
        Ok(cves)
    }

    fn add(&mut self, file: PathBuf, text: &[u8], kernel: &Kernel) {
        match Record::parse(text) {
            Ok(record) if record.rejected => self.rejected.push(record.id),
            Ok(record) => self.findings.push(judge(&record, kernel)),
            Err(RecordError::NotLinux(_)) => self.other += 1,
            Err(error) => self.unusable.push(Unusable {
                file,
                why: error.to_string(),
            }),
        }
    }
}

/// All files `*.json` below a directory, sorted; links to directories are not followed.
fn json_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut todo) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).at("list", &dir)? {
            let path = entry.at("list", &dir)?.path();
            if path.is_dir() && !path.is_symlink() {
                todo.push(path);
            } else if path.extension().is_some_and(|kind| kind == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
