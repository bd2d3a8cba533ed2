//! A path through a tree, component by component, as a process sees it whose root the tree is.

use crate::path::{join, parent};

/// Most symlinks that one look-up follows, as in the kernel.
const HOPS: usize = 40;

/// How far a path has been followed. The caller looks up each entry and says what it is.
pub(crate) struct Walk {
    /// Components to come, last first.
    todo: Vec<Vec<u8>>,
    /// The directory reached, free of symlinks.
    real: Vec<u8>,
    hops: usize,
}

impl Walk {
    /// At the root, with all of `path` ahead.
    pub fn new(path: &[u8]) -> Self {
        Self {
            todo: components(path),
            real: Vec::new(),
            hops: 0,
        }
    }

    /// The real path of the entry to look up next; `None` when the path is used up.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        while let Some(component) = self.todo.pop() {
            match &component[..] {
                b"" | b"." => {}
                b".." => self.real = parent(&self.real).to_vec(),
                name => return Some(join(&self.real, name)),
            }
        }
        None
    }

    /// The entry is no symlink: the walk goes on in it.
    pub fn enter(&mut self, entry: Vec<u8>) {
        self.real = entry;
    }

    /// The entry is a symlink; false when there were too many of them.
    pub fn follow(&mut self, target: &[u8]) -> bool {
        self.hops += 1;
        if target.starts_with(b"/") {
            self.real.clear();
        }
        self.todo.extend(components(target));
        self.hops <= HOPS
    }

    /// Whether no component is to come.
    pub fn is_over(&self) -> bool {
        self.todo.iter().all(|component| component.is_empty())
    }

    /// Where the walk has come to.
    pub fn real(self) -> Vec<u8> {
        self.real
    }
}

/// The components of `path`, last first.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|&b| b == b'/');
    parts.rev().map(<[u8]>::to_vec).collect()
}
