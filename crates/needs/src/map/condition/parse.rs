//! From text to [`Condition`].

use super::{Condition, ConditionError};

/// How deep parentheses and negations may go: text from elsewhere must not use up the stack.
const DEEPEST: usize = 64;

pub(super) fn parse(text: &str) -> Result<Condition, ConditionError> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    parser.space();
    if parser.at == text.len() {
        return Ok(Condition::Always);
    }
    let condition = parser.either()?;
    if parser.at < text.len() {
        return Err(parser.error());
    }
    Ok(condition)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    /// `a || b || ...`
    fn either(&mut self) -> Result<Condition, ConditionError> {
        let mut parts = vec![self.both()?];
        while self.takes("||") {
            parts.push(self.both()?);
        }
        Ok(Condition::any(parts))
    }

    /// `a && b && ...`
    fn both(&mut self) -> Result<Condition, ConditionError> {
        let mut parts = vec![self.single()?];
        while self.takes("&&") {
            parts.push(self.single()?);
        }
        Ok(Condition::all(parts))
    }

    fn single(&mut self) -> Result<Condition, ConditionError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error());
        }
        let condition = if self.takes("!") {
            self.single()?.negated()
        } else if self.takes("(") {
            let inner = self.either()?;
            if !self.takes(")") {
                return Err(self.error());
            }
            inner
        } else {
            self.name()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn name(&mut self) -> Result<Condition, ConditionError> {
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        let condition = match name.strip_prefix("CONFIG_") {
            Some(own) if !own.is_empty() => Condition::symbol(name),
            None if name == "n" => Condition::Never,
            _ => return Err(self.error()),
        };
        self.at += name.len();
        self.space();
        Ok(condition)
    }

    /// Whether `token` comes next; if so it is passed, with the blanks behind it.
    fn takes(&mut self, token: &str) -> bool {
        let found = self.text[self.at..].starts_with(token);
        if found {
            self.at += token.len();
            self.space();
        }
        found
    }

    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn error(&self) -> ConditionError {
        ConditionError {
            text: self.text.into(),
            at: self.at,
        }
    }
}
