//! What goes into a root file system: the tree, PID 1 and what a guest needs,
//! as numbered inodes whose order depends on their paths alone.

use std::collections::{BTreeMap, HashMap};
use std::{fs, io};

use lupine_image::{Kind, Node, Tree};
use lupine_init::SPEC_PATH;
use lupine_store::At;

use crate::content::{Content, Source};
use crate::{Replaced, RootfsError};

/// Directory that belongs to Lupine alone; what an image has there is left out.
const OWN: &[u8] = b".lupine";
/// Directories that a guest needs, with their modes.
const NEEDED: [(&[u8], u32); 6] = [
    (b"dev", 0o755),
    (b"etc", 0o755),
    (b"proc", 0o555),
    (b"run", 0o755),
    (b"sys", 0o555),
    (b"tmp", 0o1777),
];

/// All inodes, the root first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub inodes: Vec<Inode>,
    /// What a person should know: entries of the image that were left out.
    pub notes: Vec<String>,
}

/// One inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inode {
    /// Path of its first name, for messages.
    pub path: Vec<u8>,
    pub body: Body,
    /// Permission bits, setuid, setgid and sticky included.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Seconds since 1970.
    pub mtime: i64,
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// Names that lead to it; for a directory its own `.` and its children's `..` too.
    pub links: u32,
}

/// What an inode is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Directory {
        /// Number of the directory that it lies in; the root lies in itself.
        parent: usize,
        entries: BTreeMap<Vec<u8>, usize>,
    },
    File(Content),
    Symlink(Vec<u8>),
    Device {
        block: bool,
        major: u32,
        minor: u32,
    },
    Fifo,
}

impl Body {
    /// The type bits of `st_mode`.
    pub(crate) fn type_bits(&self) -> u32 {
        match self {
            Self::Fifo => 0o010_000,
            Self::Device { block: false, .. } => 0o020_000,
            Self::Directory { .. } => 0o040_000,
            Self::Device { block: true, .. } => 0o060_000,
            Self::File(_) => 0o100_000,
            Self::Symlink(_) => 0o120_000,
        }
    }

    /// The type's number in directory entries, the same in ext2, ext4 and erofs.
    pub(crate) fn entry_type(&self) -> u8 {
        match self {
            Self::File(_) => 1,
            Self::Directory { .. } => 2,
            Self::Device { block: false, .. } => 3,
            Self::Device { block: true, .. } => 4,
            Self::Fifo => 5,
            Self::Symlink(_) => 7,
        }
    }
}

impl Inode {
    /// `st_mode`: type and permissions.
    pub(crate) fn st_mode(&self) -> u32 {
        self.body.type_bits() | self.mode
    }
}

/// A path in the guest for a message.
pub(crate) fn shown(path: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(path).escape_debug())
}

impl Plan {
    /// `tree` with Lupine's programs by path, PID 1's specification (`spec`, encoded) and the
    /// directories that a guest needs. Reads all contents once, to find holes.
    ///
    /// # Errors
    /// [`RootfsError::Content`] when a file of the tree is damaged.
    pub(crate) fn new(
        tree: &Tree,
        replaced: &Replaced,
        programs: &[(&str, &[u8])],
        spec: &[u8],
    ) -> Result<Self, RootfsError> {
        let mut builder = Builder::new(tree.root(), replaced);
        for (path, node) in tree.iter() {
            if path == OWN || path.starts_with(b".lupine/") {
                let note = format!("{} of the image is left out: it is lupine's", shown(path));
                builder.plan.notes.push(note);
            } else {
                builder.add_node(tree, path, node)?;
            }
        }
        for (path, mode) in NEEDED {
            if tree.get(path).is_none() {
                builder.directory(path, mode);
            }
        }
        builder.directory(OWN, 0o755);
        for (path, program) in programs {
            builder.file(path, 0o755, program)?;
        }
        builder.file(SPEC_PATH, 0o600, spec)?;
        Ok(builder.plan)
    }

    /// All names, parents before children and siblings by name, with the number
    /// of their inode. The root's name is empty.
    pub(crate) fn names(&self) -> Vec<(Vec<u8>, usize)> {
        let mut names = Vec::new();
        let mut todo = vec![(Vec::new(), 0)];
        while let Some((path, number)) = todo.pop() {
            if let Body::Directory { entries, .. } = &self.inodes[number].body {
                // Last first, since a stack turns the order around.
                for (name, child) in entries.iter().rev() {
                    let parts = [&path[..], &name[..]];
                    let below = if number == 0 {
                        name.clone()
                    } else {
                        parts.join(&b'/')
                    };
                    todo.push((below, *child));
                }
            }
            names.push((path, number));
        }
        names
    }

    /// Sum of the bytes that will be copied, holes left out.
    pub(crate) fn data_bytes(&self) -> u64 {
        let files = self.inodes.iter().filter_map(|inode| match &inode.body {
            Body::File(content) => Some(content.data_blocks() * crate::content::BLOCK),
            _ => None,
        });
        files.sum()
    }
}

/// Gives numbers to inodes in the order in which they come.
struct Builder<'a> {
    plan: Plan,
    replaced: &'a Replaced,
    directories: HashMap<Vec<u8>, usize>,
    contents: HashMap<u32, usize>,
}

impl<'a> Builder<'a> {
    fn new(root: &Node, replaced: &'a Replaced) -> Self {
        let body = Body::Directory {
            parent: 0,
            entries: BTreeMap::new(),
        };
        let mut inode = inode(b"", body, root);
        inode.links = 2;
        Self {
            plan: Plan {
                inodes: vec![inode],
                notes: Vec::new(),
            },
            replaced,
            directories: HashMap::from([(Vec::new(), 0)]),
            contents: HashMap::new(),
        }
    }

    fn add_node(&mut self, tree: &Tree, path: &[u8], node: &Node) -> Result<(), RootfsError> {
        let body = match &node.kind {
            Kind::Directory => {
                self.add_directory(path, node);
                return Ok(());
            }
            Kind::File { content, bytes } => {
                if let Some(&number) = self.contents.get(content) {
                    self.plan.inodes[number].links += 1;
                    self.enter(path, number);
                    return Ok(());
                }
                self.contents.insert(*content, self.plan.inodes.len());
                Body::File(self.content(tree, path, node, (*content, *bytes))?)
            }
            Kind::Symlink(target) => Body::Symlink(target.clone()),
            Kind::CharDevice(major, minor) => Body::Device {
                block: false,
                major: *major,
                minor: *minor,
            },
            Kind::BlockDevice(major, minor) => Body::Device {
                block: true,
                major: *major,
                minor: *minor,
            },
            Kind::Fifo => Body::Fifo,
        };
        self.add(path, inode(path, body, node));
        Ok(())
    }

    /// The content of a file, by its number and length in the tree.
    fn content(
        &self,
        tree: &Tree,
        path: &[u8],
        node: &Node,
        (number, bytes): (u32, u64),
    ) -> Result<Content, RootfsError> {
        let Some(other) = self.replaced.contents.get(&number) else {
            let source = tree.content(node).map(Source::Stored);
            return scanned(path, source.unwrap_or(Source::Memory(Vec::new())), bytes);
        };
        let bytes = fs::metadata(other).at("read", other)?.len();
        scanned(path, Source::Stored(other.clone()), bytes)
    }

    fn add_directory(&mut self, path: &[u8], node: &Node) -> usize {
        let parent = self.parent(path);
        let body = Body::Directory {
            parent,
            entries: BTreeMap::new(),
        };
        let mut inode = inode(path, body, node);
        inode.links = 2;
        self.plan.inodes[parent].links += 1;
        let number = self.add(path, inode);
        self.directories.insert(path.into(), number);
        number
    }

    fn directory(&mut self, path: &[u8], mode: u32) -> usize {
        let node = own(Kind::Directory, mode);
        self.add_directory(path, &node)
    }

    fn file(&mut self, path: &str, mode: u32, bytes: &[u8]) -> Result<(), RootfsError> {
        let path = path.trim_start_matches('/').as_bytes();
        let content = scanned(path, Source::Memory(bytes.into()), bytes.len() as u64)?;
        // The kind is only a carrier of metadata here.
        let node = own(Kind::Fifo, mode);
        self.add(path, inode(path, Body::File(content), &node));
        Ok(())
    }

    fn add(&mut self, path: &[u8], inode: Inode) -> usize {
        let number = self.plan.inodes.len();
        self.plan.inodes.push(inode);
        self.enter(path, number);
        number
    }

    /// Enters `path` into its directory.
    fn enter(&mut self, path: &[u8], number: usize) {
        let parent = self.parent(path);
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        if let Body::Directory { entries, .. } = &mut self.plan.inodes[parent].body {
            entries.insert(name.into(), number);
        }
    }

    /// The directory that `path` lies in, made where the tree does not name it.
    fn parent(&mut self, path: &[u8]) -> usize {
        let end = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        let parent = &path[..end];
        match self.directories.get(parent) {
            Some(&number) => number,
            None => self.directory(parent, 0o755),
        }
    }
}

fn scanned(path: &[u8], source: Source, bytes: u64) -> Result<Content, RootfsError> {
    Content::scan(source, bytes).map_err(|error: io::Error| RootfsError::Content {
        path: shown(path),
        why: error.to_string(),
    })
}

fn inode(path: &[u8], body: Body, node: &Node) -> Inode {
    Inode {
        path: path.into(),
        body,
        mode: node.mode & 0o7777,
        uid: node.uid,
        gid: node.gid,
        mtime: node.mtime,
        xattrs: node.xattrs.clone(),
        links: 1,
    }
}

/// Metadata of what Lupine adds: root's, from the epoch.
fn own(kind: Kind, mode: u32) -> Node {
    Node {
        kind,
        mode,
        uid: 0,
        gid: 0,
        mtime: 0,
        xattrs: BTreeMap::new(),
    }
}
