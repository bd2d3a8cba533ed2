//! ext2, and ext4 without a journal: a root that is thrown away with its guest
//! has nothing to recover.
//!
//! Blocks of 4 KiB, no reserved blocks, no resize inode, no checksums. Files
//! lie in the order of their inodes, which is the order of their paths.
//! `/lost+found` is not made: an application that looks at its root expects
//! what its image has.

mod directory;
mod geometry;
mod inode;
mod map;
mod place;
mod superblock;
mod xattr;

use std::collections::BTreeMap;

use crate::content::{BLOCK, Run};
use crate::output::Output;
use crate::pack::Options;
use crate::plan::{Body, Inode, Plan, shown};
use crate::{Format, RootfsError};

use geometry::Geometry;
use place::{Payload, Placement};

/// Inodes 1 to 10 are the file system's own; the root is number 2 of these.
const RESERVED_INODES: u64 = 10;
const ROOT_INODE: u64 = 2;
/// One spare inode for each of this many bytes of room.
const ROOM_PER_INODE: u64 = 16 * 1024;
/// Spare inodes even without room.
const SPARE_INODES: u64 = 256;

/// Number of the plan's inode `index` in the file system.
fn number(index: usize) -> u64 {
    match index {
        0 => ROOT_INODE,
        _ => RESERVED_INODES + index as u64,
    }
}

/// Writes the file system and returns its length in bytes.
pub(crate) fn write(
    plan: &Plan,
    options: &Options,
    output: &mut Output,
) -> Result<u64, RootfsError> {
    let format = options.format;
    let payloads = payloads(plan, format)?;
    let xattrs = xattr::blocks(plan, format)?;
    let room = options.room_mib.saturating_mul((1 << 20) / BLOCK);
    let spare = options.room_mib.saturating_mul((1 << 20) / ROOM_PER_INODE) + SPARE_INODES;
    let inodes = number(plan.inodes.len()) + spare;
    let data: u64 = payloads.iter().map(Payload::data_blocks).sum();
    let mut blocks = data.saturating_add(room);
    let (geometry, placement) = loop {
        let geometry = Geometry::new(blocks, inodes, format);
        if geometry.blocks > u32::MAX.into() {
            let why = "all files and the room together take more than 16 TiB".into();
            return Err(unfit(format, &plan.inodes[0], why));
        }
        let placement = Placement::new(plan, format, &payloads, &xattrs, &geometry)?;
        let free = geometry.data_blocks().checked_sub(placement.allocated);
        match free.and_then(|free| free.checked_sub(room)) {
            Some(_) => break (geometry, placement),
            None => blocks += placement.allocated + room - geometry.data_blocks(),
        }
    };
    write_contents(plan, &payloads, &placement, output)?;
    inode::write_tables(plan, format, &placement, &geometry, output)?;
    superblock::write(plan, options, &placement, &geometry, output)?;
    Ok(geometry.blocks * BLOCK)
}

/// What each inode holds, in the order of the plan.
fn payloads(plan: &Plan, format: Format) -> Result<Vec<Payload<'_>>, RootfsError> {
    let indexed = plan.inodes.iter().enumerate();
    indexed
        .map(|(index, inode)| payload(plan, format, index, inode))
        .collect()
}

fn payload<'a>(
    plan: &Plan,
    format: Format,
    index: usize,
    inode: &'a Inode,
) -> Result<Payload<'a>, RootfsError> {
    Ok(match &inode.body {
        Body::Directory { parent, entries } => {
            Payload::Bytes(directory::bytes(plan, format, index, *parent, entries)?)
        }
        Body::File(content) => Payload::File(content),
        Body::Symlink(target) if target.len() >= BLOCK as usize => {
            return Err(unfit(format, inode, "its target is too long".into()));
        }
        Body::Symlink(target) if target.len() < map::MAP_BYTES => Payload::Inline(target.clone()),
        Body::Symlink(target) => Payload::Bytes(target.clone()),
        Body::Device { major, minor, .. } => Payload::Inline(inode::device(*major, *minor)),
        Body::Fifo => Payload::Inline(Vec::new()),
    })
}

fn write_contents(
    plan: &Plan,
    payloads: &[Payload],
    placement: &Placement,
    output: &mut Output,
) -> Result<(), RootfsError> {
    for (index, payload) in payloads.iter().enumerate() {
        let extents = &placement.inodes[index].extents;
        match payload {
            Payload::Bytes(bytes) => {
                for extent in extents {
                    let from = (extent.logical * BLOCK) as usize;
                    let to = bytes.len().min(from + (extent.blocks * BLOCK) as usize);
                    output.write_block(extent.physical, &bytes[from..to])?;
                }
            }
            Payload::File(content) => {
                let runs = extents.iter().map(|extent| {
                    let run = Run {
                        start: extent.logical,
                        blocks: extent.blocks,
                    };
                    (run, extent.physical * BLOCK)
                });
                output.copy(&plan.inodes[index].path, content, runs)?;
            }
            Payload::Inline(_) => {}
        }
    }
    for (block, bytes) in &placement.blocks {
        output.write_block(*block, bytes)?;
    }
    Ok(())
}

fn unfit(format: Format, inode: &Inode, why: String) -> RootfsError {
    RootfsError::Unfit {
        format,
        path: shown(&inode.path),
        why,
    }
}

/// Entries of a directory, by name.
type Entries = BTreeMap<Vec<u8>, usize>;

/// Stores `value` at `at`, little end first.
fn put16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

/// Stores `value` at `at`, little end first.
fn put32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}
