//! The numbers behind names such as AF_UNIX, from the headers that programs are built with.

mod evaluate;

use std::collections::BTreeMap;

use lupine_needs::map::Condition;

use super::text::{at_commas, bracketed, is_identifier, leading_name, words};
use super::tree::Tree;

/// Where numbers are looked for; the first that knows a name counts.
const PLACES: [&str; 5] = [
    "arch/x86/include/uapi/asm/",
    "include/uapi/asm-generic/",
    "include/uapi/linux/",
    "include/linux/socket.h",
    "include/linux/net.h",
];

/// Expressions by name.
#[derive(Default)]
pub struct Numbers {
    text: BTreeMap<String, String>,
}

impl Numbers {
    /// Reads the headers of a tree.
    pub fn of(tree: &Tree) -> Self {
        let mut numbers = Self::default();
        for place in PLACES {
            for file in tree.files().filter(|file| file.path.starts_with(place)) {
                let mut at = 0;
                for line in file.text.split_inclusive('\n') {
                    let own = at;
                    at += line.len();
                    let Some((name, value)) = definition(line) else {
                        continue;
                    };
                    if tree.at_line(file, own) != Condition::Never {
                        numbers.add(name, value.into());
                    }
                }
                numbers.add_enumerations(&file.text);
            }
        }
        numbers
    }

    fn add(&mut self, name: &str, value: String) {
        // `#define A A` only makes an enumerator visible to the preprocessor.
        if value != name {
            self.text.entry(name.into()).or_insert(value);
        }
    }

    fn add_enumerations(&mut self, text: &str) {
        for at in words(text, "enum") {
            let Some(open) = text[at..].find(['{', ';']).map(|o| at + o) else {
                continue;
            };
            let Some((body, _)) = bracketed(text, open).filter(|_| text[open..].starts_with('{'))
            else {
                continue;
            };
            let body: String = body
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'))
                .map(|line| format!("{line}\n"))
                .collect();
            let mut before = String::from("-1");
            for (_, part) in at_commas(&body) {
                let (name, value) = match part.split_once('=') {
                    Some((name, value)) => (name.trim(), value.trim().to_owned()),
                    None => (part, format!("({before})+1")),
                };
                if is_identifier(name) {
                    self.add(name, value);
                    before = name.to_owned();
                }
            }
        }
    }

    /// The value of a name or of an expression of names.
    pub fn value(&self, text: &str) -> Option<u64> {
        let value = self.evaluated(text, 0)?;
        // Arguments of commands are compared as 32 bits.
        Some(if value < 0 {
            u64::from(value as i32 as u32)
        } else {
            value as u64
        })
    }

    fn evaluated(&self, text: &str, depth: usize) -> Option<i64> {
        // Enumerations are chains of names.
        if depth > 400 {
            return None;
        }
        evaluate::evaluate(text, &|name| {
            self.evaluated(self.text.get(name)?, depth + 1)
        })
    }
}

/// `#define NAME VALUE`, of a macro without parameters.
fn definition(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start();
    let rest = rest.strip_prefix("define")?.trim_start();
    let name = leading_name(rest);
    let value = &rest[name.len()..];
    (value.starts_with([' ', '\t']) && !value.trim().is_empty()).then_some((name, value.trim()))
}
