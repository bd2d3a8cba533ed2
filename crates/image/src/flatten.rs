//! All layers of an image to one tree in the store.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use lupine_store::{At, Store};

use crate::apply::{Applied, Refusal};
use crate::blob::{self, Hashing};
use crate::layer::{self, Bounded};
use crate::tarball::{Member, Members, What};
use crate::tree::{CONTENTS, content_path};
use crate::{Image, ImageError, Kind, Layer, Limits, LoadOptions, Tree};

/// The store's kind of trees.
const KIND: &str = "trees";
/// Most bytes of names and attributes of one image: they are held in memory.
const METADATA_MAX: u64 = 1 << 30;
/// Zeros of this length become a hole, in bytes.
const HOLE: usize = 4096;

/// Applies the layers of `image` and keeps the result in the store; the second
/// time it is only read.
///
/// # Errors
/// [`ImageError::CorruptLayer`], [`ImageError::Escape`], [`ImageError::TooMuch`],
/// [`ImageError::WrongDigest`] for a layer that is not what the configuration
/// says, [`ImageError::Store`]. Nothing is kept of a refused image.
pub fn flatten(
    store: &Store,
    image: &Image,
    options: &LoadOptions<'_>,
) -> Result<Tree, ImageError> {
    blob::key(&image.digest, &image.reference)?;
    let key = &image.digest["sha256:".len()..];
    if let Some(tree) = store.get(KIND, key).and_then(|dir| Tree::open(&dir)) {
        return Ok(tree);
    }
    let _lock = store.lock(&format!("tree-{}", &key[..32]))?;
    if let Some(dir) = store.get(KIND, key) {
        match Tree::open(&dir) {
            Some(tree) => return Ok(tree),
            None => store.remove(KIND, key)?,
        }
    }
    let staging = store.staging()?;
    unpack(image, staging.path(), options)?;
    let dir = store.publish(staging.path(), KIND, key)?;
    Tree::open(&dir).ok_or_else(|| ImageError::Malformed {
        what: "the index",
        place: dir.display().to_string(),
        why: "it cannot be read back".into(),
    })
}

fn unpack(image: &Image, dir: &Path, options: &LoadOptions<'_>) -> Result<(), ImageError> {
    let contents = dir.join(CONTENTS);
    fs::create_dir(&contents).at("make", &contents)?;
    let mut unpacker = Unpacker {
        dir,
        options,
        applied: Applied::new(),
        next: 0,
        used: Vec::new(),
        unpacked: 0,
        entries: 0,
        file_bytes: 0,
        metadata_bytes: 0,
    };
    let diff_ids = image.config.rootfs().diff_ids();
    for (number, layer) in image.layers.iter().enumerate() {
        let what = format!("unpacking layer {} of {}", number + 1, image.layers.len());
        options.progress.step(&what);
        unpacker.layer(layer, diff_ids.get(number).map(String::as_str))?;
    }
    let (root, nodes) = unpacker.applied.finish();
    let mut live = vec![false; unpacker.next as usize];
    for node in nodes.values() {
        if let Kind::File { content, .. } = node.kind {
            live[content as usize] = true;
        }
    }
    for number in unpacker.used {
        if !live[number as usize] {
            let path = content_path(dir, number);
            fs::remove_file(&path).at("remove", &path)?;
        }
    }
    Tree::write(dir, &root, &nodes)
}

struct Unpacker<'a> {
    dir: &'a Path,
    options: &'a LoadOptions<'a>,
    applied: Applied,
    /// Number of the next content.
    next: u32,
    /// Numbers of contents that exist.
    used: Vec<u32>,
    /// Bytes that came out of decompression so far.
    unpacked: u64,
    entries: u64,
    /// Lengths of all files so far, holes included.
    file_bytes: u64,
    /// Lengths of all names and attributes so far.
    metadata_bytes: u64,
}

impl Unpacker<'_> {
    fn limits(&self) -> &Limits {
        &self.options.limits
    }

    fn layer(&mut self, layer: &Layer, diff_id: Option<&str>) -> Result<(), ImageError> {
        let corrupt = |error: io::Error| refused(layer, &error, self.options.limits);
        let stream = layer::open(&layer.path).map_err(corrupt)?;
        let left = self.limits().unpacked_bytes - self.unpacked;
        let bounded = Bounded::new(stream, left, layer.bytes, self.limits());
        let mut members = Members::new(Hashing::new(bounded));
        self.applied.next_layer();
        while let Some(member) = members.next().map_err(corrupt)? {
            self.count(layer, &member)?;
            self.member(layer, &member, &mut members)?;
        }
        let hashed = members.drain().map_err(corrupt)?;
        self.unpacked += hashed.count();
        self.options.progress.advance(self.unpacked, None);
        match diff_id {
            Some(expected) if expected != hashed.digest() => Err(ImageError::WrongDigest {
                what: format!("layer {}, unpacked,", layer.digest),
                expected: expected.into(),
                actual: hashed.digest(),
            }),
            _ => Ok(()),
        }
    }

    fn count(&mut self, layer: &Layer, member: &Member) -> Result<(), ImageError> {
        self.entries += 1;
        self.file_bytes = self.file_bytes.saturating_add(member.bytes);
        self.metadata_bytes += member.metadata_bytes();
        let limits = self.limits();
        let path = member.path.len().max(member.link.len());
        let bounds = [
            (self.entries, "entries", limits.entries),
            (self.file_bytes, "unpacked bytes", limits.unpacked_bytes),
            (path as u64, "bytes in one path", limits.path_bytes as u64),
            (
                self.metadata_bytes,
                "bytes of names and attributes",
                METADATA_MAX,
            ),
        ];
        match bounds.iter().find(|(is, _, limit)| is > limit) {
            None => Ok(()),
            Some(&(_, what, limit)) => Err(ImageError::TooMuch {
                place: format!("layer {}", layer.digest),
                what,
                limit,
            }),
        }
    }

    fn member(
        &mut self,
        layer: &Layer,
        member: &Member,
        data: &mut Members<impl Read>,
    ) -> Result<(), ImageError> {
        let number = self.next;
        let used = self.applied.apply(member, number).map_err(|refusal| {
            let layer = layer.digest.clone();
            match refusal {
                Refusal::Corrupt(why) => ImageError::CorruptLayer { layer, why },
                Refusal::Escape(why) => ImageError::Escape {
                    layer,
                    path: String::from_utf8_lossy(&member.path).into_owned(),
                    why,
                },
            }
        })?;
        if !used || member.what != What::File {
            return Ok(());
        }
        self.next += 1;
        self.used.push(number);
        let path = content_path(self.dir, number);
        write_content(&path, member, data).map_err(|failure| match failure {
            Failure::Write(error) => Err::<(), _>(error).at("write", &path).unwrap_err().into(),
            Failure::Read(error) => refused(layer, &error, self.options.limits),
        })
    }
}

/// What an error while reading a layer means.
fn refused(layer: &Layer, error: &io::Error, limits: Limits) -> ImageError {
    if let Some(exceeded) = layer::exceeded(error) {
        let total = exceeded.what == "unpacked bytes";
        return ImageError::TooMuch {
            place: format!("layer {}", layer.digest),
            what: exceeded.what,
            // The bound within a layer is what the layers before it left.
            limit: if total {
                limits.unpacked_bytes
            } else {
                exceeded.limit
            },
        };
    }
    ImageError::CorruptLayer {
        layer: layer.digest.clone(),
        why: error.to_string(),
    }
}

/// Which side of a copy failed.
enum Failure {
    Read(io::Error),
    Write(io::Error),
}

/// Writes one file's content; holes and long runs of zeros take no disk space.
fn write_content(path: &Path, member: &Member, data: &mut impl Read) -> Result<(), Failure> {
    let file = File::create(path).map_err(Failure::Write)?;
    let mut file = SparseFile { file, at: 0 };
    let mut buffer = vec![0; (1 << 17).min(member.bytes.max(1)) as usize];
    for &(offset, length) in &member.segments {
        let mut done = 0;
        while done < length {
            let most = usize::try_from(length - done).unwrap_or(usize::MAX);
            let most = most.min(buffer.len());
            let piece = &mut buffer[..most];
            data.read_exact(piece).map_err(Failure::Read)?;
            file.write(offset + done, piece).map_err(Failure::Write)?;
            done += piece.len() as u64;
        }
    }
    file.file.set_len(member.bytes).map_err(Failure::Write)
}

/// A file in which long runs of zeros become holes.
struct SparseFile {
    file: File,
    /// The file's position.
    at: u64,
}

impl SparseFile {
    /// Writes `bytes` at `offset`, leaving out whole blocks of zeros.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            done += run(&bytes[done..], true);
            let data = run(&bytes[done..], false);
            let to = offset + done as u64;
            if data > 0 && to != self.at {
                self.at = self.file.seek(SeekFrom::Start(to))?;
            }
            self.file.write_all(&bytes[done..done + data])?;
            self.at += data as u64;
            done += data;
        }
        Ok(())
    }
}

/// Length of the leading blocks that are all zeros (or are not).
fn run(bytes: &[u8], zeros: bool) -> usize {
    let blocks = bytes.chunks(HOLE);
    blocks
        .take_while(|block| (*block == [0; HOLE]) == zeros)
        .map(<[u8]>::len)
        .sum()
}
