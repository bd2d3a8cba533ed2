//! A suite: applications, and how each is driven. The fields are explained in the suite itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A file of applications.
#[derive(Debug)]
pub struct Suite {
    dir: PathBuf,
    /// By name.
    pub apps: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    app: BTreeMap<String, Entry>,
}

/// One application.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Entry {
    /// What lupine runs.
    pub image: String,
    /// Replaces the image's command where it is not empty.
    pub command: Vec<String>,
    /// Variables K=V.
    pub env: Vec<String>,
    /// As lupine's -m.
    pub memory: Option<String>,
    /// In seconds.
    pub timeout: Option<u32>,
    /// Succeeds when it works.
    pub check: Option<String>,
    /// Drives it.
    pub workload: Option<String>,
    /// Fills the image's directory.
    pub prepare: Option<String>,
    /// Debian packages of the commands.
    pub host: Vec<String>,
    /// Names in the study.
    pub paper: Vec<String>,
    /// Why the study's count says nothing about ours.
    pub unlike: Option<String>,
    /// Why it is not run.
    pub unverified: Option<String>,
}

impl Suite {
    /// Reads a suite.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text: Text = toml::from_str(&crate::read(file)?)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        for (name, entry) in &text.app {
            if entry.image.is_empty() && entry.unverified.is_none() {
                return Err(format!(
                    "{}: {name} has no image: give it one, or say why it is unverified",
                    file.display()
                ));
            }
        }
        Ok(Self {
            dir: file.parent().unwrap_or(Path::new(".")).to_owned(),
            apps: text.app,
        })
    }

    /// A file beside the suite.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The named applications in this order; all when none is named.
    pub fn chosen(&self, names: &[String]) -> Result<Vec<(&str, &Entry)>, String> {
        if names.is_empty() {
            let all = self.apps.iter();
            return Ok(all.map(|(name, entry)| (name.as_str(), entry)).collect());
        }
        let find = |name: &String| {
            let known = self.apps.get_key_value(name);
            known
                .map(|(name, entry)| (name.as_str(), entry))
                .ok_or_else(|| {
                    let names: Vec<&str> = self.apps.keys().map(String::as_str).collect();
                    format!("the suite has no {name}; it has {}", names.join(", "))
                })
        };
        names.iter().map(find).collect()
    }
}

impl Entry {
    /// The command, with the texts of files in it.
    pub fn words(&self, files: &Path) -> Result<Vec<String>, String> {
        let word = |word: &String| {
            let name = word
                .strip_prefix("{file:")
                .and_then(|w| w.strip_suffix('}'));
            name.map_or_else(|| Ok(word.clone()), |name| crate::read(&files.join(name)))
        };
        self.command.iter().map(word).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(text: &str) -> Result<Suite, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.toml");
        std::fs::write(&file, text).unwrap();
        Suite::read(&file)
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(suite("[app.a]\nimage = 'deb:a'\n").is_ok());
        assert!(suite("[app.a]\nimage = 'deb:a'\nchek = 'x'\n").is_err());
        assert!(suite("[app.a]\n").unwrap_err().contains("no image"));
        assert!(suite("[app.a]\nunverified = 'why'\n").is_ok());
    }

    #[test]
    fn named_ones_come_in_their_order() {
        let suite = suite("[app.a]\nimage = 'x'\n[app.b]\nimage = 'y'\n").unwrap();
        let names = |wanted: &[&str]| -> Result<Vec<String>, String> {
            let wanted: Vec<String> = wanted.iter().map(|&w| w.to_owned()).collect();
            let chosen = suite.chosen(&wanted)?;
            Ok(chosen.into_iter().map(|(name, _)| name.into()).collect())
        };
        assert_eq!(names(&["b", "a"]).unwrap(), ["b", "a"]);
        assert_eq!(names(&[]).unwrap(), ["a", "b"]);
        assert!(names(&["c"]).unwrap_err().contains("a, b"));
    }

    #[test]
    fn files_are_put_in_as_whole_words() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "two words").unwrap();
        let entry = Entry {
            command: vec!["x{file:f}".into(), "{file:f}".into()],
            ..Entry::default()
        };
        assert_eq!(entry.words(dir.path()).unwrap(), ["x{file:f}", "two words"]);
        assert!(entry.words(Path::new("/nowhere")).is_err());
    }
}
