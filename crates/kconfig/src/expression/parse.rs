//! Text into expressions, by recursive descent.

use super::{Atom, Expression, ExpressionError, Operator};

pub(super) fn parse(text: &str) -> Result<Expression, ExpressionError> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    parser
        .or()
        .filter(|_| parser.rest().is_empty())
        .ok_or_else(|| ExpressionError {
            text: text.to_owned(),
            at: parser.at,
        })
}

/// Nesting that no Kconfig file has; keeps hostile text from exhausting the stack.
const DEEPEST: usize = 64;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn or(&mut self) -> Option<Expression> {
        self.chain("||", Self::and, Expression::Or)
    }

    fn and(&mut self) -> Option<Expression> {
        self.chain("&&", Self::not, Expression::And)
    }

    fn chain(
        &mut self,
        token: &str,
        mut part: impl FnMut(&mut Self) -> Option<Expression>,
        whole: fn(Vec<Expression>) -> Expression,
    ) -> Option<Expression> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.take(token) {
            parts.push(part(self)?);
        }
        if parts.len() == 1 {
            parts.pop()
        } else {
            Some(whole(parts))
        }
    }

    fn not(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let result = if self.take("!") {
            self.not().map(|inner| Expression::Not(Box::new(inner)))
        } else if self.take("(") {
            self.or().filter(|_| self.take(")"))
        } else {
            self.compare()
        };
        self.depth -= 1;
        result
    }

    fn compare(&mut self) -> Option<Expression> {
        let left = self.atom()?;
        let operator = Operator::ALL.into_iter().find(|o| self.take(o.text()));
        match operator {
            Some(operator) => Some(Expression::Compare(left, operator, self.atom()?)),
            None => Some(Expression::Atom(left)),
        }
    }

    fn atom(&mut self) -> Option<Atom> {
        let rest = self.rest();
        let (atom, length) = match rest.chars().next()? {
            quote @ ('"' | '\'') => {
                let inner = rest[1..].split(quote).next()?;
                rest[1 + inner.len()..].starts_with(quote).then_some(())?;
                (Atom::Quoted(inner.to_owned()), inner.len() + 2)
            }
            '$' => {
                let length = macro_length(rest)?;
                (Atom::Macro(rest[..length].to_owned()), length)
            }
            _ => {
                let length = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
                    .unwrap_or(rest.len());
                (length > 0).then_some(())?;
                (Atom::Name(rest[..length].to_owned()), length)
            }
        };
        self.at += length;
        Some(atom)
    }
}

/// Length of `$(...)` with its balanced parentheses.
fn macro_length(text: &str) -> Option<usize> {
    let mut open = 0usize;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '(' => open += 1,
            ')' => open = open.checked_sub(1)?,
            _ => {}
        }
        if open == 0 {
            return (at > 1).then_some(at + 1);
        }
    }
    None
}
