//! What one run of an application showed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lupine_recorder::{Line, Record, parse};
use lupine_vm::End;

use crate::reply::Reply;

/// Whether the application did what it should, or why not.
pub type Verdict = Result<(), String>;

/// Bytes of output that are kept: the last ones.
const OUTPUT: usize = 4096;
/// Bytes of a line that has not ended; a recorder's lines are far shorter.
const LINE: usize = 64 * 1024;

/// What one run of an application showed.
#[derive(Debug)]
pub struct Seen {
    /// Whether it reached its goal; set at the end of every run.
    pub verdict: Option<Verdict>,
    /// From the application's start to the verdict.
    pub took: Duration,
    /// What it asked for.
    pub records: Vec<Record>,
    /// The rules, as features, that refused something.
    pub hits: BTreeSet<String>,
    /// What processes that failed were refused last: name and feature.
    pub last_refusals: Vec<Record>,
    /// How its ports answered.
    pub replies: BTreeMap<u16, Reply>,
    /// How the guest ended.
    pub end: Option<End>,
    output: Vec<u8>,
    line: Vec<u8>,
}

impl Seen {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            verdict: None,
            took: Duration::ZERO,
            records: Vec::new(),
            hits: BTreeSet::new(),
            last_refusals: Vec::new(),
            replies: BTreeMap::new(),
            end: None,
            output: Vec::new(),
            line: Vec::new(),
        }
    }

    /// Why it did not, with the last lines that it wrote.
    pub fn failure(&self) -> Option<String> {
        let why = self.verdict.as_ref()?.as_ref().err()?;
        let output = String::from_utf8_lossy(&self.output);
        let tail: Vec<&str> = output
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let tail = &tail[tail.len().saturating_sub(3)..];
        Some(match tail {
            [] => why.clone(),
            _ => format!("{why}; it wrote: {}", tail.join(" / ")),
        })
    }

    /// Notes that it did not reach its goal.
    pub fn fail(&mut self, why: &str) {
        self.verdict = Some(Err(why.into()));
    }

    /// Notes what the application wrote.
    pub fn wrote(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
        let over = self.output.len().saturating_sub(OUTPUT);
        self.output.drain(..over);
    }

    /// Notes what the recorder wrote.
    pub fn recorded(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.line(&line);
            } else if self.line.len() < LINE {
                self.line.push(byte);
            }
        }
    }

    fn line(&mut self, line: &[u8]) {
        // A line that cannot be read tells nothing; the guest may write what it likes.
        match parse(line) {
            Ok(Line::Record(record)) => self.records.push(record),
            Ok(Line::Hit(hit)) => {
                self.hits.insert(hit.rule.feature.to_string());
            }
            Ok(Line::LastRefusal { record, .. }) => self.last_refusals.push(record),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_may_come_in_pieces() {
        let mut seen = Seen::new();
        seen.recorded(b"#lupine-record\t1\n290\t-\t0\t-\tred");
        assert!(seen.records.is_empty());
        seen.recorded(b"is\t7\nnonsense\n");
        assert_eq!(seen.records.len(), 1);
        assert_eq!(seen.records[0].name, Some("eventfd2"));
    }

    #[test]
    fn a_failure_ends_with_what_was_written_last() {
        let mut seen = Seen::new();
        seen.wrote(&[b'x'; 2 * OUTPUT]);
        seen.wrote(b"\none\n\ntwo\nthree\n");
        seen.fail("it exited with status 1");
        let why = seen.failure().unwrap();
        assert_eq!(why, "it exited with status 1; it wrote: one / two / three");
    }
}
