//! What others published: `bench/paper.toml`.

use serde::Deserialize;

/// The file.
const TEXT: &str = include_str!("../../../bench/paper.toml");

/// One published number, never mixed with measured ones.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Number {
    pub(crate) suite: String,
    pub(crate) row: String,
    pub(crate) metric: String,
    /// The number as a person reads it.
    pub(crate) text: String,
    /// Who published it, and where.
    pub(crate) source: String,
}

#[derive(Deserialize)]
struct File {
    number: Vec<Number>,
}

/// All numbers; none if the data were wrong, which a test keeps from happening.
pub(crate) fn numbers() -> Vec<Number> {
    toml::from_str(TEXT).map_or_else(|_| Vec::new(), |file: File| file.number)
}

#[cfg(test)]
mod tests {
    use lupine_bench::Suites;

    use super::*;

    #[test]
    fn published_numbers_stand_beside_rows_that_there_are() {
        let suites = Suites::builtin().unwrap();
        let numbers = numbers();
        assert!(!numbers.is_empty());
        for number in numbers {
            let suite = suites.suite(&number.suite).unwrap();
            assert!(suite.rows.contains(&number.row), "{number:?}");
        }
    }
}
