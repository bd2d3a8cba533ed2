//! Opening and verifying a bundle.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lupine_store::At;

use crate::digest::sha256;
use crate::{BundleError, MANIFEST, Manifest, Member};

/// An opened bundle: a directory and its manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// The directory.
    pub dir: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
}

/// Whether `dir` looks like a bundle: a directory with a manifest in it, of
/// whatever version and health.
pub fn is_bundle(dir: &Path) -> bool {
    dir.join(MANIFEST).is_file()
}

/// Opens the bundle in `dir` and checks that its files are there and have their
/// sizes. Contents are checked by [`Bundle::verify`], which takes longer.
///
/// # Errors
/// [`BundleError`]: no bundle, another version, malformed, a file missing or truncated.
pub fn open(dir: &Path) -> Result<Bundle, BundleError> {
    let no_bundle = |why: String| BundleError::NoBundle {
        dir: dir.into(),
        why,
    };
    if !dir.is_dir() {
        return Err(no_bundle("there is no such directory".into()));
    }
    let place = dir.join(MANIFEST);
    let text = match fs::read(&place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(no_bundle(format!("it has no {MANIFEST}")));
        }
        other => other.at("read", &place)?,
    };
    let bundle = Bundle {
        dir: dir.into(),
        manifest: Manifest::parse(&text, &place.display().to_string())?,
    };
    for member in bundle.manifest.members() {
        check_size(&bundle.path_of(member), member)?;
    }
    Ok(bundle)
}

fn check_size(path: &Path, member: &Member) -> Result<(), BundleError> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata,
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).at("read", path)?;
        }
        _ => return Err(BundleError::MemberMissing { path: path.into() }),
    };
    if metadata.len() != member.bytes {
        return Err(BundleError::MemberSize {
            path: path.into(),
            expected: member.bytes,
            found: metadata.len(),
        });
    }
    Ok(())
}

impl Bundle {
    /// Where a file of the bundle lies.
    pub fn path_of(&self, member: &Member) -> PathBuf {
        self.dir.join(&member.file)
    }

    /// Where the vmlinux lies.
    pub fn kernel(&self) -> PathBuf {
        self.path_of(&self.manifest.kernel.vmlinux)
    }

    /// Where the root file system lies.
    pub fn rootfs(&self) -> PathBuf {
        self.path_of(&self.manifest.rootfs.image)
    }

    /// Reads all files and compares their digests with the manifest's.
    ///
    /// # Errors
    /// [`BundleError::MemberDigest`] for the first file that differs, or a file error.
    pub fn verify(&self) -> Result<(), BundleError> {
        for member in self.manifest.members() {
            let path = self.path_of(member);
            let found = sha256(&path).at("read", &path)?;
            if found != member.sha256 {
                return Err(BundleError::MemberDigest {
                    path,
                    expected: member.sha256.clone(),
                    found,
                });
            }
        }
        Ok(())
    }
}
