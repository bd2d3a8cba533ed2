//! Files in memory, and programs compiled for one test.

use std::collections::BTreeMap;
use std::io;

use lupine_scan::{Entry, EntryKind, Files, Scan, Start, scan};
use lupine_tool::Tool;

/// Files by absolute path, all but configurations executable. No symlinks.
#[derive(Default, Clone)]
pub struct Memory(pub BTreeMap<String, Vec<u8>>);

impl Memory {
    /// With one more file.
    pub fn with(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.to_owned(), content.into());
        self
    }

    /// The scan of a command line, split at spaces.
    pub fn scan(&self, command: &str) -> Scan {
        scan(self, &start(command))
    }
}

/// A command line without an environment.
pub fn start(command: &str) -> Start {
    Start {
        argv: command.split(' ').map(str::to_owned).collect(),
        ..Start::default()
    }
}

impl Files for Memory {
    fn resolve(&self, path: &str) -> Option<Entry> {
        let mut parts: Vec<&str> = Vec::new();
        for part in path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
        {
            match part {
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        let path = format!("/{}", parts.join("/"));
        if let Some(content) = self.0.get(&path) {
            let kind = EntryKind::File {
                bytes: content.len() as u64,
                executable: !path.ends_with(".conf"),
            };
            return Some(Entry { path, kind });
        }
        let below = format!("{}/", path.trim_end_matches('/'));
        let is_directory = self.0.keys().any(|file| file.starts_with(&below));
        is_directory.then_some(Entry {
            path,
            kind: EntryKind::Directory,
        })
    }

    fn read(&self, path: &str, max: u64) -> io::Result<Vec<u8>> {
        let entry = self.resolve(path).ok_or(io::ErrorKind::NotFound)?;
        let content = self.0.get(&entry.path).ok_or(io::ErrorKind::IsADirectory)?;
        Ok(content
            .iter()
            .copied()
            .take(usize::try_from(max).unwrap())
            .collect())
    }

    fn list(&self, path: &str) -> Vec<String> {
        let below = format!("{}/", path.trim_end_matches('/'));
        let inside = self.0.keys().filter_map(|file| file.strip_prefix(&below));
        let mut names: Vec<String> = inside
            .map(|rest| rest.split('/').next().unwrap().to_owned())
            .collect();
        names.dedup();
        names
    }
}

/// Compiles a C program with these flags.
pub fn compile(source: &str, flags: &[&str]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (dir.path().join("a.c"), dir.path().join("a"));
    std::fs::write(&input, source).unwrap();
    let gcc = Tool::new("gcc")
        .args(flags)
        .arg("-o")
        .arg(&output)
        .arg(&input);
    gcc.run().unwrap();
    std::fs::read(output).unwrap()
}

/// The scan of one C program alone: its libraries are not there.
pub fn scan_c(source: &str, flags: &[&str]) -> Scan {
    Memory::default()
        .with("/app", compile(source, flags))
        .scan("/app")
}
