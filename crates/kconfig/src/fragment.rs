//! Fragments: `.config` lines of which each says why it is there.
//!
//! ```text
//! # Event loops of nearly every server.
//! CONFIG_EPOLL=y
//!
//! CONFIG_HZ_100=y  # the reason may also stand on the line
//!
//! # override: base asks for it, and a record-small kernel prints nothing
//! # CONFIG_PRINTK is not set
//! ```
//!
//! A comment covers the lines directly below it, up to a blank line or the next comment.

use serde::{Deserialize, Serialize};

use crate::PREFIX;
use crate::value::{Value, ValueError};

/// Where a fragment stands; the order of the variants is the order of merging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The least that boots.
    Base,
    /// The processor architecture.
    Arch,
    /// The virtual machine monitor.
    Vmm,
    /// A feature that the image or the machine needs.
    Need,
    /// One application, beyond its features.
    App,
    /// A property of the whole kernel: tiny, smp, debug.
    Feature,
    /// `--option` on the command line.
    User,
}

/// One line of a fragment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// `CONFIG_X`.
    pub option: String,
    /// What it asks for.
    pub value: Value,
    /// Why.
    pub why: String,
    /// It may contradict an earlier fragment.
    pub overrides: bool,
    /// Line number in the fragment, from 1.
    pub number: usize,
}

/// A named list of lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragment {
    /// For people: a file name such as `base.config`, or `feature net`.
    pub name: String,
    /// Its place in the order of merging.
    pub layer: Layer,
    /// In the order of the text.
    pub lines: Vec<Line>,
}

/// A fragment that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum FragmentError {
    /// Neither an option, a comment nor blank.
    #[error("{fragment}:{number}: cannot read {text:?}")]
    #[diagnostic(help("write CONFIG_X=VALUE or `# CONFIG_X is not set`"))]
    Syntax {
        /// Fragment's name.
        fragment: String,
        /// Line number, from 1.
        number: usize,
        /// The line.
        text: String,
    },
    /// An option with a value that cannot be.
    #[error("{fragment}:{number}: {option}: {source}")]
    #[diagnostic(help("use y, n, a number, a hexadecimal number (0x...) or a \"quoted string\""))]
    Value {
        /// Fragment's name.
        fragment: String,
        /// Line number, from 1.
        number: usize,
        /// The option.
        option: String,
        /// What is wrong with it.
        source: ValueError,
    },
    /// A line that does not say why it is there.
    #[error("{fragment}:{number}: {option} does not say why it is there")]
    #[diagnostic(help("put a comment with the reason above the line, or behind it"))]
    NoReason {
        /// Fragment's name.
        fragment: String,
        /// Line number, from 1.
        number: usize,
        /// The option.
        option: String,
    },
    /// One option twice.
    #[error("{fragment}:{number}: {option} stands already in line {first}")]
    #[diagnostic(help("keep one of the two lines"))]
    Twice {
        /// Fragment's name.
        fragment: String,
        /// Line number, from 1.
        number: usize,
        /// The option.
        option: String,
        /// Line of its first appearance.
        first: usize,
    },
}

impl Fragment {
    /// Reads a fragment; `name` is used in errors and explanations.
    ///
    /// # Errors
    /// A line that is no option, has a value that cannot be (`m` among them), gives no
    /// reason, or repeats an option.
    pub fn parse(name: &str, layer: Layer, text: &str) -> Result<Self, FragmentError> {
        let mut reader = Reader::new(name, layer);
        for (index, line) in text.lines().enumerate() {
            reader.line(index + 1, line.trim())?;
        }
        Ok(reader.fragment)
    }

    /// A fragment made of settings that carry their reason, for example a feature's.
    /// Lines are numbered from 1.
    pub fn from_settings<'a>(
        name: &str,
        layer: Layer,
        settings: impl IntoIterator<Item = (&'a str, Value, &'a str)>,
    ) -> Self {
        let line = |(index, (option, value, why)): (usize, (&str, Value, &str))| Line {
            option: option.to_owned(),
            value,
            why: why.to_owned(),
            overrides: false,
            number: index + 1,
        };
        Self {
            name: name.to_owned(),
            layer,
            lines: settings.into_iter().enumerate().map(line).collect(),
        }
    }

    /// What a person asked for by `--option`: it overrides every other layer.
    pub fn from_user(options: &[(String, Value)]) -> Self {
        let settings = options
            .iter()
            .map(|(option, value)| (option.as_str(), value.clone(), "asked for by --option"));
        let mut fragment = Self::from_settings("--option", Layer::User, settings);
        for line in &mut fragment.lines {
            line.overrides = true;
        }
        fragment
    }
}

/// Comment lines directly above an option line.
#[derive(Default)]
struct Comment {
    text: String,
    overrides: bool,
    /// An option line has used it: the next comment line starts a new one.
    used: bool,
}

struct Reader {
    fragment: Fragment,
    comment: Comment,
}

impl Reader {
    fn new(name: &str, layer: Layer) -> Self {
        let fragment = Fragment {
            name: name.to_owned(),
            layer,
            lines: Vec::new(),
        };
        Self {
            fragment,
            comment: Comment::default(),
        }
    }

    fn line(&mut self, number: usize, text: &str) -> Result<(), FragmentError> {
        if text.is_empty() {
            self.comment = Comment::default();
            return Ok(());
        }
        if let Some((option, trailing)) = unset(text) {
            return self.option(number, option, Value::No, trailing);
        }
        if let Some(comment) = text.strip_prefix('#') {
            self.comment(comment.trim());
            return Ok(());
        }
        let syntax = || FragmentError::Syntax {
            fragment: self.fragment.name.clone(),
            number,
            text: text.to_owned(),
        };
        let (option, rest) = text.split_once('=').ok_or_else(syntax)?;
        if !is_option(option) {
            return Err(syntax());
        }
        let (value, trailing) = split_trailing(rest);
        let value = value.parse().map_err(|source| FragmentError::Value {
            fragment: self.fragment.name.clone(),
            number,
            option: option.to_owned(),
            source,
        })?;
        self.option(number, option, value, trailing)
    }

    fn comment(&mut self, text: &str) {
        if self.comment.used {
            self.comment = Comment::default();
        }
        let text = match text.strip_prefix("override:") {
            Some(reason) => {
                self.comment.overrides = true;
                reason.trim()
            }
            None => text,
        };
        join(&mut self.comment.text, text);
    }

    fn option(
        &mut self,
        number: usize,
        option: &str,
        value: Value,
        trailing: &str,
    ) -> Result<(), FragmentError> {
        let (trailing, overrides_here) = match trailing.strip_prefix("override:") {
            Some(reason) => (reason.trim(), true),
            None => (trailing, false),
        };
        let why = if trailing.is_empty() {
            &self.comment.text
        } else {
            trailing
        };
        let fragment = self.fragment.name.clone();
        let option = option.to_owned();
        if why.is_empty() {
            return Err(FragmentError::NoReason {
                fragment,
                number,
                option,
            });
        }
        if let Some(first) = self.fragment.lines.iter().find(|l| l.option == option) {
            let first = first.number;
            return Err(FragmentError::Twice {
                fragment,
                number,
                option,
                first,
            });
        }
        self.fragment.lines.push(Line {
            option,
            value,
            // Reasons are shown within sentences.
            why: why.trim_end_matches('.').to_owned(),
            overrides: self.comment.overrides || overrides_here,
            number,
        });
        self.comment.used = true;
        Ok(())
    }
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

/// `# CONFIG_X is not set`, with what follows a second `#`.
fn unset(text: &str) -> Option<(&str, &str)> {
    let (option, rest) = text.strip_prefix("# ")?.split_once(" is not set")?;
    let rest = rest.trim();
    let trailing = rest.strip_prefix('#').map(str::trim);
    (is_option(option) && (rest.is_empty() || trailing.is_some()))
        .then(|| (option, trailing.unwrap_or_default()))
}

/// Splits `VALUE # reason`, minding that a quoted value may hold a `#`.
fn split_trailing(rest: &str) -> (&str, &str) {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            '"' if !escaped => quoted = !quoted,
            '#' if !quoted => return (rest[..at].trim(), rest[at + 1..].trim()),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    (rest.trim(), "")
}

/// `CONFIG_` and at least one letter, digit or underscore.
pub(crate) fn is_option(text: &str) -> bool {
    let name = text.strip_prefix(PREFIX).unwrap_or_default();
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests;
