//! The record that lies beside every kernel.

use serde::{Deserialize, Serialize};

/// `metadata.json`: what went into a kernel and what came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// For example `6.12`.
    pub series: String,
    /// For example `6.12.117`.
    pub version: String,
    /// sha256 of the source archive, or of a source directory's contents.
    pub source_sha256: String,
    /// Whether that is the version that Lupine is tested with.
    pub source_pinned: bool,
    /// `SET/NNNN-name.patch`, in the order of application; copies lie in `patches/`.
    pub patches: Vec<String>,
    /// Compiler, assembler and linker, one line each.
    pub compiler: Vec<String>,
    /// sha256 of the resolved configuration, the file `config`.
    pub config_sha256: String,
    /// Number of options set to y.
    pub options_set: usize,
    /// The stripped `vmlinux`.
    pub vmlinux: FileRecord,
    /// The `bzImage`, when it was asked for.
    pub bzimage: Option<FileRecord>,
    /// Objects of this build.
    pub objects: Objects,
    /// How long this build took.
    pub durations_ms: Durations,
    /// Shell commands that make the same bytes by hand from the source archive;
    /// run them in an empty directory with `KERNEL` set to this kernel's directory and
    /// `SOURCE` to the archive.
    pub reproducer: String,
}

/// One file of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its size.
    pub bytes: u64,
    /// Its digest, hexadecimal.
    pub sha256: String,
}

/// What became of the objects that a kernel is linked from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objects {
    /// Objects that this kernel is made of.
    pub total: usize,
    /// Objects that were compiled.
    pub compiled: usize,
    /// Objects taken from ccache.
    pub cached: usize,
    /// Objects left in place from the build before.
    pub kept: usize,
}

/// Milliseconds of wall time by step; 0 for a step that was not needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    /// Getting, unpacking and patching the source.
    pub source: u64,
    /// Kconfig and the check of its result.
    pub resolve: u64,
    /// `make`.
    pub make: u64,
    /// Stripping, copying and hashing.
    pub finish: u64,
}
