//! An image's files as the static scan wants to see them.

use std::io;

use lupine_image::{Kind, Tree};
use lupine_scan::{Entry, EntryKind, Files};

/// The files of a tree.
pub struct ImageFiles<'a> {
    tree: &'a Tree,
}

impl<'a> ImageFiles<'a> {
    /// Those of `tree`.
    pub fn new(tree: &'a Tree) -> Self {
        Self { tree }
    }
}

impl Files for ImageFiles<'_> {
    fn resolve(&self, path: &str) -> Option<Entry> {
        let (real, node) = self.tree.resolve(path)?;
        let real = String::from_utf8(real).ok()?;
        let kind = match node.kind {
            Kind::File { bytes, .. } => EntryKind::File {
                bytes,
                executable: node.mode & 0o111 != 0,
            },
            Kind::Directory => EntryKind::Directory,
            _ => EntryKind::Other,
        };
        Some(Entry {
            path: format!("/{}", real.trim_matches('/')),
            kind,
        })
    }

    fn read(&self, path: &str, max: u64) -> io::Result<Vec<u8>> {
        self.tree.read(path, max).map_err(io::Error::other)
    }

    fn list(&self, path: &str) -> Vec<String> {
        let Some((real, node)) = self.tree.resolve(path) else {
            return Vec::new();
        };
        if !node.is_directory() {
            return Vec::new();
        }
        let names = self.tree.children(&real);
        names
            .filter_map(|name| String::from_utf8(name.to_vec()).ok())
            .collect()
    }
}
