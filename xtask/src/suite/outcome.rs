//! What came of one application, as a line of JSON.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// How much of an application is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Depth {
    /// It is not run.
    Static,
    /// It is run until it works on its own kernel.
    #[default]
    Run,
    /// Options are taken away, too.
    Minimize,
}

/// What came of running one application.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Options were taken away, too.
    pub minimized: bool,
    /// What `lupine needs` says without running it.
    #[serde(default, rename = "static")]
    pub found: Option<Answer>,
    /// What was found out by running it.
    #[serde(default)]
    pub answer: Option<Answer>,
    /// Why there is no answer.
    #[serde(default)]
    pub error: Option<String>,
    /// In seconds, all of it: the image, the kernels and the runs.
    pub seconds: f64,
}

/// An answer of `lupine needs` or `lupine minimize`, as much as is counted; the rest is kept as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// Each with its options.
    pub needs: Vec<Need>,
    /// How many kernels were built or found until it worked.
    #[serde(default)]
    pub rounds: u32,
    /// How often it was run.
    #[serde(default)]
    pub runs: u32,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

/// One need.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Need {
    /// `CONFIG_X`.
    pub options: Vec<String>,
    /// How sure it is.
    pub state: String,
    /// The first says most.
    pub evidence: Vec<Evidence>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

/// A reason.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Evidence {
    /// Who says so.
    pub source: String,
    /// What.
    pub text: String,
}

impl Need {
    fn is_from(&self, source: &str) -> bool {
        self.evidence.iter().any(|one| one.source == source)
    }

    fn is_built(&self) -> bool {
        !matches!(self.state.as_str(), "optional" | "unused")
    }
}

impl Answer {
    /// Reads what lupine printed, less the places of its manifest and of an image in a directory,
    /// which are this machine's business.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut answer: Self = serde_json::from_str(text)
            .map_err(|error| format!("lupine's answer is not understood: {error}"))?;
        answer.rest.remove("manifest");
        if let Some(image) = answer.rest.get_mut("image") {
            let local = image
                .as_str()
                .is_some_and(|image| image.starts_with("dir:"));
            if local {
                *image = "dir:".into();
            }
        }
        Ok(answer)
    }

    /// All that it may ask for; what only the machine asks for is not the application's.
    pub fn all(&self) -> BTreeSet<&String> {
        self.options(|_| true)
    }

    /// What it was seen to use, whether it was taken away afterwards or not.
    pub fn used(&self) -> BTreeSet<&String> {
        self.options(|need| need.is_built() || need.is_from("trial"))
    }

    /// What its kernel has in the end.
    pub fn kept(&self) -> BTreeSet<&String> {
        self.options(Need::is_built)
    }

    /// What it was seen to fail without.
    pub fn required(&self) -> BTreeSet<&String> {
        self.options(|need| need.state == "required")
    }

    fn options(&self, wanted: impl Fn(&Need) -> bool) -> BTreeSet<&String> {
        let own = self.needs.iter().filter(|need| !need.is_from("machine"));
        own.filter(|need| wanted(need))
            .flat_map(|need| &need.options)
            .collect()
    }
}

impl Outcome {
    /// Whether there is nothing more to find out.
    pub fn is_done(&self, depth: Depth) -> bool {
        match depth {
            Depth::Static => self.found.is_some(),
            Depth::Run => self.answer.is_some(),
            Depth::Minimize => self.answer.is_some() && self.minimized,
        }
    }
}

/// Adds a line.
pub fn append(file: &Path, outcome: &Outcome) -> Result<(), String> {
    let failed =
        |error: &dyn std::fmt::Display| format!("cannot write {}: {error}", file.display());
    let mut line = serde_json::to_string(outcome).map_err(|e| failed(&e))?;
    line.push('\n');
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .map_err(|e| failed(&e))?;
    file.write_all(line.as_bytes()).map_err(|e| failed(&e))
}

/// The line that says most, the last of several: an answer of a minimisation, another answer, an error.
pub fn best(file: &Path) -> Result<Option<Outcome>, String> {
    let all = read(file)?.into_iter();
    Ok(all.max_by_key(|one| {
        (
            one.answer.is_some(),
            one.answer.is_some() && one.minimized,
            one.found.is_some(),
        )
    }))
}

fn read(file: &Path) -> Result<Vec<Outcome>, String> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let text = crate::read(file)?;
    // A line that was cut off when the suite was killed was never an outcome.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let line = |line: &str| {
        serde_json::from_str(line).map_err(|error| format!("{}: {error}", file.display()))
    };
    whole.lines().map(line).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An outcome of needs: options, state, source of the evidence.
    pub fn outcome(minimized: bool, needs: &[(&[&str], &str, &str)]) -> Outcome {
        let need = |&(options, state, source): &(&[&str], &str, &str)| {
            serde_json::json!({
                "feature": "x", "options": options, "state": state,
                "evidence": [{ "source": source, "text": "why" }],
            })
        };
        let needs: Vec<_> = needs.iter().map(need).collect();
        let answer = serde_json::json!({ "needs": needs, "rounds": 2, "runs": 5 });
        let answer = Answer::parse(&answer.to_string()).unwrap();
        Outcome {
            minimized,
            found: Some(answer.clone()),
            answer: Some(answer),
            error: None,
            seconds: 61.4,
        }
    }

    #[test]
    fn options_are_counted_by_state() {
        let outcome = outcome(
            true,
            &[
                (&["CONFIG_EXT2_FS"], "declared", "machine"),
                (&["CONFIG_NET", "CONFIG_INET"], "required", "trial"),
                (&["CONFIG_EPOLL"], "optional", "trial"),
                (&["CONFIG_AIO"], "optional", "trace"),
                (&["CONFIG_RSEQ"], "used", "trace"),
                (&["CONFIG_BPF"], "unused", "scan"),
            ],
        );
        let answer = outcome.answer.unwrap();
        let sizes = [
            answer.all(),
            answer.used(),
            answer.kept(),
            answer.required(),
        ];
        assert_eq!(sizes.map(|set| set.len()), [6, 4, 3, 2]);
    }

    #[test]
    fn an_answer_keeps_all_but_places_on_this_machine() {
        let text =
            r#"{"needs": [], "runs": 3, "image": "dir:/tmp/x", "manifest": "/home/x/m.toml"}"#;
        let kept = serde_json::to_value(Answer::parse(text).unwrap()).unwrap();
        let expected = serde_json::json!({ "needs": [], "rounds": 0, "runs": 3, "image": "dir:" });
        assert_eq!(kept, expected);
        assert!(Answer::parse("{}").is_err());
    }

    #[test]
    fn the_best_line_counts_and_a_torn_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.json");
        assert!(best(&file).unwrap().is_none());
        let failed = Outcome {
            error: Some("why".into()),
            ..Outcome::default()
        };
        append(&file, &failed).unwrap();
        assert!(best(&file).unwrap().unwrap().error.is_some());
        append(&file, &outcome(true, &[])).unwrap();
        append(&file, &failed).unwrap();
        std::fs::OpenOptions::new()
            .append(true)
            .open(&file)
            .unwrap()
            .write_all(b"{\"minim")
            .unwrap();
        let best = best(&file).unwrap().unwrap();
        assert!(best.is_done(Depth::Minimize));
    }

    #[test]
    fn only_an_answer_of_its_kind_is_done() {
        let done = |outcome: &Outcome| {
            [Depth::Static, Depth::Run, Depth::Minimize].map(|depth| outcome.is_done(depth))
        };
        assert_eq!(done(&outcome(true, &[])), [true, true, true]);
        assert_eq!(done(&outcome(false, &[])), [true, true, false]);
        assert_eq!(done(&Outcome::default()), [false, false, false]);
    }
}
