//! The map: features of the kernel, each with the condition over options under which it is there.
//!
//! The files `map/SERIES/*.toml` of this crate are made from a kernel's source by `cargo xtask
//! generate features`; `map/corrections.toml` has what cannot be read from there, and is applied
//! when the map is loaded, so that what was generated stays what was found.

mod condition;
mod feature;
mod oracle;
mod path;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

pub use condition::{Condition, ConditionError};
pub use feature::{Feature, FeatureError};
pub use oracle::{Disagreement, Verdict, compare, syscall_symbols};
pub use path::canonical;

/// One feature, and what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The feature.
    pub feature: Feature,
    /// What a person calls it: `F_SETLK`, `AF_UNIX`; empty when the feature says it already.
    pub name: String,
    /// When the kernel has it.
    pub condition: Condition,
    /// Where in the kernel's source this was read: `file:line`.
    pub at: String,
    /// Without its options the system call is there all the same, and fails with ENOSYS.
    pub stub: bool,
    /// Programs only look whether it is there, and go on without.
    pub probe: bool,
    /// Why the entry is not as generated, if it is corrected.
    pub why: Option<String>,
}

/// A map file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{file}: {message}")]
#[diagnostic(help("generate the map again with: cargo xtask generate features"))]
pub struct MapError {
    /// `map` or `corrections`.
    pub file: &'static str,
    /// What is wrong in it.
    pub message: String,
}

/// What stands behind a feature in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    name: String,
    #[serde(rename = "if")]
    condition: String,
    #[serde(default)]
    at: String,
    #[serde(default)]
    stub: bool,
    #[serde(default)]
    probe: bool,
    #[serde(default)]
    why: Option<String>,
}

/// All features that are known, by feature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map {
    entries: BTreeMap<Feature, Entry>,
}

impl Map {
    /// The corrected map of Linux 6.12 that this program was built with.
    ///
    /// # Errors
    /// None in a released program: a test reads it.
    pub fn builtin() -> Result<Self, MapError> {
        Self::parse(
            concat!(
                include_str!("../map/6.12/calls.toml"),
                include_str!("../map/6.12/sockets.toml"),
                include_str!("../map/6.12/proc.toml"),
                include_str!("../map/6.12/sysctl.toml"),
                include_str!("../map/6.12/devices.toml"),
            ),
            include_str!("../map/corrections.toml"),
        )
    }

    /// Reads a generated map, its files one after the other, and applies corrections to it: an
    /// entry of theirs takes the place of the generated one, or is added.
    ///
    /// # Errors
    /// TOML that is not as expected, a feature or condition that cannot be read, a feature
    /// that stands in one text twice, a correction without a reason.
    pub fn parse(generated: &str, corrections: &str) -> Result<Self, MapError> {
        let mut map = Self::read("map", generated)?;
        let corrected = Self::read("corrections", corrections)?;
        if let Some(entry) = corrected.entries().find(|entry| entry.why.is_none()) {
            return Err(MapError {
                file: "corrections",
                message: format!("{}: the reason (why) is missing", entry.feature),
            });
        }
        map.entries.extend(corrected.entries);
        Ok(map)
    }

    fn read(file: &'static str, text: &str) -> Result<Self, MapError> {
        let wrong = |message: String| MapError { file, message };
        let lines: BTreeMap<String, Line> =
            toml::from_str(text).map_err(|e| wrong(e.to_string().trim_end().to_owned()))?;
        let mut map = Self::default();
        for (key, line) in lines {
            let feature: Feature = key
                .parse()
                .map_err(|e: FeatureError| wrong(e.to_string()))?;
            let condition =
                Condition::parse(&line.condition).map_err(|e| wrong(format!("{feature}: {e}")))?;
            let entry = Entry {
                feature: feature.clone(),
                name: line.name,
                condition,
                at: line.at,
                stub: line.stub,
                probe: line.probe,
                why: line.why,
            };
            // TOML refuses the same text twice; a number can be written in two ways.
            if map.entries.insert(feature, entry).is_some() {
                return Err(wrong(format!("{key:?} stands there twice")));
            }
        }
        Ok(map)
    }

    /// All entries, sorted by feature.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The entry that tells most about what a program did.
    ///
    /// - A flag matches when all bits of the entry are among those asked for; the entry with
    ///   the most bits counts, see [`Map::all`] for the others.
    /// - A protocol that is not listed is found under protocol 0, which stands for any; protocol
    ///   0 that is not listed is the one of this type that needs the fewest options.
    /// - A path is made canonical first ([`canonical`]), then matched with and without `*`,
    ///   then its directories, the nearest first: nothing below a directory is there without it.
    pub fn entry(&self, feature: &Feature) -> Option<&Entry> {
        match feature {
            Feature::Path(path) => self.path(path),
            Feature::Flag { .. } => self.all(feature).into_iter().next(),
            Feature::Protocol {
                family,
                kind,
                protocol,
            } => self.protocol(*family, *kind, *protocol),
            _ => self.entries.get(feature),
        }
    }

    /// All entries that concern what a program did: more than one only for flags, the most
    /// bits first.
    pub fn all(&self, feature: &Feature) -> Vec<&Entry> {
        let Feature::Flag {
            syscall,
            argument,
            bits,
        } = feature
        else {
            return self.entry(feature).into_iter().collect();
        };
        let matching = self.entries().filter_map(|entry| match &entry.feature {
            Feature::Flag {
                syscall: s,
                argument: a,
                bits: b,
            } if s == syscall && a == argument && bits & b == *b => Some((b.count_ones(), entry)),
            _ => None,
        });
        let mut matching: Vec<(u32, &Entry)> = matching.collect();
        matching.sort_by_key(|(ones, _)| std::cmp::Reverse(*ones));
        matching.into_iter().map(|(_, entry)| entry).collect()
    }

    /// The features that are lost when only this option is off, sorted.
    pub fn owned_by(&self, option: &str) -> Vec<&Feature> {
        self.lost_without(&BTreeSet::from([option.to_owned()]))
    }

    /// The features that are lost when just these options are off, sorted.
    pub fn lost_without(&self, options: &BTreeSet<String>) -> Vec<&Feature> {
        let lost = self
            .entries()
            .filter(|entry| entry.condition.is_lost_without(options));
        lost.map(|entry| &entry.feature).collect()
    }

    /// The options to turn on for a feature, sorted; see [`Condition::options`] for how an
    /// alternative is chosen. `None` when the feature is not in the map; empty when every
    /// kernel has it.
    pub fn options_for(&self, feature: &Feature) -> Option<BTreeSet<&str>> {
        let entries = self.all(feature);
        if entries.is_empty() {
            return None;
        }
        let options = entries.iter().flat_map(|entry| entry.condition.options());
        Some(options.collect())
    }

    fn protocol(&self, family: u32, kind: u32, protocol: u32) -> Option<&Entry> {
        let listed = |protocol| {
            self.entries.get(&Feature::Protocol {
                family,
                kind,
                protocol,
            })
        };
        let of_kind = |entry: &&Entry| matches!(&entry.feature, Feature::Protocol { family: f, kind: k, .. } if *f == family && *k == kind);
        let fewest = || {
            let same = self.entries().filter(of_kind);
            same.min_by_key(|entry| entry.condition.options().len())
        };
        let found = listed(protocol).or_else(|| listed(0));
        found.or_else(|| if protocol == 0 { fewest() } else { None })
    }

    fn path(&self, path: &str) -> Option<&Entry> {
        let path = canonical(path);
        let mut part = path.as_str();
        loop {
            if let Some(entry) = self.exact_path(part) {
                return Some(entry);
            }
            part = part.rsplit_once('/')?.0;
        }
    }

    /// The entry of just this path; of several patterns the longest counts.
    fn exact_path(&self, path: &str) -> Option<&Entry> {
        if let Some(entry) = self.entries.get(&Feature::Path(path.into())) {
            return Some(entry);
        }
        let patterns = self.entries().filter(|entry| match &entry.feature {
            Feature::Path(pattern) => pattern.contains('*') && path::matches(pattern, path),
            _ => false,
        });
        patterns.max_by_key(|entry| entry.feature.to_string().len())
    }
}

#[cfg(test)]
mod tests;
