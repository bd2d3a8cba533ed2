//! The functions that a C file defines, by the kernel's style: bodies end at a brace in the
//! first column.

use std::ops::Range;

use super::text::{at_commas, bracketed, is_identifier, leading_name, trailing_name};

/// A function, or a macro's use that looks like one: `SYSCALL_DEFINE3(...) {`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The names of its parameters; of a macro, its arguments.
    pub parameters: Vec<String>,
    /// Offset of its name.
    pub at: usize,
    /// Offsets of its body, without braces.
    pub body: Range<usize>,
    /// Only its own file sees it.
    pub is_static: bool,
}

/// All of a file, in order.
#[derive(Debug, Default)]
pub struct Functions {
    /// In order of their places.
    pub all: Vec<Function>,
}

impl Functions {
    /// Finds them in a text without comments.
    pub fn of(text: &str) -> Self {
        let mut found = Self::default();
        let (mut at, mut head) = (0, None);
        while at < text.len() {
            let end = text[at..].find('\n').map_or(text.len(), |e| at + e + 1);
            let line = &text[at..end];
            let first = line.as_bytes()[0];
            if first == b'#' || line.trim().is_empty() {
                at = skip_directive(text, at, end);
                // Behind `#else` stands another head of the same body.
                if line.trim().is_empty() || line.contains("#el") {
                    head = None;
                }
                continue;
            }
            if head.is_none() && super::text::is_name(first) {
                head = Some(at);
            }
            let opens = line.find('{').map(|brace| at + brace);
            match (head, opens) {
                (Some(start), Some(open)) => {
                    let close = match bracketed(line, open - at) {
                        Some((_, end)) => at + end,
                        None => end_of_body(text, end),
                    };
                    let body = open + 1..close;
                    found.all.extend(definition(text, start, body));
                    at = text[close..]
                        .find('\n')
                        .map_or(text.len(), |e| close + e + 1);
                    head = None;
                }
                _ => {
                    if line.contains(';') || first == b'}' {
                        head = None;
                    }
                    at = end;
                }
            }
        }
        found
    }
}

/// The offset behind a directive that may go over several lines.
fn skip_directive(text: &str, start: usize, mut end: usize) -> usize {
    let mut at = start;
    while text[at..end].trim_end().ends_with('\\') && end < text.len() {
        at = end;
        end = text[at..].find('\n').map_or(text.len(), |e| at + e + 1);
    }
    end
}

/// The offset of the brace in the first column that ends a body.
fn end_of_body(text: &str, from: usize) -> usize {
    if text[from..].starts_with('}') {
        return from;
    }
    text[from..]
        .find("\n}")
        .map_or(text.len(), |at| from + at + 1)
}

/// A function's name and parameters, if that is what stands before a brace.
fn definition(text: &str, start: usize, body: Range<usize>) -> Option<Function> {
    let head = text[start..body.start].trim_end_matches('{');
    if head.contains('=') && !head.contains("SYSCALL_DEFINE") {
        return None;
    }
    let paren = head.find('(')?;
    let name = trailing_name(head[..paren].trim_end());
    let (inner, _) = bracketed(text, start + paren)?;
    if !is_identifier(name) {
        return None;
    }
    let at = start + head[..paren].trim_end().len() - name.len();
    let parameters = at_commas(inner)
        .into_iter()
        .map(|(_, part)| parameter(part));
    Some(Function {
        name: name.into(),
        parameters: parameters.collect(),
        at,
        body,
        is_static: leading_name(head) == "static",
    })
}

/// The name of a parameter: the last word, but for arrays and pointers to functions.
fn parameter(text: &str) -> String {
    let text = text.split('[').next().unwrap_or("").trim_end();
    let name = match text.split_once("(*") {
        Some((_, rest)) => leading_name(rest),
        None => trailing_name(text),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_with_parameters_and_body() {
        let text = "struct x {\n\tint a;\n};\nstatic inline int f(int a,\n\t\tchar b[3])\n{\n\treturn a;\n}\nint g(void) { return -ENOSYS; }\n#define M(x) \\\n\t{ x }\nSYSCALL_DEFINE2(h, int, fd, long, arg)\n{\n}\nint p(int);\n";
        let found = Functions::of(text);
        let names: Vec<_> = found.all.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["f", "g", "SYSCALL_DEFINE2"]);
        assert_eq!(found.all[0].parameters, ["a", "b"]);
        assert!(found.all[0].is_static && !found.all[1].is_static);
        assert_eq!(
            text[found.all[1].body.clone()].trim_end_matches('}').trim(),
            "return -ENOSYS;"
        );
        assert_eq!(found.all[2].parameters, ["h", "int", "fd", "long", "arg"]);
    }
}
