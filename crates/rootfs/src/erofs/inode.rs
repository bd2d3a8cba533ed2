//! Inodes, always in the extended form, which keeps times and large owners.

use super::shape::Layout;
use super::{Placed, put, xattr};
use crate::plan::{Body, Inode};

/// Length of an extended inode in bytes.
pub(super) const BYTES: u64 = 64;
const EXTENDED: u16 = 1;

/// The inode, its attributes and the addresses of its chunks.
pub(super) fn bytes(inode: &Inode, place: &Placed, number: u32) -> Vec<u8> {
    let mut bytes = vec![0; BYTES as usize];
    let layout: u16 = match place.shape.layout {
        Layout::Plain => 0,
        Layout::Inline => 2,
        Layout::Chunked { .. } => 4,
    };
    // The shape was computed from these same attributes.
    let xattrs = xattr::bytes(inode).unwrap_or_default();
    put(&mut bytes, 0, &(EXTENDED | layout << 1).to_le_bytes());
    put(&mut bytes, 2, &xattr::count(&xattrs).to_le_bytes());
    put(&mut bytes, 4, &(inode.st_mode() as u16).to_le_bytes());
    put(&mut bytes, 8, &place.shape.bytes.to_le_bytes());
    put(&mut bytes, 16, &union(inode, place).to_le_bytes());
    put(&mut bytes, 20, &number.to_le_bytes());
    put(&mut bytes, 24, &inode.uid.to_le_bytes());
    put(&mut bytes, 28, &inode.gid.to_le_bytes());
    put(&mut bytes, 32, &inode.mtime.to_le_bytes());
    put(&mut bytes, 44, &inode.links.to_le_bytes());
    bytes.extend(xattrs);
    bytes.extend(place.chunks.iter().flat_map(|chunk| chunk.to_le_bytes()));
    bytes
}

/// The field whose meaning depends on what the inode is.
fn union(inode: &Inode, place: &Placed) -> u32 {
    match (&inode.body, place.shape.layout) {
        (Body::Device { major, minor, .. }, _) => minor & 0xff | major << 8 | (minor & !0xff) << 12,
        (Body::Fifo, _) => 0,
        (_, Layout::Chunked { bits }) => bits,
        _ => place.block as u32,
    }
}
