//! The values that a fragment can ask for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Value {
    /// Built in.
    Yes,
    /// Off, written `# CONFIG_X is not set`.
    No,
    /// A number (`100`, `0x200000`) or a quoted string, as it stands in a `.config`.
    Literal(String),
}

/// A value that cannot stand in a fragment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum ValueError {
    /// `=m`.
    #[error("m is no value here: these kernels load no modules")]
    #[diagnostic(help("ask for y to build it in, or for n"))]
    Module,
    /// Neither y, n, a number nor a quoted string.
    #[error("{0:?} is no value of a kernel option")]
    #[diagnostic(help("use y, n, a number, a hexadecimal number (0x...) or a \"quoted string\""))]
    Unknown(String),
}

impl FromStr for Value {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "y" => Ok(Self::Yes),
            "n" => Ok(Self::No),
            "m" => Err(ValueError::Module),
            _ if is_number(text) || is_quoted(text) => Ok(Self::Literal(text.to_owned())),
            _ => Err(ValueError::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes => f.write_str("y"),
            Self::No => f.write_str("n"),
            Self::Literal(text) => f.write_str(text),
        }
    }
}

impl TryFrom<String> for Value {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, ValueError> {
        text.parse()
    }
}

impl From<Value> for String {
    fn from(value: Value) -> Self {
        value.to_string()
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    match digits.strip_prefix("0x") {
        Some(hex) => !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()),
    }
}

fn is_quoted(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return false;
    };
    let mut escaped = false;
    for c in inner.chars() {
        if c.is_control() || (c == '"' && !escaped) {
            return false;
        }
        escaped = c == '\\' && !escaped;
    }
    !escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        for good in ["y", "n", "1", "-1", "0x200000", "\"\"", "\"a\\\"b\""] {
            assert_eq!(good.parse::<Value>().unwrap().to_string(), good);
        }
        for bad in [
            "", "m", "0x", "yes", "\"", "\"a\"b\"", "\"a\\\"", "1 2", "-",
        ] {
            assert!(bad.parse::<Value>().is_err(), "{bad}");
        }
    }
}
