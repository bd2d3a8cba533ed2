//! A resolved `.config`, as the kernel's own solver writes it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fragment::is_option;

/// The options of a `.config` that are set, by `CONFIG_X`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DotConfig {
    options: BTreeMap<String, String>,
}

/// A line that no `.config` has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("line {number} is no line of a .config: {text:?}")]
#[diagnostic(help("give the .config of a kernel build, or a fragment's merged form"))]
pub struct DotConfigError {
    /// Line number, from 1.
    pub number: usize,
    /// The line.
    pub text: String,
}

impl DotConfig {
    /// Reads a `.config`. Comments are skipped; `# CONFIG_X is not set` and `=n` mean absent.
    ///
    /// # Errors
    /// A line that is neither an option, a comment nor blank.
    pub fn parse(text: &str) -> Result<Self, DotConfigError> {
        let mut options = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once('=') {
                Some((option, "n")) if is_option(option) => {
                    options.remove(option);
                }
                Some((option, value)) if is_option(option) => {
                    options.insert(option.to_owned(), value.to_owned());
                }
                _ => {
                    let text = line.chars().take(80).collect();
                    return Err(DotConfigError {
                        number: index + 1,
                        text,
                    });
                }
            }
        }
        Ok(Self { options })
    }

    /// The value as written (`y`, `100`, `"text"`), or nothing when the option is off.
    pub fn get(&self, option: &str) -> Option<&str> {
        self.options.get(option).map(String::as_str)
    }

    /// The value of a symbol by its name without `CONFIG_`; `n` when it is off.
    pub fn symbol(&self, name: &str) -> &str {
        self.get(&format!("{}{name}", crate::PREFIX)).unwrap_or("n")
    }

    /// All options that are set, sorted, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().map(|(o, v)| (o.as_str(), v.as_str()))
    }

    /// How many options are `=y`: the count that kernels are compared by.
    pub fn enabled_count(&self) -> usize {
        self.options.values().filter(|v| *v == "y").count()
    }
}

/// Sorted `CONFIG_X=VALUE` lines of what is set.
impl fmt::Display for DotConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter()
            .try_for_each(|(option, value)| writeln!(f, "{option}={value}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_kernels_config_is_read() {
        let text = "#\n# Automatically generated file\n#\nCONFIG_CC_VERSION_TEXT=\"gcc (D) 12\"\n\
                    CONFIG_64BIT=y\n# CONFIG_SMP is not set\nCONFIG_HZ=100\n";
        let dot = DotConfig::parse(text).unwrap();
        assert_eq!(dot.get("CONFIG_HZ"), Some("100"));
        assert_eq!((dot.symbol("64BIT"), dot.symbol("SMP")), ("y", "n"));
        assert_eq!(dot.enabled_count(), 1);
        let error = DotConfig::parse("CONFIG_A=y\nnonsense\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2 is no line of a .config: \"nonsense\""
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[#CONFIG_AB=yn \n]{0,200}|\\PC{0,80}") {
            if let Ok(dot) = DotConfig::parse(&text) {
                prop_assert_eq!(DotConfig::parse(&dot.to_string()).unwrap(), dot);
            }
        }
    }
}
