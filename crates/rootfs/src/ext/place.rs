//! Which blocks each inode gets.

use super::geometry::{GROUP_BLOCKS, Geometry};
use super::map::{EXT2_BLOCKS_MAX, Extent, MAP_BYTES, Map, extent_tree, indirect_blocks};
use super::{unfit, xattr};
use crate::content::{BLOCK, Content, Run};
use crate::plan::Plan;
use crate::{Format, RootfsError};

/// What an inode holds.
pub(super) enum Payload<'a> {
    /// At most 60 bytes, in the place of the map.
    Inline(Vec<u8>),
    /// A directory or a long symbolic link.
    Bytes(Vec<u8>),
    /// A regular file.
    File(&'a Content),
}

impl Payload<'_> {
    /// `i_size` of the inode; `target` is the length of an inline symbolic link.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Inline(_) => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(content) => content.bytes,
        }
    }

    /// Blocks of contents, holes left out.
    pub(super) fn data_blocks(&self) -> u64 {
        match self {
            Self::Inline(_) => 0,
            Self::Bytes(bytes) => (bytes.len() as u64).div_ceil(BLOCK),
            Self::File(content) => content.data_blocks(),
        }
    }

    fn runs(&self) -> Vec<Run> {
        match self {
            Self::Inline(_) => Vec::new(),
            Self::Bytes(_) => vec![Run {
                start: 0,
                blocks: self.data_blocks(),
            }],
            Self::File(content) => content.runs.clone(),
        }
    }
}

/// Where an inode's contents lie.
pub(super) struct Placed {
    pub map: [u8; MAP_BYTES],
    /// Whether the map is an extent tree.
    pub has_extents: bool,
    pub extents: Vec<Extent>,
    pub bytes: u64,
    /// Blocks that count as the inode's own: contents, map and attributes.
    pub blocks: u64,
    /// Block of its attributes; zero without any.
    pub attributes: u64,
}

/// Where everything lies.
pub(super) struct Placement {
    pub inodes: Vec<Placed>,
    /// Blocks of maps and attributes.
    pub blocks: Vec<(u64, Vec<u8>)>,
    /// How many blocks for contents are taken; the rest is free.
    pub allocated: u64,
    /// The first block that is free.
    pub next: u64,
}

impl Placement {
    /// Places all payloads in order. It may reach beyond the end of `geometry`;
    /// then `allocated` tells by how much.
    pub(super) fn new(
        plan: &Plan,
        format: Format,
        payloads: &[Payload],
        xattrs: &xattr::Blocks,
        geometry: &Geometry,
    ) -> Result<Self, RootfsError> {
        let mut allocator = Allocator {
            geometry,
            next: 0,
            taken: 0,
        };
        let mut blocks: Vec<(u64, Vec<u8>)> = xattrs
            .blocks
            .iter()
            .map(|block| (allocator.one(), block.clone()))
            .collect();
        let attributes: Vec<u64> = blocks.iter().map(|(number, _)| *number).collect();
        let mut inodes = Vec::with_capacity(payloads.len());
        for (index, payload) in payloads.iter().enumerate() {
            if too_large(payload, format) {
                let why = "it is larger than a file may be".into();
                return Err(unfit(format, &plan.inodes[index], why));
            }
            let (mut placed, map_blocks) = allocator.place(payload, format);
            if let Some(at) = xattrs.by_inode.get(&index) {
                placed.attributes = attributes[*at];
                placed.blocks += 1;
            }
            inodes.push(placed);
            blocks.extend(map_blocks);
        }
        Ok(Self {
            inodes,
            blocks,
            allocated: allocator.taken,
            next: allocator.next,
        })
    }
}

fn too_large(payload: &Payload, format: Format) -> bool {
    let max = match format {
        Format::Ext2 => EXT2_BLOCKS_MAX,
        _ => u32::MAX.into(),
    };
    // The count of 512-byte sectors has 32 bits.
    payload.bytes().div_ceil(BLOCK) > max || payload.data_blocks() >= 1 << 28
}

struct Allocator<'a> {
    geometry: &'a Geometry,
    next: u64,
    taken: u64,
}

impl Allocator<'_> {
    /// Up to `want` free blocks in one piece: the first one and their number.
    fn take(&mut self, want: u64) -> (u64, u64) {
        let group = self.next / GROUP_BLOCKS;
        let first = self.next.max(self.geometry.data_start(group));
        let blocks = want.min(Geometry::start(group + 1) - first);
        self.next = first + blocks;
        self.taken += blocks;
        (first, blocks)
    }

    fn one(&mut self) -> u64 {
        self.take(1).0
    }

    fn place(&mut self, payload: &Payload, format: Format) -> (Placed, Vec<(u64, Vec<u8>)>) {
        let mut extents = Vec::new();
        for run in payload.runs() {
            let mut done = 0;
            while done < run.blocks {
                let (physical, blocks) = self.take(run.blocks - done);
                extents.push(Extent {
                    logical: run.start + done,
                    physical,
                    blocks,
                });
                done += blocks;
            }
        }
        let has_extents = format == Format::Ext4 && !matches!(payload, Payload::Inline(_));
        let map = match payload {
            Payload::Inline(bytes) => inline(bytes),
            _ if has_extents => extent_tree(&extents, || self.one()),
            _ => indirect_blocks(&extents, || self.one()),
        };
        let placed = Placed {
            map: map.root,
            has_extents,
            extents,
            bytes: payload.bytes(),
            blocks: payload.data_blocks() + map.blocks.len() as u64,
            attributes: 0,
        };
        (placed, map.blocks)
    }
}

fn inline(bytes: &[u8]) -> Map {
    let mut root = [0; MAP_BYTES];
    root[..bytes.len()].copy_from_slice(bytes);
    Map {
        root,
        blocks: Vec::new(),
    }
}
