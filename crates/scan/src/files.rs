//! What the scan sees of an image's files.

use std::io;

/// The files of one root file system. Paths are absolute, with `/` as the image's root; names that
/// are no UTF-8 are left out, since no configuration that the scan understands could name them.
pub trait Files {
    /// What `path` leads to, all symlinks followed inside the image; `None` when it leads nowhere.
    fn resolve(&self, path: &str) -> Option<Entry>;

    /// Up to `max` bytes from the start of the regular file that `path` leads to.
    ///
    /// # Errors
    /// When there is no such file or it cannot be read.
    fn read(&self, path: &str, max: u64) -> io::Result<Vec<u8>>;

    /// The names in the directory that `path` leads to, in any order; none when it is no directory.
    fn list(&self, path: &str) -> Vec<String>;
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The absolute path without a symlink in it.
    pub path: String,
    /// What lies there.
    pub kind: EntryKind,
}

/// What lies at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Its length in bytes.
        bytes: u64,
        /// Whether somebody may execute it.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A device, a pipe, a socket.
    Other,
}

impl Entry {
    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        matches!(self.kind, EntryKind::File { .. })
    }

    /// Whether it is a regular file that may be executed.
    pub fn is_executable(&self) -> bool {
        let EntryKind::File { executable, .. } = self.kind else {
            return false;
        };
        executable
    }
}

/// The directory part of an absolute path.
pub(crate) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

/// The last component of a path.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `name` as seen from the directory `dir`.
pub(crate) fn join(dir: &str, name: &str) -> String {
    if name.starts_with('/') {
        return name.to_owned();
    }
    format!("{}/{name}", dir.trim_end_matches('/'))
}
