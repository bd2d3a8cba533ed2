//! How an inode's contents are stored, and how much place the inode takes.

use super::{directory, inode, xattr};
use crate::content::{BLOCK, Content};
use crate::plan::{Body, Inode, shown};
use crate::{Format, RootfsError};

/// A file whose holes have fewer blocks than this is stored with its zeros.
const HOLES_WORTH_CHUNKS: u64 = 256;
/// Most chunks of one file; larger files get larger chunks.
const CHUNKS_MAX: u64 = 16 * 1024;

/// How contents are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// In whole blocks.
    Plain,
    /// Whole blocks, and the rest behind the inode.
    Inline,
    /// In chunks of `1 << bits` blocks, their addresses behind the inode.
    Chunked {
        /// Logarithm of a chunk's blocks.
        bits: u32,
    },
}

/// An inode's sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub layout: Layout,
    /// Length of the contents.
    pub bytes: u64,
    pub xattr_bytes: u64,
}

impl Shape {
    /// The shape of `inode`.
    pub(super) fn of(inode: &Inode) -> Result<Self, RootfsError> {
        let xattr_bytes = xattr::bytes(inode)?.len() as u64;
        let (bytes, layout) = match &inode.body {
            Body::Directory { entries, .. } => (directory::size(inode, entries)?, None),
            Body::File(content) => (content.bytes, chunked(content)),
            Body::Symlink(target) if target.len() >= BLOCK as usize => {
                return Err(unfit(inode, "its target is too long"));
            }
            Body::Symlink(target) => (target.len() as u64, None),
            Body::Device { .. } | Body::Fifo => (0, Some(Layout::Plain)),
        };
        let rest = bytes % BLOCK;
        let inline = rest != 0 && inode::BYTES + xattr_bytes + rest <= BLOCK;
        let flat = if inline {
            Layout::Inline
        } else {
            Layout::Plain
        };
        Ok(Self {
            layout: layout.unwrap_or(flat),
            bytes,
            xattr_bytes,
        })
    }

    /// The inode and its attributes, in bytes.
    pub(super) fn head_bytes(&self) -> u64 {
        inode::BYTES + self.xattr_bytes
    }

    /// All that lies at the inode's place, in bytes.
    pub(super) fn meta_bytes(&self) -> u64 {
        self.head_bytes()
            + match self.layout {
                Layout::Plain => 0,
                Layout::Inline => self.bytes % BLOCK,
                Layout::Chunked { bits } => 4 * self.bytes.div_ceil(BLOCK << bits),
            }
    }

    /// How many bytes from the inode on must lie in one block.
    pub(super) fn unbroken(&self) -> u64 {
        match self.layout {
            Layout::Inline => self.meta_bytes(),
            _ => inode::BYTES,
        }
    }

    /// Blocks of contents that lie behind all inodes, chunks not counted.
    pub(super) fn whole_blocks(&self) -> u64 {
        match self.layout {
            Layout::Plain => self.bytes.div_ceil(BLOCK),
            Layout::Inline => self.bytes / BLOCK,
            Layout::Chunked { .. } => 0,
        }
    }
}

fn chunked(content: &Content) -> Option<Layout> {
    let holes = content.blocks() - content.data_blocks();
    if holes < HOLES_WORTH_CHUNKS {
        return None;
    }
    let bits = content.blocks().div_ceil(CHUNKS_MAX).next_power_of_two();
    Some(Layout::Chunked {
        bits: bits.trailing_zeros(),
    })
}

/// What erofs cannot hold.
pub(super) fn unfit(inode: &Inode, why: &str) -> RootfsError {
    RootfsError::Unfit {
        format: Format::Erofs,
        path: shown(&inode.path),
        why: why.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Run, Source};

    fn with_hole(blocks: u64) -> Content {
        Content {
            source: Source::Memory(Vec::new()),
            bytes: blocks * BLOCK,
            runs: vec![Run {
                start: 0,
                blocks: 1,
            }],
        }
    }

    #[test]
    fn only_large_holes_make_chunks_and_there_are_never_too_many() {
        assert_eq!(chunked(&with_hole(200)), None);
        assert_eq!(
            chunked(&with_hole(16 * 1024)),
            Some(Layout::Chunked { bits: 0 })
        );
        let Some(Layout::Chunked { bits }) = chunked(&with_hole(1 << 21)) else {
            panic!("an 8 GiB hole is stored in chunks");
        };
        assert_eq!((1 << 21) >> bits, CHUNKS_MAX);
    }
}
