//! CVE records as the Linux CVE team publishes them (CVE JSON 5), as far as they decide anything here.

use serde::Deserialize;

use crate::version::{End, Version};

/// One CVE record about Linux.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// For example `CVE-2099-0001`.
    pub id: String,
    /// Its title; empty where it has none.
    pub title: String,
    /// It was withdrawn, and says nothing about any version.
    pub rejected: bool,
    /// The files with the vulnerable code, each once, sorted.
    pub files: Vec<String>,
    blocks: Vec<Block>,
}

/// A record that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No JSON, or a field is missing or has another type.
    #[error("no CVE record: {0}")]
    Malformed(String),
    /// It is not named like a CVE.
    #[error("{0:?} is no name of a CVE")]
    Name(String),
    /// It is about other software.
    #[error("{0} is not about Linux")]
    NotLinux(String),
}

/// What a record says about a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// It is vulnerable.
    Affected,
    /// It is not, or not any more.
    Unaffected,
    /// Nobody knows.
    Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    cve_metadata: Metadata,
    containers: Containers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    cve_id: String,
    #[serde(default)]
    state: String,
}

#[derive(Deserialize)]
struct Containers {
    cna: Cna,
}

#[derive(Deserialize)]
struct Cna {
    #[serde(default)]
    title: String,
    #[serde(default)]
    affected: Vec<Block>,
}

/// One entry of `affected`: a way to name versions, with its own default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    #[serde(default)]
    vendor: String,
    #[serde(default)]
    product: String,
    default_status: Option<Status>,
    #[serde(default)]
    versions: Vec<Range>,
    #[serde(default)]
    program_files: Vec<String>,
}

/// One entry of `versions`. Without an end it is just this version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Range {
    version: String,
    less_than: Option<String>,
    less_than_or_equal: Option<String>,
    status: Status,
    #[serde(default)]
    version_type: String,
    #[serde(default)]
    changes: Vec<StatusChange>,
}

/// From this version on, within its range, another status.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct StatusChange {
    at: String,
    status: Status,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn parse(text: &[u8]) -> Result<Self, RecordError> {
        let document: Document =
            serde_json::from_slice(text).map_err(|e| RecordError::Malformed(e.to_string()))?;
        let id = document.cve_metadata.cve_id;
        if !is_id(&id) {
            return Err(RecordError::Name(id));
        }
        let cna = document.containers.cna;
        let rejected = document.cve_metadata.state == "REJECTED";
        let blocks: Vec<Block> = cna.affected.into_iter().filter(Block::is_linux).collect();
        if blocks.is_empty() && !rejected {
            return Err(RecordError::NotLinux(id));
        }
        let mut files: Vec<String> = blocks
            .iter()
            .flat_map(|b| b.program_files.clone())
            .collect();
        files.sort();
        files.dedup();
        Ok(Self {
            id,
            title: cna.title,
            rejected,
            files,
            blocks,
        })
    }

    /// What the record says about a version. Several ways to name versions say the same thing, so
    /// one that can be read decides; commits cannot.
    pub(crate) fn status(&self, version: &Version) -> Status {
        let said: Vec<Status> = self.blocks.iter().map(|b| b.status(version)).collect();
        let says = |status| said.contains(&status);
        match (says(Status::Affected), says(Status::Unaffected)) {
            (true, _) => Status::Affected,
            (false, true) => Status::Unaffected,
            (false, false) => Status::Unknown,
        }
    }
}

/// `CVE-`, a year, `-`, a number.
fn is_id(text: &str) -> bool {
    let rest = text
        .strip_prefix("CVE-")
        .and_then(|rest| rest.split_once('-'));
    let digits = |text: &str| text.len() >= 4 && text.bytes().all(|b| b.is_ascii_digit());
    rest.is_some_and(|(year, number)| digits(year) && digits(number))
}

impl Block {
    fn is_linux(&self) -> bool {
        self.vendor.eq_ignore_ascii_case("linux")
            && self.product.to_lowercase().starts_with("linux")
    }

    /// The status of the range that holds the version. Where none does, the default counts, but
    /// only if every range could be read.
    fn status(&self, version: &Version) -> Status {
        let mut all_read = true;
        for range in &self.versions {
            match range.holds(version) {
                Some(true) => return range.status_at(version),
                Some(false) => {}
                None => all_read = false,
            }
        }
        let default = self.default_status.filter(|_| all_read);
        default.unwrap_or(Status::Unknown)
    }
}

impl Range {
    /// Whether the version lies in it; `None` where the range cannot be read.
    fn holds(&self, version: &Version) -> Option<bool> {
        if self.version_type == "git" {
            return None;
        }
        let start = Version::parse(&self.version)?;
        let end = match (&self.less_than, &self.less_than_or_equal) {
            (None, None) => return Some(*version == start),
            (Some(end), _) => End::before(end)?,
            (None, Some(end)) => End::through(end)?,
        };
        Some(start <= *version && end.holds(version))
    }

    /// The status after the last change that the version has reached.
    fn status_at(&self, version: &Version) -> Status {
        let mut last: Option<(Version, Status)> = None;
        for change in &self.changes {
            let Some(at) = Version::parse(&change.at) else {
                return Status::Unknown;
            };
            if at <= *version && last.as_ref().is_none_or(|(before, _)| *before <= at) {
                last = Some((at, change.status));
            }
        }
        last.map_or(self.status, |(_, status)| status)
    }
}

#[cfg(test)]
mod tests;
