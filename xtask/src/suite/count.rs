//! Counts options the same way for us and for the earlier study.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::entry::Entry;

/// What the earlier study needed; the fields are explained in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    machine: BTreeSet<String>,
    together: Vec<BTreeSet<String>>,
    later: BTreeSet<String>,
    app: BTreeMap<String, Published>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Published {
    count: usize,
    options: BTreeSet<String>,
}

impl Paper {
    /// Reads the file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let paper: Self =
            toml::from_str(text).map_err(|error| format!("paper-2020.toml: {error}"))?;
        for (name, app) in &paper.app {
            if app.count != app.options.len() {
                return Err(format!(
                    "paper-2020.toml: {name} says {} and names {} options",
                    app.count,
                    app.options.len()
                ));
            }
        }
        Ok(paper)
    }

    /// Every name that entries use must be there.
    pub fn check<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> Result<(), String> {
        for name in entries.flat_map(|entry| &entry.paper) {
            if !self.app.contains_key(name) {
                return Err(format!("paper-2020.toml has no {name}"));
            }
        }
        Ok(())
    }

    /// Its applications.
    #[cfg(test)]
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.app.keys()
    }

    /// How many options, the machine's apart, what belongs together once. CONFIG_ may stand before them.
    pub fn count<'a>(&self, options: impl IntoIterator<Item = &'a String>) -> usize {
        let own = options.into_iter().map(|option| bare(option));
        let mut own: BTreeSet<&str> = own
            .filter(|option| !self.is_of_the_machine(option))
            .collect();
        for group in &self.together {
            let mut found = group.iter().filter(|option| own.contains(option.as_str()));
            found.next();
            let more: Vec<&String> = found.collect();
            for option in more {
                own.remove(option.as_str());
            }
        }
        own.len()
    }

    /// The same without the options that the study could not count.
    pub fn count_alike<'a>(&self, options: impl IntoIterator<Item = &'a String>) -> usize {
        let options = options.into_iter();
        self.count(options.filter(|option| !self.later.contains(bare(option))))
    }

    /// Whether every application needs it where it runs: virtio, the network card.
    pub fn is_of_the_machine(&self, option: &str) -> bool {
        self.machine.contains(option)
    }

    /// For each name of an application: the table's number, and its options counted like ours.
    pub fn of<'a>(&self, entry: &'a Entry) -> Vec<(&'a str, usize, usize)> {
        let published = |name: &'a String| {
            let app = self.app.get(name)?;
            Some((name.as_str(), app.count, self.count(&app.options)))
        };
        entry.paper.iter().filter_map(published).collect()
    }
}

/// Without CONFIG_.
pub fn bare(option: &str) -> &str {
    option.strip_prefix("CONFIG_").unwrap_or(option)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "machine = ['VIRTIO_NET']\nlater = ['MULTIUSER']\ntogether = [['NET', 'INET']]\n\
        [app.a]\ncount = 4\noptions = ['NET', 'INET', 'VIRTIO_NET', 'FUTEX']\n";

    fn count(options: &[&str]) -> usize {
        let options: Vec<String> = options.iter().map(|&o| o.to_owned()).collect();
        Paper::parse(TEXT).unwrap().count(&options)
    }

    #[test]
    fn the_machines_are_apart_and_groups_count_once() {
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&["CONFIG_NET", "CONFIG_INET"]), 1);
        assert_eq!(count(&["CONFIG_INET", "CONFIG_VIRTIO_NET"]), 1);
        assert_eq!(count(&["NET", "UNIX", "CONFIG_UNIX"]), 2);
    }

    #[test]
    fn what_the_study_could_not_count_is_not_compared() {
        let options = ["FUTEX", "CONFIG_MULTIUSER"].map(str::to_owned);
        let paper = Paper::parse(TEXT).unwrap();
        assert_eq!((paper.count(&options), paper.count_alike(&options)), (2, 1));
    }

    #[test]
    fn published_counts_are_the_tables_and_ours() {
        let paper = Paper::parse(TEXT).unwrap();
        let entry = Entry {
            paper: vec!["a".into()],
            ..Entry::default()
        };
        assert_eq!(paper.of(&entry), [("a", 4, 2)]);
        assert!(paper.check([&entry].into_iter()).is_ok());
        let other = Entry {
            paper: vec!["b".into()],
            ..Entry::default()
        };
        assert!(paper.check([&other].into_iter()).is_err());
    }

    #[test]
    fn a_count_that_does_not_fit_its_list_is_refused() {
        let wrong = TEXT.replace("count = 4", "count = 3");
        assert!(Paper::parse(&wrong).unwrap_err().contains("says 3"));
    }
}
