//! Soft budgets: they are listed, and fail nothing.

use crate::sources::Source;

/// Lines of a file.
const FILE: usize = 400;
/// Lines of a function.
const FUNCTION: usize = 40;

/// Files and functions that are over their budgets.
pub fn check(sources: &[Source]) -> Vec<String> {
    let mut over = Vec::new();
    for source in sources {
        let lines: Vec<&str> = source.text.lines().collect();
        if lines.len() > FILE {
            over.push(format!("{}: {} lines", source.path, lines.len()));
        }
        for (start, name, length) in functions(&lines) {
            if length > FUNCTION {
                over.push(format!("{}:{start} fn {name}: {length} lines", source.path));
            }
        }
    }
    over
}

/// Functions by the line on which they begin, with name and number of lines.
/// rustfmt puts a function's last brace below the start of its first line.
fn functions<'a>(lines: &[&'a str]) -> Vec<(usize, &'a str, usize)> {
    let mut functions = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let indent = &line[..line.len() - line.trim_start().len()];
        let ends = |line: &&str| {
            let rest = line.strip_prefix(indent);
            matches!(rest, Some("}" | ");" | ";")) || line.trim_end().ends_with("{}")
        };
        if line.trim_end().ends_with(';') {
            continue; // a declaration
        }
        let length = lines[at..].iter().position(ends).map_or(1, |end| end + 1);
        functions.push((at + 1, name, length));
    }
    functions
}

/// The name of the function that begins on this line.
fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    while let Some((word, after)) = rest.split_once(' ') {
        if word == "fn" {
            let end = after.find(['(', '<'])?;
            return Some(&after[..end]);
        }
        let qualifier = word.starts_with("pub") || matches!(word, "const" | "async" | "unsafe");
        let extern_c = matches!(word, "extern" | "\"C\"");
        if !qualifier && !extern_c {
            return None;
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_from_signature_to_brace() {
        let text = "impl X {\n    pub(crate) fn long<T>(\n        x: T,\n    ) -> u8 {\n        if a {\n        }\n        1\n    }\n\n    fn short() {}\n}\nconst fn two() {\n}\n";
        let lines: Vec<&str> = text.lines().collect();
        let found = functions(&lines);
        assert_eq!(found, [(2, "long", 7), (10, "short", 1), (12, "two", 2)]);
    }

    #[test]
    fn what_is_over_budget_is_listed() {
        let body = "    1;\n".repeat(450);
        let source = Source {
            path: "a.rs".into(),
            text: format!("fn a() {{\n{body}}}\n"),
        };
        assert_eq!(
            check(&[source]),
            ["a.rs: 452 lines", "a.rs:1 fn a: 452 lines"]
        );
    }
}
