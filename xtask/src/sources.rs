//! What must not stand in the source files.

use std::path::{Path, PathBuf};

use crate::read;

/// A Rust source file.
pub struct Source {
    /// Path below the repository, with slashes.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Files that may do what others may not are named here; a rule says where it holds.
struct Rule {
    /// What the invariant forbids, for a person.
    what: &'static str,
    /// Whether the rule holds in the file at this path.
    holds_in: fn(&str) -> bool,
    /// Whether comments and strings count, too.
    everywhere: bool,
    /// Whether a line breaks it.
    broken_by: fn(&str) -> bool,
}

const RULES: [Rule; 4] = [
    Rule {
        what: "names std::process::Command outside crates/tool",
        holds_in: |path| !path.starts_with("crates/tool/"),
        everywhere: false,
        broken_by: names_command,
    },
    Rule {
        what: "has unsafe code outside guest/",
        holds_in: |path| !path.starts_with("guest/"),
        everywhere: false,
        broken_by: |line| has_word(line, "unsafe"),
    },
    Rule {
        what: "opens files, which kconfig, needs, scan and audit leave to others",
        holds_in: |path| {
            let crates = ["kconfig", "needs", "scan", "audit"];
            crates
                .iter()
                .any(|name| path.starts_with(&format!("crates/{name}/src/")))
        },
        everywhere: false,
        broken_by: |line| line.contains("std::fs") || line.contains("File::open"),
    },
    Rule {
        what: "leaves something undone",
        holds_in: |_| true,
        everywhere: true,
        broken_by: |line| {
            let markers = [concat!("TO", "DO"), concat!("FIX", "ME")];
            markers.iter().any(|marker| has_word(line, marker))
                || line.trim_start().starts_with(concat!("#[ig", "nore"))
        },
    },
];

fn names_command(line: &str) -> bool {
    line.contains(concat!("process::", "Command"))
        || (line.contains(concat!("process", "::{")) && has_word(line, "Command"))
}

/// Whether `word` stands in `line` by itself.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part_of_word) && !after.is_some_and(part_of_word)
    })
}

/// All Rust files of the repository.
pub fn read_all(root: &Path) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    for dir in ["crates", "guest", "xtask", "fuzz"] {
        let mut paths = Vec::new();
        collect(&root.join(dir), &mut paths);
        paths.sort();
        for path in paths {
            let relative = path.strip_prefix(root).unwrap_or(&path);
            sources.push(Source {
                path: relative.to_string_lossy().into_owned(),
                text: read(&path)?,
            });
        }
    }
    Ok(sources)
}

fn collect(dir: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && entry.file_name() != "target" {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The rules that are broken, with places.
pub fn check(sources: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources {
        for rule in RULES.iter().filter(|rule| (rule.holds_in)(&source.path)) {
            for (number, line) in (1..).zip(source.text.lines()) {
                let seen = if rule.everywhere { line } else { code(line) };
                if (rule.broken_by)(seen) {
                    broken.push(format!("{}:{number} {}", source.path, rule.what));
                }
            }
        }
    }
    broken
}

/// A line without what stands in quotes or after a comment's slashes.
fn code(line: &str) -> &str {
    let comment = line.find("//").unwrap_or(line.len());
    let quote = line.find('"').unwrap_or(line.len());
    &line[..comment.min(quote)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(path: &str, text: &str) -> usize {
        let source = Source {
            path: path.into(),
            text: text.into(),
        };
        check(&[source]).len()
    }

    #[test]
    fn only_tool_may_name_command() {
        let uses = [
            concat!("use std::process::", "Command;"),
            concat!("use std::process", "::{Child, Command};"),
        ];
        for text in uses {
            assert_eq!(broken("crates/vm/src/x.rs", text), 1, "{text}");
            assert_eq!(broken("crates/tool/src/x.rs", text), 0, "{text}");
        }
        assert_eq!(broken("crates/vm/src/x.rs", "use clap::Command;"), 0);
    }

    #[test]
    fn words_in_comments_and_names_are_no_code() {
        assert_eq!(
            broken("crates/vm/src/x.rs", "// unsafe is not used here"),
            0
        );
        assert_eq!(broken("crates/vm/src/x.rs", "let unsafe_code = 1;"), 0);
        assert_eq!(
            broken("crates/vm/src/x.rs", concat!("uns", "afe { x() }")),
            1
        );
    }

    #[test]
    fn nothing_is_left_for_later() {
        assert_eq!(
            broken("crates/vm/src/x.rs", concat!("// TO", "DO: later")),
            1
        );
        assert_eq!(broken("crates/vm/src/x.rs", "// mastodons todo nothing"), 0);
    }

    #[test]
    fn the_pure_crates_open_no_file() {
        assert_eq!(broken("crates/needs/src/x.rs", "use std::fs;"), 1);
        assert_eq!(broken("crates/needs/tests/x.rs", "use std::fs;"), 0);
    }
}
