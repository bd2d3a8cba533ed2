//! The superblock, the group descriptors and the bitmaps.

use super::geometry::{DESCRIPTOR, GROUP_BLOCKS, Geometry};
use super::inode::EXTRA_BYTES;
use super::place::Placement;
use super::{RESERVED_INODES, number, put16, put32};
use crate::content::BLOCK;
use crate::output::Output;
use crate::pack::Options;
use crate::plan::{Body, Plan};
use crate::{Format, RootfsError};

/// Where the first superblock begins, in bytes, and how long each is.
const SUPERBLOCK: u64 = 1024;

const COMPAT_EXT_ATTR: u32 = 0x8;
const INCOMPAT_FILETYPE: u32 = 0x2;
const INCOMPAT_EXTENTS: u32 = 0x40;
const RO_SPARSE_SUPER: u32 = 0x1;
const RO_LARGE_FILE: u32 = 0x2;
const RO_DIR_NLINK: u32 = 0x20;
const RO_EXTRA_ISIZE: u32 = 0x40;

/// What is taken and free in one group.
struct Group {
    used_blocks: u64,
    used_inodes: u64,
    directories: u64,
}

/// Writes everything that describes the file system as a whole.
pub(super) fn write(
    plan: &Plan,
    options: &Options,
    placement: &Placement,
    geometry: &Geometry,
    output: &mut Output,
) -> Result<(), RootfsError> {
    let groups = groups(plan, placement, geometry);
    let descriptors = descriptors(&groups, geometry);
    let superblock = superblock(options, &groups, geometry);
    for (number, group) in (0..).zip(&groups) {
        let size = geometry.size(number);
        let blocks = bitmap(group.used_blocks, size);
        output.write_block(geometry.block_bitmap(number), &blocks)?;
        let inodes = bitmap(group.used_inodes, geometry.inodes_per_group);
        output.write_block(geometry.inode_bitmap(number), &inodes)?;
        if Geometry::has_superblock(number) {
            let mut copy = superblock.clone();
            put16(&mut copy, 90, number as u16);
            let start = Geometry::start(number);
            let offset = if number == 0 {
                SUPERBLOCK
            } else {
                start * BLOCK
            };
            output.write(offset, &copy)?;
            output.write_block(start + 1, &descriptors)?;
        }
    }
    Ok(())
}

fn groups(plan: &Plan, placement: &Placement, geometry: &Geometry) -> Vec<Group> {
    let per_group = geometry.inodes_per_group;
    let used_inodes = number(plan.inodes.len() - 1).max(RESERVED_INODES);
    let mut groups: Vec<Group> = (0..geometry.groups)
        .map(|group| {
            let used = placement.next.saturating_sub(Geometry::start(group));
            Group {
                used_blocks: used.min(GROUP_BLOCKS).max(geometry.overhead(group)),
                used_inodes: used_inodes.saturating_sub(group * per_group).min(per_group),
                directories: 0,
            }
        })
        .collect();
    for (index, inode) in plan.inodes.iter().enumerate() {
        if matches!(inode.body, Body::Directory { .. }) {
            groups[((number(index) - 1) / per_group) as usize].directories += 1;
        }
    }
    groups
}

/// A block of bits: the first `used` of `size` set, and all beyond `size`.
fn bitmap(used: u64, size: u64) -> Vec<u8> {
    let mut bytes = vec![0; BLOCK as usize];
    for bit in (0..used).chain(size..GROUP_BLOCKS) {
        bytes[bit as usize / 8] |= 1 << (bit % 8);
    }
    bytes
}

fn descriptors(groups: &[Group], geometry: &Geometry) -> Vec<u8> {
    let mut bytes = vec![0; groups.len() * DESCRIPTOR as usize];
    for (number, group) in groups.iter().enumerate() {
        let bytes = &mut bytes[number * DESCRIPTOR as usize..];
        let number = number as u64;
        let free_blocks = geometry.size(number) - group.used_blocks;
        let free_inodes = geometry.inodes_per_group - group.used_inodes;
        put32(bytes, 0, geometry.block_bitmap(number) as u32);
        put32(bytes, 4, geometry.inode_bitmap(number) as u32);
        put32(bytes, 8, geometry.inode_table(number) as u32);
        put16(bytes, 12, free_blocks as u16);
        put16(bytes, 14, free_inodes as u16);
        put16(bytes, 16, group.directories as u16);
    }
    bytes
}

fn superblock(options: &Options, groups: &[Group], geometry: &Geometry) -> Vec<u8> {
    let inodes = geometry.inodes_per_group * geometry.groups;
    let used_blocks: u64 = groups.iter().map(|group| group.used_blocks).sum();
    let used_inodes: u64 = groups.iter().map(|group| group.used_inodes).sum();
    let mut bytes = vec![0; SUPERBLOCK as usize];
    let fields = [
        (0, inodes),
        (4, geometry.blocks),
        (12, geometry.blocks - used_blocks),
        (16, inodes - used_inodes),
        (24, 2), // blocks of 1024 << 2 bytes
        (28, 2),
        (32, GROUP_BLOCKS),
        (36, GROUP_BLOCKS),
        (40, geometry.inodes_per_group),
        (76, 1), // revision with feature bits
        (84, RESERVED_INODES + 1),
    ];
    for (at, value) in fields {
        put32(&mut bytes, at, value as u32);
    }
    put16(&mut bytes, 54, u16::MAX); // never ask for a check
    put16(&mut bytes, 56, 0xef53);
    put16(&mut bytes, 58, 1); // unmounted cleanly
    put16(&mut bytes, 60, 1); // on errors: continue
    put16(&mut bytes, 88, geometry.inode_bytes as u16);
    features(&mut bytes, options.format);
    bytes[104..120].copy_from_slice(&options.uuid);
    // Seeds the hashes of directories that a guest would index.
    bytes[236..252].copy_from_slice(&options.uuid);
    bytes[252] = 1;
    bytes
}

fn features(bytes: &mut [u8], format: Format) {
    let mut incompat = INCOMPAT_FILETYPE;
    let mut ro = RO_SPARSE_SUPER | RO_LARGE_FILE;
    if format == Format::Ext4 {
        incompat |= INCOMPAT_EXTENTS;
        ro |= RO_DIR_NLINK | RO_EXTRA_ISIZE;
        put16(bytes, 348, EXTRA_BYTES);
        put16(bytes, 350, EXTRA_BYTES);
    }
    put32(bytes, 92, COMPAT_EXT_ATTR);
    put32(bytes, 96, incompat);
    put32(bytes, 100, ro);
}
