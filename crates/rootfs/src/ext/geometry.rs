//! How many groups there are and what lies where in each.

use crate::Format;
use crate::content::BLOCK;

/// Blocks of a group: as many as one bitmap block has bits.
pub(super) const GROUP_BLOCKS: u64 = 8 * BLOCK;
/// Bytes of a group descriptor.
pub(super) const DESCRIPTOR: u64 = 32;
/// Inode tables are filled to whole blocks with either size of inode.
const INODE_STEP: u64 = 32;
/// A last group with fewer blocks for data than this is not worth its tables.
const LEAST_DATA: u64 = 64;

/// Sizes and places of everything but contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub blocks: u64,
    pub groups: u64,
    pub inodes_per_group: u64,
    pub inode_bytes: u64,
    descriptor_blocks: u64,
}

impl Geometry {
    /// A file system of at least `blocks` blocks and `inodes` inodes.
    pub(super) fn new(blocks: u64, inodes: u64, format: Format) -> Self {
        let inode_bytes = if format == Format::Ext2 { 128 } else { 256 };
        let groups = blocks
            .max(1)
            .div_ceil(GROUP_BLOCKS)
            .max(inodes.div_ceil(GROUP_BLOCKS));
        let mut geometry = Self {
            blocks,
            groups,
            inodes_per_group: inodes.div_ceil(groups).next_multiple_of(INODE_STEP),
            inode_bytes,
            descriptor_blocks: (groups * DESCRIPTOR).div_ceil(BLOCK),
        };
        let last = groups - 1;
        let least = last * GROUP_BLOCKS + geometry.overhead(last) + LEAST_DATA;
        geometry.blocks = blocks.max(least);
        geometry
    }

    /// Whether a copy of the superblock and the descriptors lies in `group`.
    pub(super) fn has_superblock(group: u64) -> bool {
        let power_of = |base: u64| {
            let mut power = base;
            while power < group {
                power *= base;
            }
            power == group
        };
        group <= 1 || power_of(3) || power_of(5) || power_of(7)
    }

    /// Number of the first block of `group`.
    pub(super) fn start(group: u64) -> u64 {
        group * GROUP_BLOCKS
    }

    /// Number of blocks in `group`.
    pub(super) fn size(&self, group: u64) -> u64 {
        (self.blocks - Self::start(group)).min(GROUP_BLOCKS)
    }

    pub(super) fn block_bitmap(&self, group: u64) -> u64 {
        let copy = if Self::has_superblock(group) {
            1 + self.descriptor_blocks
        } else {
            0
        };
        Self::start(group) + copy
    }

    pub(super) fn inode_bitmap(&self, group: u64) -> u64 {
        self.block_bitmap(group) + 1
    }

    pub(super) fn inode_table(&self, group: u64) -> u64 {
        self.block_bitmap(group) + 2
    }

    /// Number of the first block for contents in `group`, which may lie beyond the end.
    pub(super) fn data_start(&self, group: u64) -> u64 {
        self.inode_table(group) + self.inodes_per_group * self.inode_bytes / BLOCK
    }

    /// Blocks of `group` that hold no contents.
    pub(super) fn overhead(&self, group: u64) -> u64 {
        self.data_start(group) - Self::start(group)
    }

    /// Blocks for contents in all groups.
    pub(super) fn data_blocks(&self) -> u64 {
        (0..self.groups)
            .map(|group| self.size(group) - self.overhead(group))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_the_superblock_lie_in_powers_of_3_5_and_7() {
        let groups: Vec<u64> = (0..130).filter(|g| Geometry::has_superblock(*g)).collect();
        assert_eq!(groups, [0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125]);
    }

    #[test]
    fn a_last_group_has_place_for_its_own_tables() {
        for blocks in [
            0,
            1,
            100,
            GROUP_BLOCKS,
            GROUP_BLOCKS + 1,
            5 * GROUP_BLOCKS + 7,
        ] {
            let geometry = Geometry::new(blocks, 5000, Format::Ext4);
            let last = geometry.groups - 1;
            assert!(geometry.size(last) >= geometry.overhead(last) + LEAST_DATA);
            assert!(geometry.inodes_per_group * geometry.groups >= 5000);
            assert!(geometry.blocks >= blocks);
        }
    }

    #[test]
    fn many_inodes_need_many_groups() {
        let geometry = Geometry::new(10, 100_000, Format::Ext2);
        assert!(geometry.inodes_per_group <= GROUP_BLOCKS);
    }
}
