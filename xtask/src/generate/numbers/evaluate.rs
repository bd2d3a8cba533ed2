//! Constant expressions of C, as far as headers use them for numbers.

use crate::generate::text::is_name;

type Lookup<'a> = &'a dyn Fn(&str) -> Option<i64>;

/// Operators by how tightly they bind, the loosest first.
const LEVELS: [&[&str]; 5] = [&["|"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/"]];
/// Sizes of types that `_IOR` and its like are used with.
const SIZES: [(&str, i64); 12] = [
    ("int", 4),
    ("unsigned int", 4),
    ("long", 8),
    ("unsigned long", 8),
    ("size_t", 8),
    ("__u8", 1),
    ("__u16", 2),
    ("__u32", 4),
    ("__s32", 4),
    ("__u64", 8),
    ("__s64", 8),
    ("char", 1),
];

/// The value of an expression, or `None`.
pub fn evaluate(text: &str, lookup: Lookup<'_>) -> Option<i64> {
    let mut parser = Parser {
        text: text.trim(),
        lookup,
    };
    let value = parser.level(0)?;
    parser.text.is_empty().then_some(value)
}

struct Parser<'a> {
    text: &'a str,
    lookup: Lookup<'a>,
}

impl Parser<'_> {
    fn level(&mut self, level: usize) -> Option<i64> {
        let Some(operators) = LEVELS.get(level) else {
            return self.single();
        };
        let mut value = self.level(level + 1)?;
        while let Some(operator) = operators.iter().find(|o| self.takes(o)) {
            let right = self.level(level + 1)?;
            value = match *operator {
                "|" => value | right,
                "&" => value & right,
                "<<" => value.checked_shl(right.try_into().ok()?)?,
                ">>" => value.checked_shr(right.try_into().ok()?)?,
                "+" => value.checked_add(right)?,
                "-" => value.checked_sub(right)?,
                "*" => value.checked_mul(right)?,
                _ => value.checked_div(right)?,
            };
        }
        Some(value)
    }

    fn single(&mut self) -> Option<i64> {
        if self.takes("-") {
            return self.single()?.checked_neg();
        }
        if self.takes("~") {
            return Some(!self.single()?);
        }
        if self.takes("(") {
            let value = self.level(0)?;
            return self.takes(")").then_some(value);
        }
        if self.text.starts_with('\'') {
            let value = self.text.as_bytes().get(1).copied()?;
            self.text = self.text.get(3..)?.trim_start();
            return Some(value.into());
        }
        let end = self
            .text
            .bytes()
            .position(|b| !is_name(b))
            .unwrap_or(self.text.len());
        let word = &self.text[..end];
        self.text = self.text[end..].trim_start();
        match word.bytes().next()? {
            b'0'..=b'9' => number(word),
            _ if word.starts_with("_IO") && self.takes("(") => self.command(word),
            _ => (self.lookup)(word),
        }
    }

    /// `_IO(type, number)` and, with a type whose size is known, `_IOR`, `_IOW`, `_IOWR`.
    fn command(&mut self, word: &str) -> Option<i64> {
        let kind = self.level(0)?;
        let number = self.takes(",").then(|| self.level(0)).flatten()?;
        let (direction, mut size) = match word {
            "_IO" => (0, 0),
            "_IOW" => (1, -1),
            "_IOR" => (2, -1),
            "_IOWR" => (3, -1),
            _ => return None,
        };
        if size < 0 {
            let end = self.text.find(')')?;
            let name = self.text[..end].trim_start_matches(',').trim();
            size = SIZES.iter().find(|(known, _)| *known == name)?.1;
            self.text = &self.text[end..];
        }
        self.takes(")")
            .then_some(direction << 30 | size << 16 | kind << 8 | number)
    }

    fn takes(&mut self, token: &str) -> bool {
        let Some(rest) = self.text.strip_prefix(token) else {
            return false;
        };
        self.text = rest.trim_start();
        true
    }
}

fn number(word: &str) -> Option<i64> {
    let digits = word.trim_end_matches(['u', 'U', 'l', 'L']);
    let value = match digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None if digits.len() > 1 && digits.starts_with('0') => {
            u64::from_str_radix(digits, 8).ok()?
        }
        None => digits.parse().ok()?,
    };
    Some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_headers_have_values() {
        let lookup = |name: &str| (name == "BASE").then_some(1024);
        for (text, wanted) in [
            ("(BASE + 9)", Some(1033)),
            ("0x10 | 1 << 2", Some(0x14)),
            ("00004000U", Some(0o4000)),
            ("-1", Some(-1)),
            ("_IO('T', 1)", Some(0x5401)),
            ("_IOR('T', 0x30, unsigned int)", Some(0x8004_5430)),
            ("_IOR('T', 1, struct x)", None),
            ("OTHER", None),
            ("1 2", None),
        ] {
            assert_eq!(evaluate(text, &lookup), wanted, "{text}");
        }
    }
}
