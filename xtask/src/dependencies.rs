//! Every dependency has its reason in docs/dependencies.md, and every crate
//! takes the workspace's lints.

use std::path::Path;

use crate::read;

/// Names the dependencies without a reason and the crates without lints.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let reasons = read(&root.join("docs/dependencies.md"))?;
    let manifest = parse(root.join("Cargo.toml").as_path())?;
    let dependencies = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies")?.as_table());
    let mut broken: Vec<String> = dependencies
        .into_iter()
        .flat_map(toml::Table::keys)
        .filter(|name| !name.starts_with("lupine-") && !has_reason(&reasons, name))
        .map(|name| format!("Cargo.toml: docs/dependencies.md does not say why {name} is used"))
        .collect();
    for dir in std::fs::read_dir(root.join("crates"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let manifest = parse(&dir.path().join("Cargo.toml"))?;
        let lints = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        if lints != Some(&toml::Value::Boolean(true)) {
            let name = dir.file_name();
            broken.push(format!(
                "crates/{}: its manifest does not take the workspace's lints",
                name.display()
            ));
        }
    }
    Ok(broken)
}

fn parse(path: &Path) -> Result<toml::Table, String> {
    read(path)?
        .parse()
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether the first column of the table names the dependency.
fn has_reason(table: &str, name: &str) -> bool {
    let first_cells = table
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let words = first_cells.flat_map(|cell| cell.split([',', ' ', '(', ')']));
    words.into_iter().any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_stands_in_the_first_column() {
        let table = "| crate | why |\n|---|---|\n| clap, clap_complete | lines |\n| tar (tests) | uses toml |\n";
        assert!(has_reason(table, "clap") && has_reason(table, "clap_complete"));
        assert!(has_reason(table, "tar"));
        assert!(!has_reason(table, "toml") && !has_reason(table, "cla"));
    }
}
