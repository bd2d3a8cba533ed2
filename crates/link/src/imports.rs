//! What programs may take from the kernel: `kernel/ukl/imports.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

const BUILTIN: &str = include_str!("../../../kernel/ukl/imports.toml");

/// Declares all that a program may call in the kernel; sources find it as `<ukl.h>`.
pub(crate) const HEADER: &str = include_str!("../../../kernel/ukl/ukl.h");

/// What the kernel calls its function for a gated system call: this and the system call's name.
const GATED: &str = "ukl_";

/// One function of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// What it does.
    pub doc: String,
    /// What compiles it into the kernel, without `CONFIG_`.
    pub option: Option<String>,
}

/// The functions, by their names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imports {
    /// Pure functions, called as they are.
    plain: BTreeMap<String, Import>,
    /// System calls, called through the gate.
    gate: BTreeMap<String, Import>,
}

impl Imports {
    /// Those that this binary carries.
    ///
    /// # Errors
    /// When the list cannot be read; a test keeps that from happening.
    pub fn builtin() -> Result<Self, toml::de::Error> {
        toml::from_str(BUILTIN)
    }

    /// The function that has this symbol, if programs may call it.
    pub fn get(&self, symbol: &str) -> Option<&Import> {
        match symbol.strip_prefix(GATED) {
            Some(name) => self.gate.get(name),
            None => self.plain.get(symbol),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_and_names_no_function_of_the_c_library() {
        let imports = Imports::builtin().unwrap();
        assert!(imports.get("crc32_le").is_some());
        assert!(imports.get("ukl_read").is_some());
        for clash in ["printk", "panic", "memcpy", "sort", "current", "read"] {
            assert_eq!(imports.get(clash), None);
        }
        assert_eq!(imports.get("ukl_crc32_le"), None);
    }

    #[test]
    fn the_header_declares_what_the_list_names() {
        let imports = Imports::builtin().unwrap();
        let gated = imports.gate.keys().map(|name| format!("{GATED}{name}"));
        let symbols: Vec<String> = gated.chain(imports.plain.into_keys()).collect();
        let declared = |symbol: &str| HEADER.contains(&format!(" {symbol}("));
        for symbol in &symbols {
            assert!(declared(symbol), "{symbol}");
        }
        let declarations = HEADER.lines().filter(|line| line.ends_with(");"));
        let inner = |line: &&str| line.starts_with('\t');
        assert_eq!(
            declarations.filter(|line| !inner(line)).count(),
            symbols.len()
        );
    }
}
