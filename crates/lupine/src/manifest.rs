//! `lupine.toml`: what is known of an application, for people to read and commit.

mod import;
mod saved;

use std::path::Path;

use lupine_needs::{Evidence, Learned, Need, Setting, State};
use lupine_store::At;
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use serde::{Deserialize, Serialize};

use crate::cli::Kml;

pub use saved::Saved;

/// Version of the format that this code writes and reads.
pub const VERSION: u32 = 1;

/// What is known of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`VERSION`] of the writer.
    pub version: u32,
    /// What is run.
    pub image: ImagePart,
    /// What it is run on.
    #[serde(default, skip_serializing_if = "MachinePart::is_empty")]
    pub machine: MachinePart,
    /// How it is known to work.
    #[serde(default, skip_serializing_if = "CheckPart::is_empty")]
    pub check: CheckPart,
    /// The kernel that it was seen to work on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<KernelPart>,
    /// What it needs of a kernel.
    #[serde(default, rename = "need", skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<NeedPart>,
}

/// An image and a command for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagePart {
    /// As `lupine run` takes it; one that names none is told.
    pub reference: String,
    /// Digest of the image's manifest when the needs were found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Replaces the image's entry point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<String>,
    /// Replaces the image's command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// `KEY=VALUE`, added to the image's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Replaces the image's working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
    /// Replaces the image's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What a guest has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachinePart {
    /// Memory in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mem_mib: Option<u32>,
    /// Ports to publish, as `-p` takes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<String>,
    /// TCP ports that the application listens on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// Programs run at CPL 0, as `--kml` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kml: Option<Kml>,
}

/// Commands on the host; `{port:N}` is the host's port that leads to the guest's port N.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckPart {
    /// Succeeds when the application works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Drives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// Without a check: what it was seen to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
}

/// A kernel that the application was seen to work on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelPart {
    /// Key in the kernel cache.
    pub key: String,
    /// For example `6.12.117`.
    pub version: String,
    /// Each need was tried to be taken away.
    #[serde(default)]
    pub minimized: bool,
}

/// One need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeedPart {
    /// What.
    pub feature: String,
    /// The kernel options behind it.
    pub options: Vec<String>,
    /// How sure it is.
    pub state: State,
    /// Why: where that is known from, a colon, and a sentence.
    #[serde(default)]
    pub evidence: Vec<String>,
}

impl Manifest {
    /// Reads a manifest from a file: ours, or docker2lupine's JSON.
    ///
    /// # Errors
    /// What is wrong in it, with its place.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).at("read", path)?;
        let manifest = if text.trim_start().starts_with('{') {
            import::parse(&text)
        } else {
            Self::parse(&text)
        };
        manifest.wrap_err_with(|| format!("{} is no manifest", path.display()))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// Another version; a key that is not known; what is wrong, with line and column.
    pub fn parse(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = toml::from_str(text).into_diagnostic()?;
        if version != VERSION {
            return Err(miette!(
                help = format!(
                    "this program reads version {VERSION}: make it again with lupine needs"
                ),
                "its version is {version}"
            ));
        }
        let manifest: Self = toml::from_str(text).into_diagnostic()?;
        manifest.needs.iter().try_for_each(NeedPart::check_names)?;
        Ok(manifest)
    }

    /// The text of the manifest.
    pub fn to_toml(&self) -> String {
        let text = toml::to_string(self).unwrap_or_default();
        format!(
            "# What this application needs of a Linux kernel, found by running it.\n\
             # Run it: lupine run -f THIS-FILE. Find it out again: lupine needs --run.\n\n{text}"
        )
    }

    /// Its needs as the needs stage takes them.
    pub fn learned(&self) -> Learned {
        Learned {
            needs: self.needs.iter().map(NeedPart::need).collect(),
            minimized: self.kernel.as_ref().is_some_and(|kernel| kernel.minimized),
        }
    }
}

impl MachinePart {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl CheckPart {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether an option may be called so, without the prefix.
fn is_name(bare: &str) -> bool {
    !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

impl NeedPart {
    /// Kconfig would take a name without its prefix for an option that does not exist.
    fn check_names(&self) -> Result<()> {
        let is_option = |option: &str| option.strip_prefix("CONFIG_").is_some_and(is_name);
        let Some(wrong) = self.options.iter().find(|option| !is_option(option)) else {
            return Ok(());
        };
        Err(miette!(
            help = "write for example CONFIG_EPOLL",
            "the need {:?} names {wrong:?}, which is no kernel option",
            self.feature
        ))
    }

    fn need(&self) -> Need {
        let setting = |option: &String| Setting {
            option: option.clone(),
            value: "y".into(),
            why: format!("{} needs it", self.feature),
        };
        Need {
            feature: self.feature.clone(),
            options: self.options.iter().map(setting).collect(),
            state: self.state,
            evidence: self.evidence.iter().map(|e| e.as_str().into()).collect(),
        }
    }
}

impl From<&Need> for NeedPart {
    fn from(need: &Need) -> Self {
        Self {
            feature: need.feature.clone(),
            options: need.options.iter().map(|s| s.option.clone()).collect(),
            state: need.state,
            evidence: need.evidence.iter().map(Evidence::to_string).collect(),
        }
    }
}

#[cfg(test)]
pub mod tests;
