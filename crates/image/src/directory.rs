//! `dir:DIR`: a directory of the host as one deterministic layer.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use lupine_store::{At, Store};
use lupine_tool::Progress;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::blob::{self, BlobWriter};
use crate::path::join;
use crate::tarball::Writer;
use crate::{ImageError, Kind, Node, manifest};

/// Extended attributes that belong to a file rather than to the host's policy.
const XATTRS: [&str; 3] = ["user.", "trusted.", "security.capability"];

/// One thing in the directory.
struct Found {
    /// Path within the directory.
    path: Vec<u8>,
    host: PathBuf,
    metadata: Metadata,
}

/// What the directory looks like without reading its files.
pub(crate) fn stamp(store: &Store, dir: &Path) -> Result<String, ImageError> {
    let mut hash = Sha256::new();
    for found in walk(store, dir)? {
        let m = &found.metadata;
        hash.update(&found.path);
        let facts = [
            i64::from(m.mode()),
            i64::from(m.uid()),
            i64::from(m.gid()),
            m.len().cast_signed(),
            m.ino().cast_signed(),
            m.mtime(),
            m.mtime_nsec(),
            m.ctime(),
            m.ctime_nsec(),
        ];
        hash.update([0]);
        for fact in facts {
            hash.update(fact.to_le_bytes());
        }
    }
    Ok(blob::named(&hash.finalize()))
}

/// Everything in `dir`, itself first, parents before children, sorted. The store
/// is left out where it lies inside: it would contain itself.
fn walk(store: &Store, dir: &Path) -> Result<Vec<Found>, ImageError> {
    let real = fs::canonicalize(dir).at("open", dir)?;
    let metadata = fs::metadata(&real).at("open", dir)?;
    if !metadata.is_dir() {
        return Err(ImageError::Malformed {
            what: "the directory",
            place: format!("dir:{}", dir.display()),
            why: "it is a file; for archives write oci-archive: or docker-archive:".into(),
        });
    }
    let mut all = Vec::new();
    let mut todo = vec![Found {
        path: Vec::new(),
        host: real,
        metadata,
    }];
    while let Some(found) = todo.pop() {
        if found.metadata.is_dir() && found.host != store.root() {
            for entry in fs::read_dir(&found.host).at("list", &found.host)? {
                let host = entry.at("list", &found.host)?.path();
                let name = host.file_name().unwrap_or_default().as_bytes();
                let metadata = fs::symlink_metadata(&host).at("look at", &host)?;
                todo.push(Found {
                    path: join(&found.path, name),
                    host,
                    metadata,
                });
            }
        }
        all.push(found);
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(all)
}

/// Makes a layer of `dir` and an image of it; gives the manifest's digest.
pub(crate) fn pack(
    store: &Store,
    dir: &Path,
    progress: &dyn Progress,
) -> Result<String, ImageError> {
    progress.step(&format!("packing {}", dir.display()));
    let mut packer = Packer {
        tar: Writer::new(BlobWriter::new(store)?),
        owner: Owner::of_caller(),
        links: BTreeMap::new(),
    };
    for found in walk(store, dir)? {
        if found.metadata.file_type().is_socket() {
            progress.note(&format!(
                "{} is a socket and left out",
                found.host.display()
            ));
            continue;
        }
        packer.add(&found)?;
    }
    let layer = packer.tar.finish().at("write", store.root())?.finish()?;
    let bytes = blob::get(store, &layer).and_then(|path| fs::metadata(path).ok());
    let bytes = bytes.map_or(0, |m| m.len());
    manifest::make_single(store, &layer, bytes, &json!({}))
}

struct Packer<'a> {
    tar: Writer<BlobWriter<'a>>,
    owner: Owner,
    /// Where a file with several names was written first, by device and inode.
    links: BTreeMap<(u64, u64), Vec<u8>>,
}

impl Packer<'_> {
    fn add(&mut self, found: &Found) -> Result<(), ImageError> {
        let node = self.node(found)?;
        let m = &found.metadata;
        let path: &[u8] = if found.path.is_empty() {
            b"."
        } else {
            &found.path
        };
        let written =
            if !m.is_dir() && m.nlink() > 1 && self.links.contains_key(&(m.dev(), m.ino())) {
                let first = &self.links[&(m.dev(), m.ino())];
                self.tar.hard_link(path, &node, first)
            } else if m.is_file() {
                let file = File::open(&found.host).at("open", &found.host)?;
                self.tar.file(path, &node, m.len(), file)
            } else {
                self.tar.entry(path, &node)
            };
        written.at("pack", &found.host)?;
        let key = (m.dev(), m.ino());
        self.links.entry(key).or_insert_with(|| found.path.clone());
        Ok(())
    }

    fn node(&self, found: &Found) -> Result<Node, ImageError> {
        let m = &found.metadata;
        let kind = m.file_type();
        let (major, minor) = device(m.rdev());
        let kind = if kind.is_dir() {
            Kind::Directory
        } else if kind.is_symlink() {
            let target = fs::read_link(&found.host).at("read", &found.host)?;
            Kind::Symlink(target.into_os_string().into_vec())
        } else if kind.is_char_device() {
            Kind::CharDevice(major, minor)
        } else if kind.is_block_device() {
            Kind::BlockDevice(major, minor)
        } else if kind.is_fifo() {
            Kind::Fifo
        } else {
            Kind::File {
                content: 0,
                bytes: m.len(),
            }
        };
        Ok(Node {
            kind,
            mode: m.mode() & 0o7777,
            uid: self.owner.uid(m.uid()),
            gid: self.owner.gid(m.gid()),
            mtime: m.mtime(),
            xattrs: xattrs(&found.host),
        })
    }
}

/// The caller, whose files become root's unless the caller is root.
struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    fn of_caller() -> Self {
        // The owner of /proc/self is the effective user, without unsafe code.
        let me = fs::metadata("/proc/self").ok();
        Self {
            uid: me.as_ref().map_or(0, MetadataExt::uid),
            gid: me.as_ref().map_or(0, MetadataExt::gid),
        }
    }

    fn uid(&self, uid: u32) -> u32 {
        if uid == self.uid { 0 } else { uid }
    }

    fn gid(&self, gid: u32) -> u32 {
        if self.uid != 0 && gid == self.gid {
            0
        } else {
            gid
        }
    }
}

/// Attributes that the file system does not have, or does not show, are none.
fn xattrs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = xattr::list(path).into_iter().flatten();
    let kept = |name: &OsStr| {
        let name = name.to_str()?;
        XATTRS
            .iter()
            .any(|p| name.starts_with(p))
            .then(|| name.to_owned())
    };
    names
        .filter_map(|name| Some((kept(&name)?, xattr::get(path, &name).ok()??)))
        .collect()
}

/// Major and minor number as glibc packs them.
fn device(rdev: u64) -> (u32, u32) {
    let major = (rdev >> 8) & 0xfff | (rdev >> 32) & !0xfff;
    let minor = rdev & 0xff | (rdev >> 12) & !0xff;
    (major as u32, minor as u32)
}
