//! Small tools to find things in C text that has no comments any more.

/// C text without its comments; every other byte stays where it was.
pub fn without_comments(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut clean = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' | b'\'' => at = end_of_literal(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = text[at + 2..]
                    .find("*/")
                    .map_or(bytes.len(), |e| at + e + 4);
                blank(&mut clean[at..end]);
                at = end;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                let end = text[at..].find('\n').map_or(bytes.len(), |e| at + e);
                blank(&mut clean[at..end]);
                at = end;
            }
            _ => at += 1,
        }
    }
    // Whole comments were replaced byte by byte, so what is left is valid text.
    String::from_utf8(clean).unwrap_or_default()
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// The offset behind a string or character; a newline ends what was never closed.
fn end_of_literal(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\n' => return at,
            byte if byte == bytes[start] => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Whether a byte may stand in an identifier.
pub fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether text is one identifier.
pub fn is_identifier(text: &str) -> bool {
    text.bytes().all(is_name) && text.bytes().next().is_some_and(|b| !b.is_ascii_digit())
}

/// Offsets at which an identifier stands.
pub fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| {
            let bytes = text.as_bytes();
            let before = at.checked_sub(1).is_some_and(|b| is_name(bytes[b]));
            let after = bytes.get(at + word.len()).is_some_and(|b| is_name(*b));
            !before && !after
        })
}

/// The identifier that begins at the first byte; empty when there is none.
pub fn leading_name(text: &str) -> &str {
    let end = text.bytes().position(|b| !is_name(b)).unwrap_or(text.len());
    &text[..end]
}

/// The identifier that ends at the last byte; empty when there is none.
pub fn trailing_name(text: &str) -> &str {
    let start = text.bytes().rposition(|b| !is_name(b)).map_or(0, |b| b + 1);
    &text[start..]
}

/// The bytes from an offset on that stand in no string or character, each with its offset.
fn outside_literals(text: &str, start: usize) -> impl Iterator<Item = (usize, u8)> {
    let bytes = text.as_bytes();
    let mut at = start;
    std::iter::from_fn(move || {
        while matches!(bytes.get(at)?, b'"' | b'\'') {
            at = end_of_literal(bytes, at);
        }
        at += 1;
        Some((at - 1, *bytes.get(at - 1)?))
    })
}

/// What stands between the bracket at `open` and its partner, and the offset behind it.
pub fn bracketed(text: &str, open: usize) -> Option<(&str, usize)> {
    let mut depth = 0_usize;
    for (at, byte) in outside_literals(text, open) {
        match byte {
            b'(' | b'{' | b'[' => depth += 1,
            b')' | b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => continue,
        }
        if depth == 0 {
            return Some((&text[open + 1..at], at + 1));
        }
    }
    None
}

/// Splits at commas that stand in no brackets; with the offset of each part.
pub fn at_commas(text: &str) -> Vec<(usize, &str)> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for (at, byte) in outside_literals(text, 0) {
        match byte {
            b'(' | b'{' | b'[' => depth += 1,
            b')' | b'}' | b']' => depth -= 1,
            b',' if depth == 0 => {
                parts.push((start, text[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    if !text[start..].trim().is_empty() {
        parts.push((start, text[start..].trim()));
    }
    parts
}

/// A call: the offset of its name and its arguments.
pub struct Call<'a> {
    /// Offset of the name.
    pub at: usize,
    /// Arguments, trimmed.
    pub arguments: Vec<&'a str>,
}

/// All calls of a function, and its definition, if that stands there.
pub fn calls<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = Call<'a>> + 'a {
    words(text, name).filter_map(move |at| call_at(text, at, name.len()))
}

/// The call whose name begins at `at` and is `length` long.
pub fn call_at(text: &str, at: usize, length: usize) -> Option<Call<'_>> {
    let rest = &text[at + length..];
    let open = at + length + (rest.len() - rest.trim_start().len());
    if text.as_bytes().get(open) != Some(&b'(') {
        return None;
    }
    let (inner, _) = bracketed(text, open)?;
    let arguments = at_commas(inner).into_iter().map(|(_, part)| part).collect();
    Some(Call { at, arguments })
}

/// The contents of the string literal, or of several in a row, that a text consists of.
pub fn literal(text: &str) -> Option<String> {
    let mut rest = text.trim();
    let mut value = String::new();
    while let Some(inner) = rest.strip_prefix('"') {
        let end = inner.find('"')?;
        value.push_str(&inner[..end]);
        rest = inner[end + 1..].trim_start();
    }
    (rest.is_empty() && !text.trim().is_empty()).then_some(value)
}

/// An initialiser `.field = value` of a structure: the value.
pub fn field<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let rest = &body[at_field(body, name)?..];
    Some(at_commas(rest).first()?.1)
}

/// The offset behind `.name =` in the outermost level of an initialiser.
fn at_field(body: &str, name: &str) -> Option<usize> {
    words(body, name).find_map(|at| {
        let before = body[..at].trim_end();
        let rest = body[at + name.len()..].trim_start();
        let outer = before.matches('{').count() == before.matches('}').count();
        if !before.ends_with('.') || !outer || !rest.starts_with('=') || rest.starts_with("==") {
            return None;
        }
        Some(body.len() - rest.len() + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_vanish_and_nothing_moves() {
        let text = "a /* x\n */ \"/*\" // y\nb";
        assert_eq!(without_comments(text), "a     \n    \"/*\"     \nb");
    }

    #[test]
    fn calls_have_their_arguments() {
        let found: Vec<_> = calls("f(a, g(b, \")\"), c); xf(1)", "f").collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].arguments, ["a", "g(b, \")\")", "c"]);
    }

    #[test]
    fn fields_are_found_in_the_outermost_level() {
        let body = " .ops = { .name = \"x\" }, .name\t= \"y\" \"z\",";
        assert_eq!(field(body, "name"), Some("\"y\" \"z\""));
        assert_eq!(field(body, "nam"), None);
        assert_eq!(literal("\"y\" \"z\""), Some("yz".into()));
    }

    #[test]
    fn names_at_the_ends() {
        assert_eq!(leading_name("ab_1(c"), "ab_1");
        assert_eq!(trailing_name("struct x ab"), "ab");
        assert!(!is_identifier("1a") && is_identifier("a1"));
    }
}
