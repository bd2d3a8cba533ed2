//! Conditions: boolean expressions over kernel options.

mod parse;

use std::collections::BTreeSet;
use std::fmt;

/// When the kernel has a feature: an expression over options, which are either on or off.
///
/// The text of one is made of `CONFIG_X`, `!`, `&&`, `||` and parentheses; no text at all is
/// [`Condition::Always`], and `n` is [`Condition::Never`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// Every kernel has it.
    Always,
    /// No kernel for this machine has it.
    Never,
    /// The option is on; with its prefix `CONFIG_`.
    Symbol(String),
    /// The inner one does not hold.
    Not(Box<Condition>),
    /// All of them hold; at least two.
    And(Vec<Condition>),
    /// One of them holds; at least two.
    Or(Vec<Condition>),
}

/// Text that is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("cannot read the condition {text:?} from byte {at}")]
#[diagnostic(help("conditions are made of CONFIG_X, n, !, &&, || and parentheses"))]
pub struct ConditionError {
    /// The whole text.
    pub text: String,
    /// Offset in bytes.
    pub at: usize,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        parse::parse(text)
    }

    /// The condition that an option is on.
    pub fn symbol(name: impl Into<String>) -> Self {
        Self::Symbol(name.into())
    }

    /// That all of `parts` hold. Constants and nesting disappear.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Always => {}
                Self::Never => return Self::Never,
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::Always,
            1 => flat.remove(0),
            _ => Self::And(flat),
        }
    }

    /// That one of `parts` holds. Constants and nesting disappear.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Never => {}
                Self::Always => return Self::Always,
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::Never,
            1 => flat.remove(0),
            _ => Self::Or(flat),
        }
    }

    /// That it does not hold.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Whether it holds where `on` says which options are on.
    pub fn holds(&self, on: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Symbol(name) => on(name),
            Self::Not(inner) => !inner.holds(on),
            Self::And(parts) => parts.iter().all(|part| part.holds(on)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(on)),
        }
    }

    /// The options that it names, sorted, each once.
    pub fn symbols(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        self.visit(true, &mut |name, _| {
            found.insert(name);
        });
        found
    }

    /// Whether it depends on these options: it holds with every option on that it asks for, and
    /// no longer when only these are off.
    pub fn is_lost_without(&self, options: &BTreeSet<String>) -> bool {
        let mut wanted = BTreeSet::new();
        self.visit(true, &mut |name, positive| {
            if positive {
                wanted.insert(name);
            }
        });
        self.holds(&|name| wanted.contains(name))
            && !self.holds(&|name| wanted.contains(name) && !options.contains(name))
    }

    /// The options to turn on, sorted. Of several alternatives it is the one that needs the
    /// fewest options, and of equals the first in the text. What must be off is not told.
    pub fn options(&self) -> BTreeSet<&str> {
        match self {
            Self::Always | Self::Never | Self::Not(_) => BTreeSet::new(),
            Self::Symbol(name) => BTreeSet::from([name.as_str()]),
            Self::And(parts) => parts.iter().flat_map(Self::options).collect(),
            Self::Or(parts) => parts
                .iter()
                .map(Self::options)
                .min_by_key(BTreeSet::len)
                .unwrap_or_default(),
        }
    }

    /// Calls `see` for every symbol, with whether it stands below an even number of `!`.
    fn visit<'a>(&'a self, positive: bool, see: &mut dyn FnMut(&'a str, bool)) {
        match self {
            Self::Always | Self::Never => {}
            Self::Symbol(name) => see(name, positive),
            Self::Not(inner) => inner.visit(!positive, see),
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().for_each(|part| part.visit(positive, see));
            }
        }
    }

    fn write_part(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(_) | Self::Or(_) => write!(f, "({self})"),
            // The text of a constant would vanish inside a longer one.
            Self::Always => f.write_str("!n"),
            _ => write!(f, "{self}"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, between) = match self {
            Self::Always => return Ok(()),
            Self::Never => return f.write_str("n"),
            Self::Symbol(name) => return f.write_str(name),
            Self::Not(inner) => {
                f.write_str("!")?;
                return inner.write_part(f);
            }
            Self::And(parts) => (parts, " && "),
            Self::Or(parts) => (parts, " || "),
        };
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                f.write_str(between)?;
            }
            part.write_part(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
