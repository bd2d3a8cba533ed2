//! Trials that were made already: a minimisation that was ended goes on where it stopped.
//!
//! One file, lines of JSON: first what the trials hold for, then one trial a line, written when it
//! was made. Trials that hold for something else are forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use lupine_needs::Answer as Reaction;
use lupine_store::{At, StoreError, write_atomically};
use serde::{Deserialize, Serialize};

/// What was taken away, and how the application took it.
#[derive(Serialize, Deserialize)]
struct Trial {
    without: BTreeSet<String>,
    reaction: Reaction,
}

/// The trials of one minimisation.
pub struct Trials {
    path: PathBuf,
    file: File,
    made: BTreeMap<BTreeSet<String>, Reaction>,
}

impl Trials {
    /// Those in a file, if they hold for `circumstances`; none otherwise.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn open(path: PathBuf, circumstances: &serde_json::Value) -> Result<Self, StoreError> {
        let header = format!("{circumstances}\n");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let made = match text.strip_prefix(&header) {
            Some(lines) => trials(lines),
            None => {
                write_atomically(&path, header.as_bytes())?;
                BTreeMap::new()
            }
        };
        let file = OpenOptions::new().append(true).open(&path);
        let mut file = file.at("open", &path)?;
        if !text.is_empty() && !text.ends_with('\n') {
            // The torn line of a sudden end stays alone.
            writeln!(file).at("write", &path)?;
        }
        Ok(Self { path, file, made })
    }

    /// How the application took it, if it was tried.
    pub fn find(&self, without: &BTreeSet<String>) -> Option<Reaction> {
        self.made.get(without).cloned()
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.made.len()
    }

    /// Keeps one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(
        &mut self,
        without: &BTreeSet<String>,
        reaction: &Reaction,
    ) -> Result<(), StoreError> {
        let trial = Trial {
            without: without.clone(),
            reaction: reaction.clone(),
        };
        let line = serde_json::to_string(&trial).map_err(std::io::Error::from);
        let written = line.and_then(|line| writeln!(self.file, "{line}"));
        written.at("write", &self.path)
    }

    /// Forgets them: what came of them is kept elsewhere.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn done(self) -> Result<(), StoreError> {
        fs::remove_file(&self.path).at("remove", &self.path)
    }
}

/// A line that was torn by a sudden end is a trial that was not made.
fn trials(lines: &str) -> BTreeMap<BTreeSet<String>, Reaction> {
    let trials = lines
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    trials
        .map(|trial: Trial| (trial.without, trial.reaction))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(option: &str) -> BTreeSet<String> {
        BTreeSet::from([option.to_owned()])
    }

    #[test]
    fn trials_are_found_again_unless_something_else_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trials");
        let (kernel, other) = (json!({"kernel": "a"}), json!({"kernel": "ab"}));
        let failed = Reaction::Failed("it died".into());
        let mut trials = Trials::open(path.clone(), &kernel).unwrap();
        trials.keep(&set("CONFIG_EPOLL"), &failed).unwrap();
        drop(trials);
        // A sudden end in the middle of a line.
        let torn = format!(
            "{}{{\"without\":[\"CONF",
            fs::read_to_string(&path).unwrap()
        );
        fs::write(&path, torn).unwrap();
        let trials = Trials::open(path.clone(), &kernel).unwrap();
        assert_eq!(trials.find(&set("CONFIG_EPOLL")), Some(failed));
        assert_eq!((trials.find(&set("CONFIG_AIO")), trials.len()), (None, 1));
        assert_eq!(Trials::open(path.clone(), &other).unwrap().len(), 0);
        assert_eq!(Trials::open(path, &kernel).unwrap().len(), 0);
    }
}
