//! Kconfig's expressions: just enough to say which part of one is false.
//!
//! Values are n < m < y; `&&` is the least, `||` the greatest, `!` turns y and n. What the
//! Kconfig preprocessor left behind (`$(...)`) is taken as y: the compiler's abilities are
//! never what a person can change by an option.

mod parse;

use std::fmt;

use serde::{Deserialize, Serialize};

/// The value of a bool or tristate expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tristate {
    /// n.
    No,
    /// m.
    Module,
    /// y.
    Yes,
}

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A symbol, by its name without `CONFIG_`, or a constant.
    Atom(Atom),
    /// Two atoms with `=`, `!=`, `<`, `<=`, `>` or `>=` between them.
    Compare(Atom, Operator, Atom),
    /// `!a`.
    Not(Box<Expression>),
    /// `a && b && ...`, at least two.
    And(Vec<Expression>),
    /// `a || b || ...`, at least two.
    Or(Vec<Expression>),
}

/// A symbol or a constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Atom {
    /// A symbol or a bare constant: y, m, n, a number.
    Name(String),
    /// Text in quotes, without them.
    Quoted(String),
    /// `$(...)`, as it stands.
    Macro(String),
}

/// How two atoms are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// Text that is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("cannot read the Kconfig expression {text:?} from byte {at}")]
#[diagnostic(help(
    "expressions are made of symbols, y, m, n, &&, ||, !, comparisons and parentheses"
))]
pub struct ExpressionError {
    /// The whole text.
    pub text: String,
    /// Offset in bytes.
    pub at: usize,
}

/// A part of an expression that makes the whole false.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blame {
    /// The part, as text.
    pub part: String,
    /// The symbols in it and their values.
    pub symbols: Vec<(String, String)>,
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [(name, value)] = self.symbols.as_slice()
            && *name == self.part
            && value == "n"
        {
            return write!(f, "{name}, which is off");
        }
        let values: Vec<String> = self
            .symbols
            .iter()
            .map(|(n, v)| format!("{n} is {v}"))
            .collect();
        write!(f, "{} ({})", self.part, values.join(", "))
    }
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        parse::parse(text)
    }

    /// Its value; `value` gives a symbol's value as in a `.config`, `n` when it is off.
    pub fn eval(&self, value: &dyn Fn(&str) -> String) -> Tristate {
        let no = Tristate::No;
        match self {
            Self::Atom(atom) => atom.tristate(value),
            Self::Compare(left, operator, right) => {
                let holds = operator.holds(&left.text(value), &right.text(value));
                if holds || left.is_macro() || right.is_macro() {
                    Tristate::Yes
                } else {
                    no
                }
            }
            Self::Not(inner) => match inner.eval(value) {
                Tristate::No => Tristate::Yes,
                Tristate::Module => Tristate::Module,
                Tristate::Yes => no,
            },
            Self::And(parts) => parts.iter().map(|p| p.eval(value)).min().unwrap_or(no),
            Self::Or(parts) => parts.iter().map(|p| p.eval(value)).max().unwrap_or(no),
        }
    }

    /// The least parts whose falsehood makes the whole false; empty when it is not false.
    pub fn blame(&self, value: &dyn Fn(&str) -> String) -> Vec<Blame> {
        if self.eval(value) != Tristate::No {
            return Vec::new();
        }
        if let Self::And(parts) = self {
            return parts.iter().flat_map(|p| p.blame(value)).collect();
        }
        let mut names = Vec::new();
        self.names(&mut names);
        let symbols = names
            .into_iter()
            .map(|n| (n.to_owned(), value(n)))
            .collect();
        vec![Blame {
            part: self.to_string(),
            symbols,
        }]
    }

    /// The symbols that it names, each once, in order.
    pub fn symbols(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.names(&mut names);
        names
    }

    fn names<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Self::Atom(atom) => atom.name(into),
            Self::Compare(left, _, right) => {
                left.name(into);
                right.name(into);
            }
            Self::Not(inner) => inner.names(into),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|p| p.names(into)),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, parts: &[Self], between: &str| {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    f.write_str(between)?;
                }
                match part {
                    Self::And(_) | Self::Or(_) => write!(f, "({part})")?,
                    _ => write!(f, "{part}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::Atom(atom) => write!(f, "{atom}"),
            Self::Compare(left, operator, right) => write!(f, "{left} {} {right}", operator.text()),
            Self::Not(inner) => match **inner {
                Self::Atom(_) | Self::Not(_) => write!(f, "!{inner}"),
                _ => write!(f, "!({inner})"),
            },
            Self::And(parts) => join(f, parts, " && "),
            Self::Or(parts) => join(f, parts, " || "),
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(text) | Self::Macro(text) => f.write_str(text),
            Self::Quoted(text) => write!(f, "\"{text}\""),
        }
    }
}

impl Atom {
    fn is_macro(&self) -> bool {
        matches!(self, Self::Macro(_))
    }

    fn is_constant(text: &str) -> bool {
        matches!(text, "y" | "m" | "n")
            || text.starts_with("0x")
            || text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
    }

    fn name<'a>(&'a self, into: &mut Vec<&'a str>) {
        if let Self::Name(name) = self
            && !Self::is_constant(name)
            && !into.contains(&name.as_str())
        {
            into.push(name);
        }
    }

    fn tristate(&self, value: &dyn Fn(&str) -> String) -> Tristate {
        match (self, self.text(value).as_str()) {
            (Self::Macro(_), _) | (_, "y") => Tristate::Yes,
            (_, "m") => Tristate::Module,
            _ => Tristate::No,
        }
    }

    fn text(&self, value: &dyn Fn(&str) -> String) -> String {
        match self {
            Self::Name(name) if !Self::is_constant(name) => {
                let text = value(name);
                text.trim_matches('"').to_owned()
            }
            Self::Name(text) | Self::Quoted(text) | Self::Macro(text) => text.clone(),
        }
    }
}

impl Operator {
    const ALL: [Self; 6] = [
        Self::Unequal,
        Self::LessOrEqual,
        Self::GreaterOrEqual,
        Self::Equal,
        Self::Less,
        Self::Greater,
    ];

    fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Numbers are compared as numbers, everything else as text, as Kconfig does.
    fn holds(self, left: &str, right: &str) -> bool {
        let order = match (number(left), number(right)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => left.cmp(right),
        };
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

fn number(text: &str) -> Option<i128> {
    match text.strip_prefix("0x") {
        Some(hex) => i128::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
