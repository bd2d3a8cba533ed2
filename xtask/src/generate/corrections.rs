//! The corrections that are written by hand, against the source: their options must exist, and
//! they must say something that the generated map does not.

use lupine_needs::map::Map;

use super::tree::Tree;

/// What is wrong with them; `generated` is the text of the map.
pub fn check(tree: &Tree, generated: &str, corrections: &str) -> Result<(), String> {
    let found = Map::parse(generated, "").map_err(|e| e.to_string())?;
    let corrected = Map::parse("", corrections).map_err(|e| e.to_string())?;
    let mut wrong = Vec::new();
    for entry in corrected.entries() {
        let feature = &entry.feature;
        for symbol in entry.condition.symbols() {
            if !tree.options.is_known(symbol) {
                wrong.push(format!("{feature}: there is no option {symbol}"));
            }
        }
        let same = |other: &&lupine_needs::map::Entry| other.feature == *feature;
        let known = found.entries().find(same);
        if known.is_some_and(|known| known.condition == entry.condition && !entry.probe) {
            wrong.push(format!("{feature}: the generated map says the same"));
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "{}/corrections.toml:\n{}",
            super::MAP,
            wrong.join("\n")
        )),
    }
}
