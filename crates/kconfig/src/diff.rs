//! What differs between two resolved configurations.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::dotconfig::DotConfig;

/// One option that differs; `None` means off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// `CONFIG_X`.
    pub option: String,
    /// Its value on the left.
    pub left: Option<String>,
    /// Its value on the right.
    pub right: Option<String>,
}

/// The options whose values differ, sorted by name.
pub fn diff(left: &DotConfig, right: &DotConfig) -> Vec<Difference> {
    let options: BTreeSet<&str> = left.iter().chain(right.iter()).map(|(o, _)| o).collect();
    options
        .into_iter()
        .filter(|option| left.get(option) != right.get(option))
        .map(|option| Difference {
            option: option.to_owned(),
            left: left.get(option).map(str::to_owned),
            right: right.get(option).map(str::to_owned),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs() {
        let left = DotConfig::parse("CONFIG_A=y\nCONFIG_B=y\nCONFIG_HZ=100\n").unwrap();
        let right = DotConfig::parse("CONFIG_A=y\nCONFIG_C=y\nCONFIG_HZ=250\n").unwrap();
        let text: Vec<String> = diff(&left, &right)
            .iter()
            .map(|d| {
                format!(
                    "{} {:?} {:?}",
                    d.option,
                    d.left.as_deref(),
                    d.right.as_deref()
                )
            })
            .collect();
        assert_eq!(
            text,
            [
                "CONFIG_B Some(\"y\") None",
                "CONFIG_C None Some(\"y\")",
                "CONFIG_HZ Some(\"100\") Some(\"250\")",
            ]
        );
        assert!(diff(&left, &left).is_empty());
    }
}
