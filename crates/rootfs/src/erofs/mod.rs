//! erofs, not compressed.
//!
//! The superblock, then all inodes with their attributes and the last bytes of
//! their contents, then whole blocks of contents. A file with large holes is
//! stored in chunks, of which the empty ones take no place.

mod directory;
mod inode;
mod shape;
mod xattr;

use crate::RootfsError;
use crate::content::{BLOCK, Run};
use crate::output::Output;
use crate::pack::Options;
use crate::plan::{Body, Plan};

use shape::{Layout, Shape};

const MAGIC: u32 = 0xe0f5_e1e2;
/// Where the superblock begins, in bytes, and how long it is.
const SUPERBLOCK: u64 = 1024;
const SUPERBLOCK_BYTES: u64 = 128;
/// An inode's number is its place in units of this many bytes.
const SLOT: u64 = 32;
const COMPAT_MTIME: u32 = 0x2;
const INCOMPAT_CHUNKED_FILE: u32 = 0x4;
/// Address of a chunk that is a hole.
const HOLE: u32 = u32::MAX;

/// Where one inode and its contents lie.
struct Placed {
    shape: Shape,
    /// Offset of the inode in bytes.
    offset: u64,
    /// First block of its whole blocks.
    block: u64,
    /// For chunks: the first block of each.
    chunks: Vec<u32>,
}

impl Placed {
    fn nid(&self) -> u64 {
        self.offset / SLOT
    }
}

/// Writes the file system and returns its length in bytes.
pub(crate) fn write(
    plan: &Plan,
    options: &Options,
    output: &mut Output,
) -> Result<u64, RootfsError> {
    let (placed, blocks) = place(plan)?;
    for (index, (inode, place)) in plan.inodes.iter().zip(&placed).enumerate() {
        let head = inode::bytes(inode, place, index as u32 + 1);
        output.write(place.offset, &head)?;
        match &inode.body {
            Body::Directory { parent, entries } => {
                let nid = |index: usize| placed[index].nid();
                let bytes = directory::bytes(plan, index, *parent, entries, nid)?;
                write_bytes(place, &bytes, output)?;
            }
            Body::Symlink(target) => write_bytes(place, target, output)?,
            Body::File(content) => {
                let runs = content.runs.iter().flat_map(|run| pieces(*run, place));
                output.copy(&inode.path, content, runs)?;
            }
            Body::Device { .. } | Body::Fifo => {}
        }
    }
    output.write(SUPERBLOCK, &superblock(plan, options, &placed, blocks))?;
    Ok(blocks * BLOCK)
}

/// Gives all inodes and then all whole blocks their places; returns the number
/// of blocks, too.
fn place(plan: &Plan) -> Result<(Vec<Placed>, u64), RootfsError> {
    let mut at = SUPERBLOCK + SUPERBLOCK_BYTES;
    let mut placed = Vec::with_capacity(plan.inodes.len());
    for inode in &plan.inodes {
        let shape = Shape::of(inode)?;
        at = at.next_multiple_of(SLOT);
        // What must lie in one block moves to the next one where it would not.
        if at % BLOCK + shape.unbroken() > BLOCK {
            at = at.next_multiple_of(BLOCK);
        }
        let offset = at;
        at += shape.meta_bytes();
        placed.push(Placed {
            shape,
            offset,
            block: 0,
            chunks: Vec::new(),
        });
    }
    let mut next = at.div_ceil(BLOCK);
    for (inode, place) in plan.inodes.iter().zip(&mut placed) {
        place.block = next;
        match (place.shape.layout, &inode.body) {
            (Layout::Chunked { bits }, Body::File(content)) => {
                place.chunks = chunks(content, bits, &mut next);
            }
            _ => next += place.shape.whole_blocks(),
        }
        if next >= HOLE.into() {
            return Err(shape::unfit(
                inode,
                "all files together take more than 16 TiB",
            ));
        }
    }
    Ok((placed, next))
}

/// The address of each chunk; only those that hold something get blocks.
fn chunks(content: &crate::content::Content, bits: u32, next: &mut u64) -> Vec<u32> {
    let blocks = 1u64 << bits;
    let count = content.blocks().div_ceil(blocks);
    let mut used = vec![false; count as usize];
    for run in &content.runs {
        for chunk in run.start / blocks..=(run.start + run.blocks - 1) / blocks {
            used[chunk as usize] = true;
        }
    }
    let mut address = |(chunk, used): (u64, bool)| {
        if !used {
            return HOLE;
        }
        let first = *next;
        *next += blocks.min(content.blocks() - chunk * blocks);
        first as u32
    };
    (0..).zip(used).map(&mut address).collect()
}

/// Cuts a run where its blocks are not consecutive in the image: at the ends of
/// chunks, and before the last bytes that lie behind the inode.
fn pieces(run: Run, place: &Placed) -> Vec<(Run, u64)> {
    let mut pieces = Vec::new();
    let (mut start, end) = (run.start, run.start + run.blocks);
    while start < end {
        let (address, limit) = address(place, start);
        let blocks = end.min(limit) - start;
        pieces.push((Run { start, blocks }, address));
        start += blocks;
    }
    pieces
}

/// Where the file's block `logical` lies, in bytes, and up to which block the
/// file goes on from there.
fn address(place: &Placed, logical: u64) -> (u64, u64) {
    match place.shape.layout {
        Layout::Chunked { bits } => {
            let chunk = logical >> bits;
            let within = logical - (chunk << bits);
            let block = u64::from(place.chunks[chunk as usize]) + within;
            (block * BLOCK, (chunk + 1) << bits)
        }
        Layout::Inline if logical == place.shape.whole_blocks() => {
            (place.offset + place.shape.head_bytes(), logical + 1)
        }
        Layout::Inline => ((place.block + logical) * BLOCK, place.shape.whole_blocks()),
        Layout::Plain => ((place.block + logical) * BLOCK, u64::MAX),
    }
}

fn write_bytes(place: &Placed, bytes: &[u8], output: &mut Output) -> Result<(), RootfsError> {
    for (logical, block) in (0..).zip(bytes.chunks(BLOCK as usize)) {
        output.write(address(place, logical).0, block)?;
    }
    Ok(())
}

fn superblock(plan: &Plan, options: &Options, placed: &[Placed], blocks: u64) -> Vec<u8> {
    let mut bytes = vec![0; SUPERBLOCK_BYTES as usize];
    let is_chunked = |place: &Placed| matches!(place.shape.layout, Layout::Chunked { .. });
    let incompat = if placed.iter().any(is_chunked) {
        INCOMPAT_CHUNKED_FILE
    } else {
        0
    };
    put(&mut bytes, 0, &MAGIC.to_le_bytes());
    put(&mut bytes, 8, &COMPAT_MTIME.to_le_bytes());
    bytes[12] = BLOCK.trailing_zeros() as u8;
    put(&mut bytes, 14, &(placed[0].nid() as u16).to_le_bytes());
    put(&mut bytes, 16, &(plan.inodes.len() as u64).to_le_bytes());
    put(&mut bytes, 36, &(blocks as u32).to_le_bytes());
    put(&mut bytes, 48, &options.uuid);
    put(&mut bytes, 80, &incompat.to_le_bytes());
    bytes
}

/// Stores `value` at `at`.
fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}
