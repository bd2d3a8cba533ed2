//! Plugins that configuration files name.

use super::Closure;
use super::named::is_library_name;
use crate::files::{join, parent};
use crate::report::Reason;

/// Files that name files that name files ...
const DEPTH: usize = 4;
/// Most bytes that are read of one.
const BYTES: u64 = 1 << 18;
/// Most configuration files.
const FILES: usize = 200;

impl Closure<'_> {
    /// Reads a configuration file, if it is one that exists.
    pub(super) fn config(&mut self, path: &str, depth: usize) {
        let Some(entry) = self.files.resolve(path).filter(crate::Entry::is_file) else {
            return;
        };
        let full = depth > DEPTH || self.configs.len() >= FILES;
        if full || self.known.contains_key(&entry.path) || !self.configs.insert(entry.path.clone())
        {
            return;
        }
        let bytes = self.files.read(&entry.path, BYTES).unwrap_or_default();
        if bytes.contains(&0) {
            return;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for line in text.lines() {
            let line = line.trim_start();
            if !line.starts_with(['#', ';']) {
                self.config_line(line, &entry.path, depth);
            }
        }
    }

    fn config_line(&mut self, line: &str, path: &str, depth: usize) {
        let includes = line.to_ascii_lowercase().starts_with("include");
        let words = line.split([' ', '\t', ';', '"', '\'', '=', ',']);
        for word in words.filter(|word| word.len() > 3) {
            if word.contains(".so") {
                self.plugin(word, path);
            } else if includes || word.ends_with(".conf") {
                for file in self.matching(&join(parent(path), word)) {
                    self.config(&file, depth + 1);
                }
            } else if word.starts_with('/')
                && self.files.resolve(word).is_some_and(|e| e.is_executable())
            {
                self.add(word, Reason::Config(path.into()), None);
            }
        }
    }

    /// A library that a configuration names, absolutely or from a directory that only the program
    /// knows: every directory whose name stands in it is tried.
    fn plugin(&mut self, word: &str, path: &str) {
        let why = Reason::Config(path.into());
        if !is_library_name(&join("/", word)) {
            return;
        }
        if self.add(&join(parent(path), word), why.clone(), None) {
            return;
        }
        let dirs = self.named_dirs();
        if !dirs
            .iter()
            .any(|dir| self.add(&join(dir, word), why.clone(), None))
        {
            self.warn(format!("{path} names {word}, which was not found"));
        }
    }
}
