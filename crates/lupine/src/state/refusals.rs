//! `refusals`: what a guest's kernel refused because it lacks it, as it said it, one a line.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use lupine_store::At;

use super::StateError;

/// Name of the file in a guest's directory.
const FILE: &str = "refusals";
/// Most lines that are kept. A kernel says each once, and a few hundred at most; a guest that
/// writes to the port itself can say what it likes.
const LINES: usize = 4096;

/// Keeps a guest's refusals.
#[derive(Debug, Default)]
pub struct Refusals {
    lines: Vec<String>,
    file: Option<File>,
}

impl Refusals {
    /// Keeps them in the directory of a guest.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn open(dir: &Path) -> Result<Self, StateError> {
        let path = dir.join(FILE);
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(&path);
        Ok(Self {
            lines: Vec::new(),
            file: Some(file.at("write", &path)?),
        })
    }

    /// One more.
    pub fn add(&mut self, line: String) {
        if self.lines.len() >= LINES {
            return;
        }
        if let Some(file) = &mut self.file {
            // A full disk loses explanations, and nothing else.
            let _ = file.write_all(format!("{line}\n").as_bytes());
        }
        self.lines.push(line);
    }

    /// All, in their order.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

/// What the guest in this directory was refused so far.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn read_refusals(dir: &Path) -> Result<Vec<String>, StateError> {
    let path = dir.join(FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let bytes = std::fs::read(&path).at("read", &path)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_as_they_were_said_and_are_not_endless() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read_refusals(dir.path()).unwrap().is_empty());
        let mut refusals = Refusals::open(dir.path()).unwrap();
        for number in 0..LINES + 10 {
            refusals.add(number.to_string());
        }
        let read = read_refusals(dir.path()).unwrap();
        assert_eq!(read, refusals.lines());
        assert_eq!(read.len(), LINES);
    }
}
