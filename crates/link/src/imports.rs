//! What programs may take from the kernel: `kernel/ukl/imports.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

const BUILTIN: &str = include_str!("../../../kernel/ukl/imports.toml");

/// One function of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Its prototype.
    pub doc: String,
    /// What compiles it into the kernel, without `CONFIG_`.
    pub option: Option<String>,
}

/// The functions, by their names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imports {
    import: BTreeMap<String, Import>,
}

impl Imports {
    /// Those that this binary carries.
    ///
    /// # Errors
    /// When the list cannot be read; a test keeps that from happening.
    pub fn builtin() -> Result<Self, toml::de::Error> {
        toml::from_str(BUILTIN)
    }

    /// The function of this name, if programs may call it.
    pub fn get(&self, symbol: &str) -> Option<&Import> {
        self.import.get(symbol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_and_names_no_function_of_the_c_library() {
        let imports = Imports::builtin().unwrap();
        assert!(imports.get("crc32_le").is_some());
        for clash in ["printk", "panic", "memcpy", "sort", "current"] {
            assert_eq!(imports.get(clash), None);
        }
    }
}
