//! The lines that a recorder writes.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::HEADER;
use crate::escape::unescape;
use crate::record::Record;
use crate::rule::Rule;

/// One line of a recorder's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The first line: the format is the one that this crate reads.
    Header,
    /// A call that was not seen with this answer before.
    Record(Record),
    /// The first call that a rule refused.
    Hit(Hit),
    /// At the end, for each rule: how often it refused. Zero means that the run says nothing about the rule.
    Hits(Rule, u64),
    /// The end of the main process, or of another that failed.
    Exit(End),
    /// What was refused last to a process that has just failed: the line follows its [`Line::Exit`].
    LastRefusal {
        /// The process.
        pid: u32,
        /// Its name.
        comm: String,
        /// What was refused, as it was recorded first.
        record: Record,
    },
    /// There are more records than a recorder keeps; new ones are not written any more.
    Full,
}

/// The first call that a rule refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The rule.
    pub rule: Rule,
    /// Name of the process that was refused.
    pub comm: String,
    /// Its number.
    pub pid: u32,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Whether it is the program that the recorder was asked to run.
    pub main: bool,
    /// The process.
    pub pid: u32,
    /// Its name.
    pub comm: String,
    /// The signal that killed it, or its exit status.
    pub how: Result<u8, u8>,
}

/// A line that no recorder writes, or one of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError;

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a line of this version's recorder")
    }
}

impl core::error::Error for ParseError {}

/// Reads one line, with or without its line feed.
///
/// # Errors
/// [`ParseError`] for anything that a recorder of this version does not write,
/// such as the beginning of a line.
pub fn parse(line: &[u8]) -> Result<Line, ParseError> {
    let text = core::str::from_utf8(line).map_err(|_| ParseError)?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    known(text).ok_or(ParseError)
}

fn known(text: &str) -> Option<Line> {
    if text == HEADER {
        return Some(Line::Header);
    }
    let fields: Vec<&str> = text.split('\t').collect();
    Some(match fields.as_slice() {
        ["full"] => Line::Full,
        ["hit", rule, comm, pid] => Line::Hit(Hit {
            rule: rule.parse().ok()?,
            comm: unescape(comm)?.unwrap_or_default(),
            pid: pid.parse().ok()?,
        }),
        ["hits", rule, count] => Line::Hits(rule.parse().ok()?, count.parse().ok()?),
        ["exit", who, pid, comm, how, number] => Line::Exit(End {
            main: role(who)?,
            pid: pid.parse().ok()?,
            comm: unescape(comm)?.unwrap_or_default(),
            how: match *how {
                "status" => Ok(number.parse().ok()?),
                "signal" => Err(number.parse().ok()?),
                _ => return None,
            },
        }),
        ["last-refusal", pid, comm, record @ ..] => Line::LastRefusal {
            pid: pid.parse().ok()?,
            comm: unescape(comm)?.unwrap_or_default(),
            record: Record::parse(record)?,
        },
        record => Line::Record(Record::parse(record)?),
    })
}

fn role(who: &str) -> Option<bool> {
    match who {
        "main" => Some(true),
        "other" => Some(false),
        _ => None,
    }
}
