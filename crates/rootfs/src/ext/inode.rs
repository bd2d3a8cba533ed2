//! Inodes and their tables.

use super::geometry::Geometry;
use super::place::{Placed, Placement};
use super::{number, put16, put32, unfit};
use crate::content::BLOCK;
use crate::output::Output;
use crate::plan::{Body, Inode, Plan};
use crate::{Format, RootfsError};

const FLAG_EXTENTS: u32 = 0x8_0000;
/// Bytes beyond the first 128 that ext4's inodes use.
pub(super) const EXTRA_BYTES: u16 = 32;
/// Most links of one inode.
const EXT2_LINKS_MAX: u32 = 32_000;
const EXT4_LINKS_MAX: u32 = 65_000;

/// A device's numbers in the place of the map: 8 bits each where they fit.
pub(super) fn device(major: u32, minor: u32) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    if major < 256 && minor < 256 {
        put32(&mut bytes, 0, major << 8 | minor);
    } else {
        put32(
            &mut bytes,
            4,
            minor & 0xff | major << 8 | (minor & !0xff) << 12,
        );
    }
    bytes
}

/// Writes the inodes of all groups.
pub(super) fn write_tables(
    plan: &Plan,
    format: Format,
    placement: &Placement,
    geometry: &Geometry,
    output: &mut Output,
) -> Result<(), RootfsError> {
    let per_group = geometry.inodes_per_group;
    let mut tables: Vec<Vec<u8>> = vec![Vec::new(); geometry.groups as usize];
    for (index, inode) in plan.inodes.iter().enumerate() {
        let at = number(index) - 1;
        let table = &mut tables[(at / per_group) as usize];
        let offset = ((at % per_group) * geometry.inode_bytes) as usize;
        // Only as much of a table as is used; the rest stays a hole.
        let end = (offset + geometry.inode_bytes as usize).next_multiple_of(BLOCK as usize);
        if table.len() < end {
            table.resize(end, 0);
        }
        fill(
            &mut table[offset..],
            inode,
            &placement.inodes[index],
            format,
        )?;
    }
    for (group, table) in (0..).zip(tables) {
        output.write_block(geometry.inode_table(group), &table)?;
    }
    Ok(())
}

fn fill(
    bytes: &mut [u8],
    inode: &Inode,
    placed: &Placed,
    format: Format,
) -> Result<(), RootfsError> {
    let size = match &inode.body {
        Body::Symlink(target) => target.len() as u64,
        _ => placed.bytes,
    };
    put16(bytes, 0, inode.st_mode() as u16);
    put16(bytes, 2, inode.uid as u16);
    put32(bytes, 4, size as u32);
    put16(bytes, 24, inode.gid as u16);
    put16(bytes, 26, links(inode, format)?);
    put32(bytes, 28, (placed.blocks * (BLOCK / 512)) as u32);
    put32(bytes, 32, if placed.has_extents { FLAG_EXTENTS } else { 0 });
    bytes[40..100].copy_from_slice(&placed.map);
    put32(bytes, 104, placed.attributes as u32);
    put32(bytes, 108, (size >> 32) as u32);
    put16(bytes, 120, (inode.uid >> 16) as u16);
    put16(bytes, 122, (inode.gid >> 16) as u16);
    times(bytes, inode.mtime, format);
    Ok(())
}

fn links(inode: &Inode, format: Format) -> Result<u16, RootfsError> {
    let max = match format {
        Format::Ext2 => EXT2_LINKS_MAX,
        _ => EXT4_LINKS_MAX,
    };
    let directory = matches!(inode.body, Body::Directory { .. });
    match inode.links {
        links if links <= max => Ok(links as u16),
        // One means "too many to count" for ext4's directories.
        _ if directory && format == Format::Ext4 => Ok(1),
        _ => Err(unfit(
            format,
            inode,
            format!("it has more than {max} links"),
        )),
    }
}

/// Access, change, modification and (ext4) creation: all at `mtime`, so that
/// nothing of the host's clock gets in.
fn times(bytes: &mut [u8], mtime: i64, format: Format) {
    let first = i64::from(i32::MIN);
    let last = match format {
        Format::Ext2 => i64::from(i32::MAX),
        _ => first + (1 << 34) - 1,
    };
    let time = mtime.clamp(first, last);
    let epoch = ((time - i64::from(time as i32)) >> 32) as u32;
    for at in [8, 12, 16] {
        put32(bytes, at, time as u32);
    }
    if format == Format::Ext2 {
        return;
    }
    put16(bytes, 128, EXTRA_BYTES);
    for at in [132, 136, 140, 148] {
        put32(bytes, at, epoch & 3);
    }
    put32(bytes, 144, time as u32);
}
