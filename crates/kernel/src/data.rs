//! The directory `kernel/`, embedded: where the source comes from, fragments, patches.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};
use lupine_kconfig::{Fragment, Layer};
use lupine_store::At;
use serde::Deserialize;

use crate::KernelError;

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../kernel");

/// The kernel version that Lupine is tested with, from `kernels.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// For example `6.12`; sources of another series are refused.
    pub series: String,
    /// For example `6.12.117`.
    pub version: String,
    /// Debian's source package.
    pub package: String,
    /// That package's version.
    pub package_version: String,
    /// Where the package puts the archive.
    pub file: std::path::PathBuf,
    /// sha256 of the archive, hexadecimal.
    pub sha256: String,
    /// Patch sets that every kernel of this series gets, see [`Options::patch_sets`](crate::Options::patch_sets).
    #[serde(default)]
    pub patch_sets: Vec<String>,
    /// About how many objects a kernel of one application has: the first estimate of progress.
    pub objects: u64,
}

/// One patch of a patch set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// `NNNN-subsystem-what.patch`.
    pub name: String,
    /// The patch itself.
    pub text: String,
}

/// Patches that belong together, in the order of application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchSet {
    /// The directory's name below `patches/SERIES/`.
    pub name: String,
    /// In the order of their numbers.
    pub patches: Vec<Patch>,
}

/// Everything below `kernel/` that this crate reads.
#[derive(Debug, Clone)]
pub struct Data {
    /// Which kernel.
    pub pin: Pin,
    files: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Kernels {
    pin: Pin,
}

impl Data {
    /// The data that this binary carries.
    ///
    /// # Errors
    /// When `kernels.toml` cannot be read; a test keeps that from happening.
    pub fn builtin() -> Result<Self, KernelError> {
        let mut files = BTreeMap::new();
        collect(&EMBEDDED, &mut files);
        Self::from_files(files)
    }

    /// The data of another directory with the same layout.
    ///
    /// # Errors
    /// When the directory or its `kernels.toml` cannot be read.
    pub fn from_dir(dir: &Path) -> Result<Self, KernelError> {
        let mut files = BTreeMap::new();
        read_dir(dir, dir, &mut files)?;
        Self::from_files(files)
    }

    fn from_files(files: BTreeMap<String, String>) -> Result<Self, KernelError> {
        let file = "kernels.toml";
        let broken = |why: String| KernelError::Data {
            file: file.into(),
            why,
        };
        let text = files.get(file).ok_or_else(|| broken("missing".into()))?;
        let kernels: Kernels = toml::from_str(text).map_err(|e| broken(e.to_string()))?;
        Ok(Self {
            pin: kernels.pin,
            files,
        })
    }

    /// The text of one file, by its path below `kernel/`.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Names (without `.config`) of the fragments of one directory below `config/`.
    pub fn fragment_names(&self, dir: &str) -> Vec<String> {
        let prefix = format!("config/{dir}/");
        self.files
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix)?.strip_suffix(".config"))
            .map(str::to_owned)
            .collect()
    }

    /// The fragment at `config/PATH.config`, if there is one.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn fragment(&self, path: &str, layer: Layer) -> Result<Option<Fragment>, KernelError> {
        let name = format!("config/{path}.config");
        let Some(text) = self.text(&name) else {
            return Ok(None);
        };
        Ok(Some(Fragment::parse(&name, layer, text)?))
    }

    /// Every patch set of the pinned series, sorted by name.
    pub fn patch_sets(&self) -> Vec<PatchSet> {
        let prefix = format!("patches/{}/", self.pin.series);
        let mut sets: BTreeMap<&str, Vec<Patch>> = BTreeMap::new();
        for (path, text) in &self.files {
            let parts = path.strip_prefix(&prefix).and_then(|p| p.split_once('/'));
            if let Some((set, name)) = parts.filter(|(_, name)| name.ends_with(".patch")) {
                let patch = Patch {
                    name: name.to_owned(),
                    text: text.clone(),
                };
                sets.entry(set).or_default().push(patch);
            }
        }
        sets.into_iter()
            .map(|(name, patches)| PatchSet {
                name: name.to_owned(),
                patches,
            })
            .collect()
    }
}

fn collect(dir: &Dir<'static>, files: &mut BTreeMap<String, String>) {
    for file in dir.files() {
        if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
            files.insert(path.to_owned(), text.to_owned());
        }
    }
    for dir in dir.dirs() {
        collect(dir, files);
    }
}

fn read_dir(
    root: &Path,
    dir: &Path,
    files: &mut BTreeMap<String, String>,
) -> Result<(), KernelError> {
    for entry in std::fs::read_dir(dir).at("list", dir)? {
        let path = entry.at("list", dir)?.path();
        if path.is_dir() {
            read_dir(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            let text = std::fs::read_to_string(&path).at("read", &path)?;
            files.insert(name.to_string_lossy().into_owned(), text);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_data_is_whole() {
        let data = Data::builtin().unwrap();
        assert_eq!(data.pin.series, "6.12");
        assert!(data.pin.version.starts_with("6.12."));
        assert_eq!(data.pin.sha256.len(), 64);
    }

    #[test]
    fn patch_sets_come_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let kernels = EMBEDDED.get_file("kernels.toml").unwrap();
        std::fs::write(dir.path().join("kernels.toml"), kernels.contents()).unwrap();
        let set = dir.path().join("patches/6.12/boot");
        std::fs::create_dir_all(&set).unwrap();
        for name in ["0002-b.patch", "0001-a.patch", "README"] {
            std::fs::write(set.join(name), name).unwrap();
        }
        let sets = Data::from_dir(dir.path()).unwrap().patch_sets();
        assert_eq!(sets.len(), 1);
        let names: Vec<_> = sets[0].patches.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["0001-a.patch", "0002-b.patch"]);
    }
}
