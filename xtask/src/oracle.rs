//! `cargo xtask oracle SYSTEM_MAP CONFIG`: the map of features against a kernel that was built.

use std::path::Path;

use lupine_needs::map::{Map, compare};

/// Compares, and says on stdout what was compared; fails when the two do not agree.
pub fn run(system_map: &Path, config: &Path) -> Result<(), String> {
    let map = Map::builtin().map_err(|e| e.to_string())?;
    let verdict = compare(&map, &crate::read(system_map)?, &crate::read(config)?);
    println!(
        "{} system calls are there and {} are not, as the map says; {} disagree",
        verdict.present.len(),
        verdict.absent.len(),
        verdict.disagreements.len()
    );
    let lines = verdict.disagreements.iter().map(|wrong| {
        let there = if wrong.present {
            "is there"
        } else {
            "is not there"
        };
        format!(
            "{} {there}, but its condition is {:?}",
            wrong.syscall, wrong.condition
        )
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        Ok(())
    } else {
        Err(lines.join("\n"))
    }
}
