//! Needs: which features of the kernel an image needs on a machine, each with its evidence.
//!
//! ```text
//! Subject (what the image says) + Machine + Tables --derive--> Needs
//! ```
//!
//! [`Tables`] is data: `kernel/features.toml` (a feature and its kernel options) and
//! `kernel/applications.toml` (a program and its features). This crate opens no file.

mod asked;
mod derive;
pub mod map;
mod minimize;
mod refusal;
mod subject;
mod tables;

use serde::{Deserialize, Serialize};

pub use asked::{Asked, Lookup, needs_of};
pub use derive::{derive, uses_network};
pub use minimize::{Answer, Outcome, Verdict, minimize};
pub use refusal::{errno_of, refusals};
pub use subject::{Learned, Machine, Port, Profile, ProfileError, Subject};
pub use tables::{Application, ApplicationFeature, Feature, Setting, Tables, TablesError};

/// Everything that one kernel must have beyond its base, in a fixed order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Sorted by feature; each feature once.
    pub needs: Vec<Need>,
    /// Memory in MiB that the application asks for in `applications.toml`, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mem_mib: Option<u32>,
}

/// One feature that is needed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Name in `features.toml`.
    pub feature: String,
    /// The kernel options behind it, each with its reason.
    pub options: Vec<Setting>,
    /// How sure it is.
    pub state: State,
    /// Why it is needed; at least one.
    pub evidence: Vec<Evidence>,
}

/// How sure a need is; of several, the first in this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The application fails without it.
    Required,
    /// The image, the machine or a person says so.
    Declared,
    /// The application uses it and is worse off without it.
    Used,
    /// Nothing is known of the application: the general kernel has it.
    Assumed,
    /// The application is not known to use it, but most do: kernels that agree share objects.
    Shared,
    /// The application asks for it and passes its check without: the kernel has it not.
    Optional,
    /// The application's code can ask for it, and no run did: the kernel has it not.
    Unused,
}

impl State {
    /// Whether a kernel that is built for the need has what it asks for.
    pub fn is_built(self) -> bool {
        !matches!(self, Self::Optional | Self::Unused)
    }
}

/// One reason for a need, fit for a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it comes from.
    pub source: Source,
    /// One sentence without a full stop.
    pub text: String,
}

/// Where evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// `applications.toml` or `features.toml`.
    Table,
    /// The image's configuration and files.
    Image,
    /// The machine that it shall run on.
    Machine,
    /// The command line.
    User,
    /// The code and the texts in the image's files.
    Scan,
    /// A run in a guest, with every call recorded.
    Trace,
    /// A run in a guest that was refused it.
    Trial,
    /// A guest on the kernel that was built without it.
    Guest,
}

impl Source {
    const ALL: [Self; 8] = [
        Self::Table,
        Self::Image,
        Self::Machine,
        Self::User,
        Self::Scan,
        Self::Trace,
        Self::Trial,
        Self::Guest,
    ];

    /// Whether something was run.
    fn is_run(self) -> bool {
        matches!(self, Self::Trace | Self::Trial | Self::Guest)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Image => "image",
            Self::Machine => "machine",
            Self::User => "user",
            Self::Scan => "scan",
            Self::Trace => "trace",
            Self::Trial => "trial",
            Self::Guest => "guest",
        }
    }
}

impl std::fmt::Display for Evidence {
    /// `SOURCE: TEXT`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.source.name(), self.text)
    }
}

impl From<&str> for Evidence {
    /// Reads `SOURCE: TEXT`; what has no known source is a person's word.
    fn from(text: &str) -> Self {
        let (name, rest) = text.split_once(": ").unwrap_or_default();
        let source = Source::ALL.into_iter().find(|source| source.name() == name);
        Self {
            source: source.unwrap_or(Source::User),
            text: if source.is_some() { rest } else { text }.into(),
        }
    }
}

impl Needs {
    /// The need of this feature, if there is one.
    pub fn get(&self, feature: &str) -> Option<&Need> {
        self.needs.iter().find(|need| need.feature == feature)
    }

    /// Only what it works with at all: without what is there to make kernels alike
    /// ([`State::Shared`]), and without what the application uses but does without for all that
    /// tables and image say. What a run was seen to use stays.
    pub fn least(mut self) -> Self {
        self.needs.retain(|need| match need.state {
            State::Shared => false,
            State::Used => need.evidence.iter().any(|e| e.source.is_run()),
            _ => true,
        });
        self
    }

    /// Adds a need for something that none of them is for.
    pub fn add(&mut self, need: Need) {
        let at = self.needs.partition_point(|n| n.feature < need.feature);
        self.needs.insert(at, need);
    }

    /// What the kernel is built for: all but what is known to be dispensable.
    pub fn built(&self) -> impl Iterator<Item = &Need> {
        self.needs.iter().filter(|need| need.state.is_built())
    }

    /// The names of all features, sorted.
    pub fn features(&self) -> impl Iterator<Item = &str> {
        self.needs.iter().map(|need| need.feature.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_read_as_it_is_written() {
        for source in Source::ALL {
            let text = "a: b".to_owned();
            let evidence = Evidence { source, text };
            assert_eq!(Evidence::from(evidence.to_string().as_str()), evidence);
        }
        let by_hand = Evidence::from("our own load test needs it");
        assert_eq!(by_hand.source, Source::User);
        assert_eq!(by_hand.text, "our own load test needs it");
    }
}
