//! Why a bundle could not be made or opened.

use std::path::PathBuf;

use lupine_store::StoreError;

use crate::manifest::VERSION;

/// Why a bundle could not be made or opened.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BundleError {
    /// No such directory, or a directory without a manifest.
    #[error("{} is not a bundle: {why}", dir.display())]
    #[diagnostic(help("make one: lupine build IMAGE -o {}", dir.display()))]
    NoBundle {
        /// The directory.
        dir: PathBuf,
        /// What is missing.
        why: String,
    },
    /// The place for a new bundle holds something else.
    #[error("{} holds other files and is not overwritten", dir.display())]
    #[diagnostic(help("choose another directory, or empty this one"))]
    Occupied {
        /// The directory.
        dir: PathBuf,
    },
    /// Made by another version of Lupine.
    #[error("{place} has version {version}, and this lupine reads version {VERSION}")]
    #[diagnostic(help(
        "build the bundle again with this lupine, or use the one that made it (its name is under created_by)"
    ))]
    Version {
        /// The manifest.
        place: String,
        /// Its version.
        version: u32,
    },
    /// The manifest does not parse.
    #[error("{place} is malformed: {why}")]
    #[diagnostic(help("build the bundle again: lupine build IMAGE -o DIR"))]
    Malformed {
        /// The manifest.
        place: String,
        /// What the parser met.
        why: String,
    },
    /// A file that the manifest names is not there.
    #[error("{} is missing", path.display())]
    #[diagnostic(help(
        "copy the whole directory again, or build the bundle again: lupine build IMAGE -o DIR"
    ))]
    MemberMissing {
        /// The file.
        path: PathBuf,
    },
    /// A file has another size than the manifest says.
    #[error("{} has {found} bytes and should have {expected}", path.display())]
    #[diagnostic(help(
        "it was truncated or replaced: copy it again, or build the bundle again: lupine build IMAGE -o DIR"
    ))]
    MemberSize {
        /// The file.
        path: PathBuf,
        /// Size that the manifest says.
        expected: u64,
        /// Size on disk.
        found: u64,
    },
    /// A file has other contents than the manifest says.
    #[error("{} has sha256 {found} and should have {expected}", path.display())]
    #[diagnostic(help(
        "its contents changed: copy it again, or build the bundle again: lupine build IMAGE -o DIR"
    ))]
    MemberDigest {
        /// The file.
        path: PathBuf,
        /// Digest that the manifest says.
        expected: String,
        /// Digest on disk.
        found: String,
    },
    /// The OCI runtime configuration could not be expressed.
    #[error("cannot express the OCI runtime configuration: {why}")]
    #[diagnostic(help("this is a defect of lupine: please report it with the image's name"))]
    RuntimeConfig {
        /// What the encoder met.
        why: String,
    },
    /// A file operation failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
}
