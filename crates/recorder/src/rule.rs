//! What the recorder shall refuse, and with which error.

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use crate::feature::{Feature, Lookup, number};
use crate::names;

/// Greatest error number of Linux.
const ERRNO_MAX: u64 = 4095;

/// `FEATURE=ERRNO`: calls that use the feature fail with the error.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    /// What is refused.
    pub feature: Feature,
    /// With which error.
    pub errno: u16,
}

/// A text that is no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError(String);

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no rule: it reads FEATURE=ERRNO, such as syscall:eventfd2=ENOSYS or family:10=97",
            self.0
        )
    }
}

impl core::error::Error for RuleError {}

impl Rule {
    /// Reads a rule; `lookup` knows system calls by name, `errors` errors.
    pub fn parse_with(text: &str, lookup: Lookup, errors: Lookup) -> Option<Self> {
        // The last one: a path may hold another.
        let at = text.bytes().rposition(|byte| byte == b'=')?;
        let (feature, errno) = (text.get(..at)?, text.get(at + 1..)?);
        let errno = number(errno).or_else(|| errors(errno).map(u64::from))?;
        if errno == 0 || errno > ERRNO_MAX {
            return None;
        }
        Some(Self {
            feature: Feature::parse_with(feature, lookup)?,
            errno: errno as u16,
        })
    }

    /// The rule as the recorder reads it: numbers only.
    pub fn encode(&self) -> String {
        struct Numbers<'a>(&'a Rule);
        impl fmt::Display for Numbers<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.feature.write(f, |_| None)?;
                write!(f, "={}", self.0.errno)
            }
        }
        Numbers(self).to_string()
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Self::parse_with(text, names::syscall_number, names::errno_number)
            .ok_or_else(|| RuleError(text.into()))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.feature)?;
        match names::errno_name(self.errno) {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.errno),
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, names::syscall_name)
    }
}

impl FromStr for Feature {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Self::parse_with(text, names::syscall_number).ok_or_else(|| RuleError(text.into()))
    }
}
