//! What the kernel's Kconfig files say about each symbol, as far as an explanation needs it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bare;

/// All symbols of one kernel source, by name without `CONFIG_`.
#[derive(Debug, Clone, std::default::Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbols {
    /// Keyed by the name as Kconfig files write it: `NET`, not `CONFIG_NET`.
    pub symbols: BTreeMap<String, Symbol>,
}

/// One Kconfig symbol. All expressions are Kconfig text, symbols without `CONFIG_`.
#[derive(Debug, Clone, std::default::Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    /// Its type.
    pub kind: Kind,
    /// Every `config X` entry; most symbols have one, some are extended by arch files.
    pub definitions: Vec<Definition>,
    /// Who forces it on.
    pub selected_by: Vec<Selector>,
    /// Who turns it on unless told otherwise.
    pub implied_by: Vec<Selector>,
    /// The members of the choice that it belongs to, itself among them; empty outside of choices.
    pub choice: Vec<String>,
}

/// A symbol's type.
#[derive(Debug, Clone, Copy, std::default::Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// y or n.
    #[default]
    Bool,
    /// y, m or n.
    Tristate,
    /// Text.
    String,
    /// A decimal number.
    Int,
    /// A hexadecimal number.
    Hex,
}

/// One `config X` entry in one Kconfig file.
#[derive(Debug, Clone, std::default::Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// File, relative to the kernel source.
    pub file: String,
    /// Line in that file, where it is known.
    pub line: Option<u32>,
    /// What menuconfig shows; a symbol without any prompt cannot be asked for.
    pub prompt: Option<String>,
    /// Condition of the prompt itself (`bool "..." if EXPERT`, enclosing `visible if`).
    pub prompt_if: Option<String>,
    /// All must hold: `depends on` lines, enclosing `if`, menu and choice.
    pub depends: Vec<String>,
    /// In order; the first whose condition holds counts.
    pub defaults: Vec<Default>,
}

/// `default VALUE if CONDITION`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Default {
    /// `y`, `n`, `m`, a number, a quoted string or an expression over symbols.
    pub value: String,
    /// Absent when it always holds.
    pub condition: Option<String>,
}

/// A symbol that selects or implies another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Selector {
    /// The selecting symbol, without `CONFIG_`.
    pub by: String,
    /// `select X if CONDITION`; absent when it always holds.
    pub condition: Option<String>,
}

impl Symbols {
    /// The symbol of this name, with or without `CONFIG_`.
    pub fn get(&self, option: &str) -> Option<&Symbol> {
        self.symbols.get(bare(option))
    }

    /// Up to three names that look like `option`, best first: for "no such option".
    pub fn similar(&self, option: &str) -> Vec<&str> {
        let wanted = bare(option);
        let worst = 1 + wanted.len() / 6;
        let mut near: Vec<(usize, &str)> = self
            .symbols
            .keys()
            .filter(|name| name.len().abs_diff(wanted.len()) <= worst)
            .map(|name| (distance(name, wanted), name.as_str()))
            .filter(|(far, _)| *far <= worst)
            .collect();
        near.sort_unstable();
        near.into_iter().take(3).map(|(_, name)| name).collect()
    }
}

impl Symbol {
    /// Whether any definition has a prompt, so that a configuration can ask for it.
    pub fn has_prompt(&self) -> bool {
        self.definitions.iter().any(|d| d.prompt.is_some())
    }
}

/// Levenshtein distance over bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_neighbours() {
        let names = ["VIRTIO_NET", "VIRTIO_BLK", "EPOLL", "NET_CORE"];
        let symbols = Symbols {
            symbols: names
                .iter()
                .map(|n| ((*n).to_owned(), Symbol::default()))
                .collect(),
        };
        assert_eq!(symbols.similar("CONFIG_VIRTO_NET"), ["VIRTIO_NET"]);
        assert_eq!(symbols.similar("EPOL"), ["EPOLL"]);
        assert!(symbols.similar("CONFIG_QQQQQQQQ").is_empty());
        assert!(symbols.get("CONFIG_EPOLL").is_some());
    }
}
