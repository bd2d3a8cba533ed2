//! Somebody else's kernel, from the same source with the same compiler.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lupine_kconfig::DotConfig;
use lupine_kernel::{Formats, KernelImage, NO_PATCHES, Options};
use lupine_store::At;
use miette::{Result, miette};
use serde::Deserialize;

use super::Pipeline;
use crate::cli::SourceOptions;

/// In a file's place: the configuration that the kernel itself has for guests of KVM.
const DEFCONFIG: &str = "defconfig";
/// Those that have a name.
const KNOWN: &str = include_str!("../../../../bench/baselines.toml");

/// A whole configuration on the network.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remote {
    /// What it is, for a person.
    #[serde(rename = "about")]
    _about: String,
    url: String,
    sha256: String,
}

/// Whether there is a configuration behind this name.
pub fn is_config(path: &Path) -> bool {
    path.is_file() || name_of(path).is_some() || is_url(path)
}

/// What a configuration that needs no file is called.
pub fn name_of(path: &Path) -> Option<&str> {
    let name = path.to_str()?;
    let is_known = name == DEFCONFIG || known().contains_key(name);
    is_known.then_some(name)
}

fn is_url(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains("://"))
}

/// All with a name; none if the data were wrong, which a test keeps from happening.
fn known() -> BTreeMap<String, Remote> {
    toml::from_str(KNOWN).unwrap_or_default()
}

/// Where a configuration that is no file lies; `None` for a file.
fn remote(config: &Path) -> Result<Option<Remote>> {
    let text = config.to_str().unwrap_or_default();
    if let Some(remote) = known().remove(text) {
        return Ok(Some(remote));
    }
    if !is_url(config) {
        return Ok(None);
    }
    let (url, sha256) = text.split_once("#sha256=").ok_or_else(|| {
        miette!(
            help = "look at it, and give its digest: URL#sha256=HEX",
            "{text} could be anything"
        )
    })?;
    Ok(Some(Remote {
        _about: String::new(),
        url: url.into(),
        sha256: sha256.to_ascii_lowercase(),
    }))
}

/// What a baseline's configuration is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be looked at: it stays as it is.
    Inspect,
    /// To be booted: it finds the devices of QEMU's microvm machine.
    Boot,
}

/// Options by which a kernel finds the devices of a machine without ACPI and PCI.
const DEVICES: &str = "\nCONFIG_VIRTIO_MMIO=y\nCONFIG_VIRTIO_MMIO_CMDLINE_DEVICES=y\n";

impl Pipeline<'_> {
    /// The kernel of a whole `.config` (a file, a name of `bench/baselines.toml`, or `URL#sha256=HEX`), or of the
    /// kernel's own `defconfig`, without the patches that ours get.
    ///
    /// # Errors
    /// The kernel stage's; a configuration for another machine, of which Kconfig would leave nothing.
    pub fn baseline(
        &self,
        config: &Path,
        from: &SourceOptions,
        bzimage: bool,
        purpose: Purpose,
    ) -> Result<KernelImage> {
        let source = from.kernel_source.parse()?;
        let mut from = from.clone();
        from.patch_sets.insert(0, NO_PATCHES.into());
        let build = self.kernel_options(&source, &from, Formats { bzimage });
        let mut text = self.whole_config(config, &build)?;
        if purpose == Purpose::Boot {
            text.push_str(DEVICES);
        }
        let kernel = lupine_kernel::baseline(self.store, &text, &build)?;
        self.reporter.finish();
        Ok(kernel)
    }

    fn whole_config(&self, config: &Path, build: &Options<'_>) -> Result<String> {
        if config == Path::new(DEFCONFIG) {
            return Ok(lupine_kernel::guest_defconfig(self.store, build)?);
        }
        let file = match remote(config)? {
            Some(Remote { url, sha256, .. }) => {
                lupine_kernel::download(self.store, &url, &sha256, self.reporter)?
            }
            None => config.to_owned(),
        };
        let text = fs::read_to_string(&file).at("read", &file)?;
        if DotConfig::parse(&text)?.symbol("X86_64") == "y" {
            return Ok(text);
        }
        Err(miette!(
            help = "name the whole .config that its kernel was built with, not a part of it",
            "this is no configuration of a kernel for 64-bit x86"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_have_names_files_or_addresses() {
        for (_, known) in toml::from_str::<BTreeMap<String, Remote>>(KNOWN).unwrap() {
            assert_eq!(known.sha256.len(), 64);
            assert!(known.url.starts_with("https://"));
        }
        for text in [
            "defconfig",
            "firecracker",
            "https://x/y#sha256=0",
            "/etc/passwd",
        ] {
            assert!(is_config(Path::new(text)), "{text}");
        }
        assert!(!is_config(Path::new("/no/such/file")));
        assert_eq!(remote(Path::new("/etc/passwd")).unwrap(), None);
        let url = remote(Path::new("https://x/y#sha256=AB")).unwrap().unwrap();
        assert_eq!(
            (url.url.as_str(), url.sha256.as_str()),
            ("https://x/y", "ab")
        );
        assert!(remote(Path::new("https://x/y")).is_err());
    }
}
