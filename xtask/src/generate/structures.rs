//! Initialised structures of a file.

use super::text::{at_commas, bracketed, leading_name, trailing_name, words};

/// `struct TYPE NAME = { ... }` or `struct TYPE NAME[] = { ... }`.
pub struct Initialised<'a> {
    /// The variable.
    pub name: &'a str,
    /// Offset of the variable's type.
    pub at: usize,
    /// Offset of the body.
    pub body_at: usize,
    /// What stands between the braces.
    pub body: &'a str,
    /// It is an array.
    pub is_array: bool,
}

/// All initialised variables of a structure's type.
pub fn initialised<'a>(text: &'a str, kind: &'a str) -> impl Iterator<Item = Initialised<'a>> {
    words(text, kind).filter_map(move |at| {
        if trailing_name(text[..at].trim_end()) != "struct" {
            return None;
        }
        let rest = text[at + kind.len()..].trim_start();
        let name = leading_name(rest);
        let after = rest[name.len()..].trim_start();
        let is_array = after.starts_with('[');
        // Between the name and its value stand at most brackets and attributes.
        let equals = after
            .find('=')
            .filter(|e| !after[..*e].contains([';', '{', '(', ')', ',']))?;
        let value = after[equals + 1..].trim_start();
        let open = text.len() - rest.len() + name.len() + (rest.len() - name.len() - value.len());
        let (body, _) = bracketed(text, open).filter(|_| value.starts_with('{'))?;
        let body_at = open + 1;
        (!name.is_empty()).then_some(Initialised {
            name,
            at,
            body_at,
            body,
            is_array,
        })
    })
}

/// The elements of an array of structures, each with its offset and what is between its braces.
pub fn elements(array: &Initialised<'_>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (start, part) in at_commas(array.body) {
        let raw = &array.body[start..];
        let Some(brace) = raw.find('{').filter(|_| part.contains('{')) else {
            continue;
        };
        if let Some((inner, _)) = bracketed(raw, brace) {
            found.push((array.body_at + start + brace, inner.to_owned()));
        }
    }
    found
}
