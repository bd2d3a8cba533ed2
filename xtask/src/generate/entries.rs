//! What was found, collected.

use std::collections::BTreeMap;

use lupine_needs::map::{Condition, Feature};

use super::simplify::simplify;

/// One feature that was found at one place.
pub struct Found {
    /// In the grammar of [`Feature`].
    pub feature: String,
    /// What a person calls it.
    pub name: String,
    /// When it is there.
    pub condition: Condition,
    /// `file:line`.
    pub at: String,
    /// Without its options the system call fails with ENOSYS.
    pub stub: bool,
}

impl Found {
    /// A feature that says its own name, and is no stub.
    pub fn plain(feature: String, condition: Condition, at: String) -> Self {
        Self::named(feature, String::new(), condition, at)
    }

    /// A feature that people have a name for, and that is no stub.
    pub fn named(feature: String, name: String, condition: Condition, at: String) -> Self {
        Self {
            feature,
            name,
            condition,
            at,
            stub: false,
        }
    }
}

/// All features, and what is to be said about them.
#[derive(Default)]
pub struct Entries {
    found: BTreeMap<Feature, Found>,
    notes: Vec<(String, usize)>,
    /// Paths whose name or directory could not be read.
    pub skipped: usize,
    /// Lines for stderr.
    pub said: Vec<String>,
}

impl Entries {
    /// Adds a feature. One that is there already is there under either condition.
    pub fn add(&mut self, found: Found) {
        let Ok(feature) = found.feature.parse::<Feature>() else {
            self.say(format!("{}: {:?} is no feature", found.at, found.feature));
            return;
        };
        let condition = simplify(&found.condition);
        if condition == Condition::Never {
            return;
        }
        let new = Found { condition, ..found };
        match self.found.get_mut(&feature) {
            None => {
                self.found.insert(feature, new);
            }
            Some(old) => {
                let either = [old.condition.clone(), new.condition];
                old.condition = simplify(&Condition::any(either));
            }
        }
    }

    /// System calls that were found: name, function and condition.
    pub fn syscalls(&self) -> Vec<(String, String, Condition)> {
        let each = self
            .found
            .iter()
            .filter_map(|(feature, found)| match feature {
                Feature::Syscall(name) => {
                    let function = found.name.strip_prefix("sys_").unwrap_or(name);
                    Some((name.clone(), function.to_owned(), found.condition.clone()))
                }
                _ => None,
            });
        each.collect()
    }

    /// Remembers a number for the report.
    pub fn note(&mut self, what: &str, count: usize) {
        self.notes.push((what.into(), count));
    }

    /// Remembers a line for the report.
    pub fn say(&mut self, line: String) {
        self.said.push(line);
    }

    /// The report: numbers of entries by kind, how many have conditions, and the notes.
    pub fn coverage(&self) -> Vec<String> {
        let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (feature, found) in &self.found {
            let text = feature.to_string();
            let kind = text.split(':').next().unwrap_or_default();
            let top = text.split('/').nth(1).filter(|_| kind == "path");
            let kind = top.map_or(kind.to_owned(), |top| format!("{kind} /{top}"));
            let counts = kinds.entry(kind).or_default();
            counts.0 += 1;
            counts.1 += usize::from(found.condition != Condition::Always);
        }
        let notes = self
            .notes
            .iter()
            .map(|(what, count)| format!("{what}: {count}"));
        let kinds = kinds.into_iter().map(|(kind, (all, conditional))| {
            format!("{kind}: {all} entries, {conditional} with a condition")
        });
        let skipped = format!(
            "paths whose name or directory could not be read: {}",
            self.skipped
        );
        notes.chain(kinds).chain([skipped]).collect()
    }

    /// Everything that was found, sorted by feature.
    pub fn found(&self) -> impl Iterator<Item = (&Feature, &Found)> {
        self.found.iter()
    }
}
