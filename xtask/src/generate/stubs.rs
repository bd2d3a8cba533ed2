//! Functions that only refuse, in the `#else` of an option: what calls them needs the option.

use std::collections::BTreeMap;

use lupine_needs::map::Condition;

use super::simplify::simplify;
use super::text::{is_name, leading_name, words};
use super::tree::{File, Tree};

/// The conditions under which a function that may be a stub is more than that.
pub struct Stubs {
    /// By name: stubs in headers.
    shared: BTreeMap<String, Condition>,
    /// By file and name: stubs in C files.
    own: BTreeMap<(String, String), Condition>,
}

impl Stubs {
    /// Finds all of them.
    pub fn of(tree: &Tree) -> Self {
        let mut stubs = Self {
            shared: BTreeMap::new(),
            own: BTreeMap::new(),
        };
        for file in tree.files().filter(|file| file.text.contains("-E")) {
            for function in &file.functions().all {
                if refuses(&file.text[function.body.clone()]) {
                    stubs.add(tree, file, &function.name, function.at);
                }
            }
            for (at, name) in refusing_macros(&file.text) {
                if file.path.ends_with(".c") && !machine_defines(tree, name) {
                    // `#ifndef name`: other machines have it, this one does not.
                    stubs
                        .own
                        .insert((file.path.clone(), name.into()), Condition::Never);
                }
                stubs.add(tree, file, name, at);
            }
        }
        stubs
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.shared.len() + self.own.len()
    }

    fn add(&mut self, tree: &Tree, file: &File, name: &str, at: usize) {
        let there = tree.at_line(file, at);
        if matches!(there, Condition::Always | Condition::Never) {
            return;
        }
        let more = there.negated();
        let known = match file.path.ends_with(".h") {
            true => self.shared.entry(name.into()),
            false => {
                let key = (file.path.clone(), name.to_owned());
                let known = self.own.entry(key).or_insert(Condition::Always);
                *known = simplify(&Condition::all([known.clone(), more]));
                return;
            }
        };
        let known = known.or_insert(Condition::Always);
        *known = simplify(&Condition::all([known.clone(), more]));
    }

    /// What the functions that a piece of a file calls need, to do more than refuse.
    pub fn needed(&self, file: &File, piece: &str) -> Condition {
        let mut all = Vec::new();
        let bytes = piece.as_bytes();
        for (at, _) in piece.match_indices('(') {
            let start = bytes[..at]
                .iter()
                .rposition(|b| !is_name(*b))
                .map_or(0, |b| b + 1);
            let name = &piece[start..at];
            let own = self.own.get(&(file.path.clone(), name.to_owned()));
            all.extend(own.or_else(|| self.shared.get(name)).cloned());
        }
        simplify(&Condition::all(all))
    }
}

/// Whether a body does nothing but return an error.
fn refuses(body: &str) -> bool {
    let body = body.trim().trim_end_matches('}').trim();
    let Some(value) = body
        .strip_prefix("return")
        .and_then(|b| b.strip_suffix(';'))
    else {
        return false;
    };
    is_error(value)
}

fn is_error(value: &str) -> bool {
    let value = value.trim();
    let inner = value
        .strip_prefix("ERR_PTR(")
        .and_then(|v| v.strip_suffix(')'));
    let name = inner
        .unwrap_or(value)
        .trim_matches(['(', ')', ' ', '{', '}', ';']);
    name.strip_prefix("-E").is_some_and(|rest| {
        rest.bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

/// Whether a header of this machine defines the macro.
fn machine_defines(tree: &Tree, name: &str) -> bool {
    let definition = format!("define {name}");
    let mut headers = tree
        .files()
        .filter(|file| file.path.starts_with("arch/x86/include/"));
    headers.any(|file| words(&file.text, &definition).next().is_some())
}

/// `#define name(...) (-EINVAL)`
fn refusing_macros(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("define ").filter_map(|(at, found)| {
        let rest = text[at + found.len()..].lines().next()?;
        let name = leading_name(rest);
        let value = rest[name.len()..].strip_prefix('(')?.split_once(')')?.1;
        (!name.is_empty() && is_error(value)).then_some((at, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_does_nothing_else_refuses() {
        for body in ["\n\treturn -EINVAL;\n}", " return ERR_PTR(-ENOSYS); }"] {
            assert!(refuses(body), "{body}");
        }
        for body in ["return 0;", "x(); return -EINVAL;", "return -error;", ""] {
            assert!(!refuses(body), "{body}");
        }
        let macros: Vec<_> =
            refusing_macros("#define f(a, b) (-EINVAL)\n#define g(a) a\n").collect();
        assert_eq!(macros, [(1, "f")]);
    }
}
