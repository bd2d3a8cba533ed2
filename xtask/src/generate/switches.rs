//! `switch` statements: their labels and what follows each.

use super::text::{bracketed, is_identifier, words};

/// A label of a `switch`.
#[derive(Debug, PartialEq, Eq)]
pub struct Label<'a> {
    /// The constant.
    pub name: &'a str,
    /// Offset in the text that was searched.
    pub at: usize,
    /// What is done for it.
    pub code: &'a str,
}

/// The labels of each `switch` over a variable, one list for each.
pub fn switches<'a>(text: &'a str, variable: &str) -> Vec<Vec<Label<'a>>> {
    let found = words(text, "switch").filter_map(|at| {
        let open = at + text[at..].find('(')?;
        let (over, end) = bracketed(text, open)?;
        let brace = end + text[end..].find('{')?;
        let (body, _) = bracketed(text, brace)?;
        (over.trim() == variable).then(|| labels(body, brace + 1))
    });
    found.collect()
}

/// The labels of a body that begins at `start`; those of inner ones are left out.
fn labels(body: &str, start: usize) -> Vec<Label<'_>> {
    let mut places: Vec<(usize, usize, &str)> = Vec::new();
    let outermost = |at: usize| {
        let before = &body[..at];
        before.matches('{').count() == before.matches('}').count()
    };
    for keyword in ["case", "default"] {
        for at in words(body, keyword).filter(|at| outermost(*at)) {
            let Some(colon) = body[at..].find(':').map(|colon| at + colon) else {
                continue;
            };
            places.push((at, colon + 1, body[at + keyword.len()..colon].trim()));
        }
    }
    places.sort_unstable();
    let mut found = Vec::new();
    for (index, (at, _, name)) in places.iter().enumerate() {
        let code = code_behind(body, &places[index..]);
        if is_identifier(name) {
            found.push(Label {
                name,
                at: start + at,
                code,
            });
        }
    }
    found
}

/// What stands behind the first of these labels that has any code of its own.
fn code_behind<'a>(body: &'a str, places: &[(usize, usize, &str)]) -> &'a str {
    for (index, (_, from, _)) in places.iter().enumerate() {
        let to = places.get(index + 1).map_or(body.len(), |next| next.0);
        let code = &body[*from..to];
        let mut lines = code.lines().map(str::trim);
        if lines.any(|line| !line.is_empty() && !line.starts_with('#')) {
            return code;
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_the_code_that_follows_them() {
        let text = "switch (cmd) {\ncase A:\n#ifdef X\ncase B:\n#endif\n\tf(1);\n\tbreak;\ncase C: {\n\tswitch (x) { case D: g(); }\n}\ndefault:\n\th();\n}";
        let found = switches(text, "cmd");
        let shown: Vec<_> = found[0]
            .iter()
            .map(|l| (l.name, l.code.contains("f(1)")))
            .collect();
        assert_eq!(shown, [("A", true), ("B", true), ("C", false)]);
        assert_eq!(&text[found[0][2].at..][..4], "case");
        assert!(switches(text, "x")[0][0].code.contains("g()"));
    }
}
