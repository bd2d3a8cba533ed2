//! One flattened root file system: what lies where, and the contents by number.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use lupine_store::At;
use serde::{Deserialize, Serialize};

use crate::ImageError;
use crate::walk::Walk;

/// First bytes of an index; the number changes with the encoding.
const MAGIC: &[u8] = b"lupine-tree 1\n";
/// Name of the index within a tree's store entry.
const INDEX: &str = "index";
/// Directory of the numbered contents within a tree's store entry.
pub(crate) const CONTENTS: &str = "contents";
/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file. Two entries with the same number are hard links of one file.
    File {
        /// Number of the content; see [`Tree::content`].
        content: u32,
        /// Length in bytes.
        bytes: u64,
    },
    /// A symbolic link and what it points at.
    Symlink(Vec<u8>),
    /// A character device, major and minor.
    CharDevice(u32, u32),
    /// A block device, major and minor.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
}

/// One entry and its metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Permission, setuid, setgid and sticky bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of last change, seconds since 1970.
    pub mtime: i64,
    /// Extended attributes by full name, for example `security.capability`.
    pub xattrs: BTreeMap<String, Vec<u8>>,
}

impl Node {
    /// A directory that no layer mentions but that something lies in.
    pub(crate) fn implied_directory() -> Self {
        Self {
            kind: Kind::Directory,
            mode: 0o755,
            uid: 0,
            gid: 0,
            mtime: 0,
            xattrs: BTreeMap::new(),
        }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }
}

/// A flattened image in the store. Paths are bytes without a leading slash;
/// the root is the empty path.
#[derive(Debug, Clone)]
pub struct Tree {
    dir: PathBuf,
    root: Node,
    nodes: BTreeMap<Vec<u8>, Node>,
}

impl Tree {
    /// Reads the index of the store entry `dir`; `None` when it is of another version or damaged.
    pub(crate) fn open(dir: &Path) -> Option<Self> {
        let bytes = std::fs::read(dir.join(INDEX)).ok()?;
        let (root, list): (Node, Vec<(Vec<u8>, Node)>) =
            postcard::from_bytes(bytes.strip_prefix(MAGIC)?).ok()?;
        Some(Self {
            dir: dir.into(),
            root,
            nodes: list.into_iter().collect(),
        })
    }

    /// Writes the index into the (staged) entry `dir`.
    pub(crate) fn write(
        dir: &Path,
        root: &Node,
        nodes: &BTreeMap<Vec<u8>, Node>,
    ) -> Result<(), ImageError> {
        let list: Vec<(&Vec<u8>, &Node)> = nodes.iter().collect();
        let mut bytes = MAGIC.to_vec();
        let index = postcard::to_allocvec(&(root, list));
        bytes.extend(index.map_err(|e| ImageError::Malformed {
            what: "the index",
            place: dir.display().to_string(),
            why: e.to_string(),
        })?);
        let path = dir.join(INDEX);
        Ok(std::fs::write(&path, bytes).at("write", &path)?)
    }

    /// The metadata of the root directory.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// All entries but the root, parents before children, in the order of their bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Node)> {
        self.nodes.iter().map(|(path, node)| (&path[..], node))
    }

    /// Number of entries without the root.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Sum of all file lengths in bytes, each hard-linked file once.
    pub fn bytes(&self) -> u64 {
        let files = self.nodes.values().filter_map(|node| match node.kind {
            Kind::File { content, bytes } => Some((content, bytes)),
            _ => None,
        });
        files.collect::<BTreeMap<_, _>>().values().sum()
    }

    /// The entry at `path` itself, no symlink followed. A leading slash is ignored.
    pub fn get(&self, path: impl AsRef<[u8]>) -> Option<&Node> {
        let path = trim(path.as_ref());
        if path.is_empty() {
            return Some(&self.root);
        }
        self.nodes.get(path)
    }

    /// The names in the directory at `path` itself, no symlink followed, sorted.
    pub fn children(&self, path: impl AsRef<[u8]>) -> impl Iterator<Item = &[u8]> {
        let mut start = trim(path.as_ref()).to_vec();
        if !start.is_empty() {
            start.push(b'/');
        }
        let below = self.nodes.range(start.clone()..);
        below
            .map_while(move |(path, _)| path.strip_prefix(&start[..]))
            .filter(|name| !name.contains(&b'/'))
    }

    /// The entry that `path` leads to when all symlinks are followed inside the
    /// tree, with its real path; `None` when it leads nowhere.
    pub fn resolve(&self, path: impl AsRef<[u8]>) -> Option<(Vec<u8>, &Node)> {
        let real = resolve(path.as_ref(), |path| self.get(path))?;
        let node = self.get(&real)?;
        Some((real, node))
    }

    /// Up to `max` bytes from the start of the file that `path` leads to.
    ///
    /// # Errors
    /// [`ImageError::Store`] when there is no such file or it cannot be read.
    pub fn read(&self, path: impl AsRef<[u8]>, max: u64) -> Result<Vec<u8>, ImageError> {
        let path = path.as_ref();
        let content = self
            .resolve(path)
            .and_then(|(_, node)| self.content(node))
            .ok_or(std::io::Error::from(std::io::ErrorKind::NotFound))
            .at("read", String::from_utf8_lossy(path).as_ref())?;
        let mut bytes = Vec::new();
        File::open(&content)
            .at("open", &content)?
            .take(max)
            .read_to_end(&mut bytes)
            .at("read", &content)?;
        Ok(bytes)
    }

    /// Where the content of a regular file lies on the host.
    pub fn content(&self, node: &Node) -> Option<PathBuf> {
        match node.kind {
            Kind::File { content, .. } => Some(content_path(&self.dir, content)),
            _ => None,
        }
    }
}

/// Where content `number` lies within a tree's entry.
pub(crate) fn content_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(CONTENTS).join(number.to_string())
}

fn trim(path: &[u8]) -> &[u8] {
    let start = path.iter().position(|&b| b != b'/').unwrap_or(path.len());
    let end = path
        .iter()
        .rposition(|&b| b != b'/')
        .map_or(start, |e| e + 1);
    &path[start..end]
}

/// Follows `path` through a tree that `get` shows, as a process whose root is
/// that tree would; `None` for a dangling or looping path.
pub(crate) fn resolve<'a>(path: &[u8], get: impl Fn(&[u8]) -> Option<&'a Node>) -> Option<Vec<u8>> {
    let mut walk = Walk::new(path);
    while let Some(next) = walk.next() {
        match &get(&next)?.kind {
            Kind::Symlink(target) => {
                if !walk.follow(target) {
                    return None;
                }
            }
            Kind::Directory => walk.enter(next),
            _ if walk.is_over() => walk.enter(next),
            _ => return None,
        }
    }
    Some(walk.real())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn node(kind: Kind) -> Node {
        Node {
            kind,
            ..Node::implied_directory()
        }
    }

    fn tree() -> Tree {
        let link = |target: &str| node(Kind::Symlink(target.into()));
        let file = node(Kind::File {
            content: 0,
            bytes: 3,
        });
        let nodes = [
            ("bin", link("usr/bin")),
            ("loop", link("loop")),
            ("up", link("../../../usr/bin/sh")),
            ("usr", node(Kind::Directory)),
            ("usr/bin", node(Kind::Directory)),
            ("usr/bin/sh", file),
            ("usr/bin/ash", link("/bin/sh")),
        ];
        Tree {
            dir: "/nowhere".into(),
            root: Node::implied_directory(),
            nodes: nodes
                .into_iter()
                .map(|(path, node)| (path.as_bytes().to_vec(), node))
                .collect(),
        }
    }

    #[test]
    fn a_directory_lists_its_own_names_only() {
        let tree = tree();
        let names = |path: &str| tree.children(path).map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(names("/usr/bin"), [b"ash".to_vec(), b"sh".to_vec()]);
        assert_eq!(names("/").len(), 4);
        assert!(names("usr/bin/sh").is_empty());
    }

    #[test]
    fn symlinks_are_followed_inside_the_tree_only() {
        let tree = tree();
        for path in ["/bin/sh", "usr/bin/ash", "/up", "bin/../bin/./ash"] {
            assert_eq!(tree.resolve(path).unwrap().0, b"usr/bin/sh", "{path}");
        }
        for path in ["loop", "nope", "bin/sh/x", "bin/nope"] {
            assert!(tree.resolve(path).is_none(), "{path}");
        }
        assert!(tree.resolve("/").unwrap().1.is_directory());
    }

    #[test]
    fn an_index_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let tree = tree();
        Tree::write(dir.path(), &tree.root, &tree.nodes).unwrap();
        let back = Tree::open(dir.path()).unwrap();
        assert_eq!(back.nodes, tree.nodes);
        std::fs::write(dir.path().join(INDEX), b"lupine-tree 0\n").unwrap();
        assert!(Tree::open(dir.path()).is_none());
    }
}
