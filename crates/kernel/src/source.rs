//! Where a kernel's source comes from, and the tree it becomes in the store.

mod archive;
mod debian;
mod download;
mod makefile;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lupine_store::{At, Store};
use lupine_tool::Progress;

use crate::identity::{Key, REQUESTS, recall, remember, remembered_sha256};
use crate::{Data, KernelError, Patch, Pin, patches, tree, workspace};

/// Store kind of unpacked and patched sources.
pub(crate) const SOURCES: &str = "sources";

/// Where the source comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// Debian's package: installed below /usr/src, else downloaded with `apt-get download`.
    Debian,
    /// An archive that `tar` can read, with one directory at its top.
    Tarball {
        /// The file.
        path: PathBuf,
        /// What it must be; absent when anything goes.
        sha256: Option<String>,
    },
    /// An unpacked, clean source; its contents are copied.
    Directory(PathBuf),
    /// An archive to be downloaded.
    Url {
        /// `http`, `https`, `ftp` or `file` address.
        url: String,
        /// What it must be.
        sha256: String,
    },
}

impl FromStr for SourceSpec {
    type Err = KernelError;

    /// `debian`, a directory, a file, `file#sha256=HEX`, or `URL#sha256=HEX`.
    fn from_str(text: &str) -> Result<Self, KernelError> {
        let wrong = |why: &str| KernelError::SourceSpec {
            text: text.into(),
            why: why.into(),
        };
        let (place, digest) = match text.split_once("#sha256=") {
            Some((place, digest)) => (place, Some(digest.to_ascii_lowercase())),
            None => (text, None),
        };
        let is_digest = |d: &String| d.len() == 64 && d.bytes().all(|b| b.is_ascii_hexdigit());
        if digest.as_ref().is_some_and(|d| !is_digest(d)) {
            return Err(wrong("a sha256 has 64 hexadecimal digits"));
        }
        if place == "debian" && digest.is_none() {
            return Ok(Self::Debian);
        }
        if place.contains("://") {
            let sha256 = digest.ok_or_else(|| wrong("a URL needs its #sha256=HEX"))?;
            return Ok(Self::Url {
                url: place.into(),
                sha256,
            });
        }
        let path = PathBuf::from(place);
        match (path.is_dir(), path.is_file()) {
            (true, _) if digest.is_some() => Err(wrong("a directory has no sha256")),
            (true, _) => Ok(Self::Directory(path)),
            (_, true) => Ok(Self::Tarball {
                path,
                sha256: digest,
            }),
            _ => Err(wrong("no such file or directory")),
        }
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Debian => f.write_str("debian"),
            Self::Tarball { path, sha256: None } => write!(f, "{}", path.display()),
            Self::Tarball {
                path,
                sha256: Some(d),
            } => write!(f, "{}#sha256={d}", path.display()),
            Self::Directory(path) => write!(f, "{}", path.display()),
            Self::Url { url, sha256 } => write!(f, "{url}#sha256={sha256}"),
        }
    }
}

/// A source by its contents, before anything was unpacked.
#[derive(Debug, Clone)]
pub(crate) struct SourceId {
    /// sha256 of the archive, or of a directory's contents.
    pub(crate) sha256: String,
    /// The archive; absent when the contents lie in the store already.
    archive: Option<PathBuf>,
    /// What a person would call it.
    origin: PathBuf,
}

impl SourceId {
    /// The source that Lupine is tested with, wherever it may be.
    pub(crate) fn pinned(pin: &Pin) -> Self {
        Self {
            sha256: pin.sha256.clone(),
            archive: None,
            origin: pin.file.clone(),
        }
    }
}

/// A kernel source in the store, patched and never changed.
#[derive(Debug, Clone)]
pub struct SourceTree {
    /// Its key: the source's sha256 and the patches.
    pub key: String,
    /// The top directory, the one with `Kconfig` in it.
    pub dir: PathBuf,
    /// For example `6.12.117`.
    pub version: String,
    /// sha256 of what it was made of.
    pub sha256: String,
}

/// The patched source tree of `spec`, made if it is not in the store yet.
///
/// # Errors
/// No source, a wrong sha256, another series, a patch that does not apply, a full disk.
pub fn source_tree(
    store: &Store,
    data: &Data,
    spec: &SourceSpec,
    patch_sets: &[String],
    progress: &dyn Progress,
) -> Result<SourceTree, KernelError> {
    let patches = patches::select(data, patch_sets)?;
    let id = identify(store, data, spec, progress)?;
    tree_of(store, data, &id, &patches, progress)
}

/// What lies at `url`, downloaded once; its sha256 must be `expected`.
///
/// # Errors
/// A host without curl, an address that does not answer, another digest, a full disk.
pub fn download(
    store: &Store,
    url: &str,
    expected: &str,
    progress: &dyn Progress,
) -> Result<PathBuf, KernelError> {
    download::archive(store, url, expected, progress)
}

/// Finds out what the source is, without unpacking it. Quick when it was seen before.
pub(crate) fn identify(
    store: &Store,
    data: &Data,
    spec: &SourceSpec,
    progress: &dyn Progress,
) -> Result<SourceId, KernelError> {
    let (archive, demanded) = match spec {
        SourceSpec::Directory(dir) => return identify_directory(store, data, dir, progress),
        SourceSpec::Debian => (debian::archive(store, &data.pin, progress)?, None),
        SourceSpec::Tarball { path, sha256 } => (path.clone(), sha256.as_ref()),
        SourceSpec::Url { url, sha256 } => (
            download::archive(store, url, sha256, progress)?,
            Some(sha256),
        ),
    };
    let actual = remembered_sha256(store, &archive)?;
    if let Some(expected) = demanded.filter(|expected| **expected != actual) {
        return Err(KernelError::WrongDigest {
            what: archive.display().to_string(),
            expected: expected.clone(),
            actual,
        });
    }
    if *spec == SourceSpec::Debian && actual != data.pin.sha256 {
        progress.note(&format!(
            "{} is not the pinned version {} of {}; it is used all the same",
            archive.display(),
            data.pin.package_version,
            data.pin.package
        ));
    }
    Ok(SourceId {
        sha256: actual,
        origin: archive.clone(),
        archive: Some(archive),
    })
}

/// A directory is known by its contents. They are copied when its listing is new,
/// so that nobody can change them under a build.
fn identify_directory(
    store: &Store,
    data: &Data,
    dir: &Path,
    progress: &dyn Progress,
) -> Result<SourceId, KernelError> {
    makefile::check(dir, dir, &data.pin.series)?;
    makefile::check_clean(dir)?;
    let dir = &fs::canonicalize(dir).at("find", dir)?;
    let id = |sha256: String| SourceId {
        sha256,
        archive: None,
        origin: dir.clone(),
    };
    let key = Key::new("directory")
        .field("listing", tree::listing(dir)?)
        .finish();
    let kept = |digest: &String| store.get(SOURCES, &key_of(digest, &[])).is_some();
    if let Some(digest) = recall(store, &key).filter(kept) {
        return Ok(id(digest));
    }
    progress.step(&format!("copying {}", dir.display()));
    let staging = store.staging()?;
    let copy = staging.path().join("linux");
    tree::copy(dir, &copy)?;
    let digest = tree::digest(&copy)?;
    store.publish(&copy, SOURCES, &key_of(&digest, &[]))?;
    remember(store, &key, &digest)?;
    Ok(id(digest))
}

/// The key of a source with patches applied.
pub(crate) fn key_of(sha256: &str, patches: &[(String, Patch)]) -> String {
    let key = Key::new("source").field("sha256", sha256);
    let add = |key: Key, (set, patch): &(String, Patch)| {
        key.field("set", set)
            .field("name", &patch.name)
            .field("text", &patch.text)
    };
    patches.iter().fold(key, add).finish()
}

/// The tree of an identified source, made if it is not there yet.
pub(crate) fn tree_of(
    store: &Store,
    data: &Data,
    id: &SourceId,
    patches: &[(String, Patch)],
    progress: &dyn Progress,
) -> Result<SourceTree, KernelError> {
    let key = key_of(&id.sha256, patches);
    let waiting = format!(
        "waiting for another process that unpacks {}",
        id.origin.display()
    );
    let _lock = workspace::lock(store, &format!("source-{key}"), &waiting, progress)?;
    let dir = match store.get(SOURCES, &key) {
        Some(dir) => dir,
        None if patches.is_empty() => unpack(store, data, id, &key, progress)?,
        None => {
            let fresh = tree_of(store, data, id, &[], progress)?;
            patches::apply(store, &fresh, patches, &key, progress)?
        }
    };
    let version = makefile::check(&dir, &id.origin, &data.pin.series)?;
    Ok(SourceTree {
        key,
        dir,
        version,
        sha256: id.sha256.clone(),
    })
}

fn unpack(
    store: &Store,
    data: &Data,
    id: &SourceId,
    key: &str,
    progress: &dyn Progress,
) -> Result<PathBuf, KernelError> {
    let Some(archive) = &id.archive else {
        // The copy of a directory was removed between two steps.
        return Err(KernelError::Damaged {
            path: store.root().join(REQUESTS),
            why: format!("the copy of {} is gone", id.origin.display()),
        });
    };
    progress.step(&format!("unpacking {}", archive.display()));
    let staging = store.staging()?;
    let dir = staging.path().join("linux");
    archive::unpack(archive, &dir)?;
    makefile::check(&dir, archive, &data.pin.series)?;
    Ok(store.publish(&dir, SOURCES, key)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_are_read_as_written() {
        let hex = "ab".repeat(32);
        for text in [
            "debian".to_owned(),
            "/".into(),
            format!("https://x/y.tar.xz#sha256={hex}"),
        ] {
            assert_eq!(text.parse::<SourceSpec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_url_without_a_digest_is_refused() {
        for text in ["https://x/y", "https://x/y#sha256=12", "/nowhere/at/all"] {
            let error = text.parse::<SourceSpec>().unwrap_err();
            assert!(matches!(error, KernelError::SourceSpec { .. }), "{error}");
        }
    }
}
