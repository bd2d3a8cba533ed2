//! Layers onto a tree, in memory: replacement, whiteouts, links, and nothing outside the root.
//!
//! The rules are containerd's. A parent that is a symlink of this or a lower
//! layer is followed inside the root; whiteouts hide lower layers only,
//! wherever in their layer they stand.

use std::collections::{BTreeMap, BTreeSet};

use crate::path::{PathError, join, name, normalise, parent};
use crate::tarball::{Member, What};
use crate::walk::Walk;
use crate::{Kind, Node};

/// Prefix of a whiteout's name.
const WHITEOUT: &[u8] = b".wh.";
/// Prefix of aufs's own files, which mean nothing to us, but for [`OPAQUE`].
const META: &[u8] = b".wh..wh.";
/// A directory with this in it hides what lower layers have in it.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Why an entry cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It points outside the root; how.
    Escape(&'static str),
    /// It contradicts what is there; how.
    Corrupt(String),
}

/// A tree while layers are applied to it.
pub(crate) struct Applied {
    root: Node,
    nodes: BTreeMap<Vec<u8>, Entry>,
    layer: u32,
}

struct Entry {
    node: Node,
    /// The layer that put it there.
    layer: u32,
}

impl Applied {
    /// Nothing but the root.
    pub fn new() -> Self {
        Self {
            root: Node::implied_directory(),
            nodes: BTreeMap::new(),
            layer: 0,
        }
    }

    /// What follows belongs to the next layer.
    pub fn next_layer(&mut self) {
        self.layer += 1;
    }

    /// The root and all entries.
    pub fn finish(self) -> (Node, BTreeMap<Vec<u8>, Node>) {
        let nodes = self.nodes.into_iter();
        (self.root, nodes.map(|(path, e)| (path, e.node)).collect())
    }

    /// Applies one member; `content` is the number of a regular file's content.
    /// Returns whether a regular file's content is used.
    pub fn apply(&mut self, member: &Member, content: u32) -> Result<bool, Refusal> {
        let path = plain(&member.path, "points outside the root")?;
        if path.is_empty() {
            if member.what == What::Directory {
                self.root = node(member, Kind::Directory);
            }
            return Ok(false);
        }
        if member.what == What::Other || is_meta(&path) {
            return Ok(false);
        }
        let file = name(&path);
        if let Some(hidden) = file.strip_prefix(WHITEOUT) {
            self.white_out(parent(&path), hidden, file == OPAQUE)?;
            return Ok(false);
        }
        let dir = self.enter(parent(&path))?;
        let kind = match member.what {
            What::HardLink => return self.link(member, &join(&dir, file)).map(|()| false),
            What::Directory => Kind::Directory,
            What::Symlink => Kind::Symlink(member.link.clone()),
            What::CharDevice => Kind::CharDevice(member.device.0, member.device.1),
            What::BlockDevice => Kind::BlockDevice(member.device.0, member.device.1),
            What::Fifo => Kind::Fifo,
            What::File | What::Other => Kind::File {
                content,
                bytes: member.bytes,
            },
        };
        self.put(join(&dir, file), node(member, kind));
        Ok(member.what == What::File)
    }

    fn put(&mut self, path: Vec<u8>, node: Node) {
        let merge = node.is_directory()
            && self
                .nodes
                .get(&path)
                .is_some_and(|there| there.node.is_directory());
        if !merge {
            self.remove(&path);
        }
        let layer = self.layer;
        self.nodes.insert(path, Entry { node, layer });
    }

    fn remove(&mut self, path: &[u8]) {
        if let Some(entry) = self.nodes.remove(path)
            && entry.node.is_directory()
        {
            for path in self.below(path) {
                self.nodes.remove(&path);
            }
        }
    }

    /// All paths inside the directory `path`.
    fn below(&self, path: &[u8]) -> Vec<Vec<u8>> {
        if path.is_empty() {
            return self.nodes.keys().cloned().collect();
        }
        let from = join(path, b"");
        // The byte after the slash: everything inside sorts before it.
        let to = [path, b"0"].concat();
        let range = self.nodes.range(from..to);
        range.map(|(path, _)| path.clone()).collect()
    }

    /// A hard link takes the node of its target as it is: one inode, one set of metadata.
    fn link(&mut self, member: &Member, path: &[u8]) -> Result<(), Refusal> {
        let target = plain(&member.link, "is a hard link to outside the root")?;
        let dir = self.follow(parent(&target), false)?;
        let real = dir.map(|dir| join(&dir, name(&target)));
        let found = real.as_ref().and_then(|real| self.nodes.get(real));
        let shown = String::from_utf8_lossy(&member.link);
        let Some(found) = found else {
            return Err(Refusal::Corrupt(format!(
                "{} is a hard link to {shown}, which is not in the image",
                String::from_utf8_lossy(path)
            )));
        };
        if found.node.is_directory() {
            return Err(Refusal::Corrupt(format!(
                "{} is a hard link to the directory {shown}",
                String::from_utf8_lossy(path)
            )));
        }
        if real.as_deref() != Some(path) {
            let node = found.node.clone();
            self.put(path.to_vec(), node);
        }
        Ok(())
    }

    /// Hides `hidden` in `dir`, or all of `dir`'s inside, as far as lower layers brought it.
    fn white_out(&mut self, dir: &[u8], hidden: &[u8], opaque: bool) -> Result<(), Refusal> {
        if !opaque && matches!(hidden, b"" | b"." | b"..") {
            return Err(Refusal::Escape("is a whiteout of a directory above it"));
        }
        let Some(dir) = self.follow(dir, false)? else {
            return Ok(());
        };
        let mut paths = if opaque {
            self.below(&dir)
        } else {
            let path = join(&dir, hidden);
            let mut paths = self.below(&path);
            paths.insert(0, path);
            paths
        };
        // Children before parents: a directory stays when something in it stays.
        let mut kept: BTreeSet<Vec<u8>> = BTreeSet::new();
        while let Some(path) = paths.pop() {
            let own = self.nodes.get(&path).is_some_and(|e| e.layer == self.layer);
            if own || kept.contains(&path) {
                kept.insert(parent(&path).to_vec());
            } else {
                self.nodes.remove(&path);
            }
        }
        Ok(())
    }

    /// The real path of the directory `path`, made with its parents where it is missing.
    fn enter(&mut self, path: &[u8]) -> Result<Vec<u8>, Refusal> {
        // `None` is impossible: with `make`, what is missing is made.
        Ok(self.follow(path, true)?.unwrap_or_default())
    }

    fn follow(&mut self, path: &[u8], make: bool) -> Result<Option<Vec<u8>>, Refusal> {
        let mut walk = Walk::new(path);
        while let Some(next) = walk.next() {
            match self.nodes.get(&next).map(|entry| &entry.node.kind) {
                Some(Kind::Directory) => walk.enter(next),
                Some(Kind::Symlink(target)) => {
                    if !walk.follow(target) {
                        return Err(corrupt(path, "is a loop of symlinks"));
                    }
                }
                Some(_) if make => {
                    return Err(corrupt(
                        &next,
                        "is no directory, but something shall lie in it",
                    ));
                }
                None if make => {
                    self.put(next.clone(), Node::implied_directory());
                    walk.enter(next);
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(walk.real()))
    }
}

fn corrupt(path: &[u8], why: &str) -> Refusal {
    Refusal::Corrupt(format!("{} {why}", String::from_utf8_lossy(path)))
}

fn plain(path: &[u8], how: &'static str) -> Result<Vec<u8>, Refusal> {
    normalise(path).map_err(|error| match error {
        PathError::Escapes => Refusal::Escape(how),
        PathError::Impossible => Refusal::Corrupt(format!(
            "{:?} is no possible path",
            String::from_utf8_lossy(&path[..path.len().min(300)])
        )),
    })
}

/// Whether aufs kept its books there.
fn is_meta(path: &[u8]) -> bool {
    let mut components = path.split(|&b| b == b'/');
    name(path) != OPAQUE && components.any(|c| c.starts_with(META))
}

fn node(member: &Member, kind: Kind) -> Node {
    Node {
        kind,
        mode: member.mode,
        uid: member.uid,
        gid: member.gid,
        mtime: member.mtime,
        xattrs: member.xattrs.clone(),
    }
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
