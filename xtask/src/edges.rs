//! Which crate may use which: the line "No edge but:" of ARCHITECTURE.md
//! against the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::read;

/// Users by what they may use.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// Compares ARCHITECTURE.md with the crates' manifests.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let allowed = Allowed::parse(&read(&root.join("ARCHITECTURE.md"))?)?;
    let mut broken = Vec::new();
    let crates = root.join("crates");
    let entries = std::fs::read_dir(&crates)
        .map_err(|error| format!("cannot list {}: {error}", crates.display()))?;
    for entry in entries.flatten() {
        let user = entry.file_name().to_string_lossy().into_owned();
        let manifest = entry.path().join("Cargo.toml");
        for used in used_crates(&read(&manifest)?, &manifest)? {
            if !allowed.permits(&user, &used) {
                broken.push(format!(
                    "crates/{user} uses crates/{used}: ARCHITECTURE.md has no such edge"
                ));
            }
        }
    }
    broken.sort();
    Ok(broken)
}

/// The workspace's crates that a manifest names, tests left out.
fn used_crates(text: &str, place: &Path) -> Result<Vec<String>, String> {
    let manifest: toml::Table = text
        .parse()
        .map_err(|error| format!("{}: {error}", place.display()))?;
    let tables = ["dependencies", "build-dependencies"];
    let names = tables
        .iter()
        .filter_map(|table| manifest.get(*table)?.as_table())
        .flat_map(toml::Table::keys);
    Ok(names
        .filter_map(|name| name.strip_prefix("lupine-"))
        .map(str::to_owned)
        .collect())
}

/// What ARCHITECTURE.md allows.
struct Allowed {
    edges: Edges,
    /// These may be used by all.
    by_all: BTreeSet<String>,
    /// These may use all.
    all: BTreeSet<String>,
}

impl Allowed {
    /// Reads `- No edge but: a <- b <- c; d <- e, f; g <- any; h -> all.`
    fn parse(text: &str) -> Result<Self, String> {
        const START: &str = "- No edge but:";
        let rules = text
            .lines()
            .find_map(|line| line.strip_prefix(START))
            .ok_or(format!(
                "ARCHITECTURE.md has no line that begins with {START:?}"
            ))?;
        let mut allowed = Self {
            edges: Edges::new(),
            by_all: BTreeSet::new(),
            all: BTreeSet::new(),
        };
        for rule in rules.trim_end_matches('.').split(';') {
            allowed.add(rule);
        }
        Ok(allowed)
    }

    fn add(&mut self, rule: &str) {
        if let Some((users, _)) = rule.split_once("->") {
            self.all.extend(names(users));
            return;
        }
        let links: Vec<Vec<String>> = rule.split("<-").map(|link| names(link).collect()).collect();
        for pair in links.windows(2) {
            if pair[1] == ["any"] {
                self.by_all.extend(pair[0].iter().cloned());
                continue;
            }
            for used in &pair[0] {
                let users = self.edges.entry(used.clone()).or_default();
                users.extend(pair[1].iter().cloned());
            }
        }
    }

    /// Whether `user` may use `used`, directly or along the arrows.
    fn permits(&self, user: &str, used: &str) -> bool {
        if self.all.contains(user) || self.by_all.contains(used) {
            return true;
        }
        let mut seen = BTreeSet::from([used]);
        let mut todo = vec![used];
        while let Some(used) = todo.pop() {
            for next in self.edges.get(used).into_iter().flatten() {
                if seen.insert(next) {
                    todo.push(next);
                }
            }
        }
        user != used && seen.contains(user)
    }
}

fn names(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Allowed {
        Allowed::parse("# x\n- No edge but: a <- b <- c; d <- e, f; g, h <- any; i -> all.\n")
            .unwrap()
    }

    #[test]
    fn arrows_are_followed_in_one_direction() {
        let allowed = allowed();
        assert!(allowed.permits("b", "a") && allowed.permits("c", "a"));
        assert!(!allowed.permits("a", "b") && !allowed.permits("a", "c"));
        assert!(allowed.permits("f", "d") && !allowed.permits("f", "e"));
        assert!(!allowed.permits("c", "d"));
    }

    #[test]
    fn any_and_all() {
        let allowed = allowed();
        assert!(allowed.permits("c", "h") && allowed.permits("i", "c"));
        assert!(!allowed.permits("h", "c"));
    }

    #[test]
    fn tests_may_use_what_they_like() {
        let manifest =
            "[dependencies]\nlupine-tool = {}\nserde = {}\n[dev-dependencies]\nlupine-vm = {}\n";
        assert_eq!(used_crates(manifest, Path::new("x")).unwrap(), ["tool"]);
    }
}
