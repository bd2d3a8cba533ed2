//! From a file's blocks to the disk's: extents for ext4, indirect blocks for ext2.

use super::{put16, put32};
use crate::content::BLOCK;

/// Bytes that an inode has for its map.
pub(super) const MAP_BYTES: usize = 60;
/// Block pointers in an inode that point at contents.
const DIRECT: u64 = 12;
/// Block pointers in an indirect block.
const POINTERS: u64 = BLOCK / 4;
/// Blocks that an ext2 file may have.
pub(super) const EXT2_BLOCKS_MAX: u64 =
    DIRECT + POINTERS + POINTERS * POINTERS + POINTERS * POINTERS * POINTERS;

const EXTENT_MAGIC: u16 = 0xf30a;
/// Bytes of an extent, of an index and of the header before them.
const EXTENT: usize = 12;
/// Extents in an inode.
const EXTENTS_INODE: usize = MAP_BYTES / EXTENT - 1;
/// Extents in a block.
const EXTENTS_BLOCK: usize = BLOCK as usize / EXTENT - 1;

/// Consecutive blocks of a file that are consecutive on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub logical: u64,
    pub physical: u64,
    pub blocks: u64,
}

/// A map in an inode, and the blocks that it needs besides.
pub(super) struct Map {
    pub root: [u8; MAP_BYTES],
    pub blocks: Vec<(u64, Vec<u8>)>,
}

/// ext4's extent tree. `allocate` gives the number of a free block.
pub(super) fn extent_tree(extents: &[Extent], mut allocate: impl FnMut() -> u64) -> Map {
    let mut blocks = Vec::new();
    let mut nodes: Vec<[u8; EXTENT]> = extents.iter().map(leaf).collect();
    let mut depth = 0;
    while nodes.len() > EXTENTS_INODE {
        nodes = nodes
            .chunks(EXTENTS_BLOCK)
            .map(|chunk| {
                let number = allocate();
                let mut block = vec![0; BLOCK as usize];
                fill_node(&mut block, chunk, EXTENTS_BLOCK, depth);
                blocks.push((number, block));
                index(chunk, number)
            })
            .collect();
        depth += 1;
    }
    let mut root = [0; MAP_BYTES];
    fill_node(&mut root, &nodes, EXTENTS_INODE, depth);
    Map { root, blocks }
}

fn leaf(extent: &Extent) -> [u8; EXTENT] {
    let mut bytes = [0; EXTENT];
    put32(&mut bytes, 0, extent.logical as u32);
    put16(&mut bytes, 4, extent.blocks as u16);
    put32(&mut bytes, 8, extent.physical as u32);
    bytes
}

/// Points at the block `number`, which holds `nodes`.
fn index(nodes: &[[u8; EXTENT]], number: u64) -> [u8; EXTENT] {
    let mut bytes = [0; EXTENT];
    // Leaves and indexes both begin with their first logical block.
    bytes[..4].copy_from_slice(&nodes[0][..4]);
    put32(&mut bytes, 4, number as u32);
    bytes
}

fn fill_node(bytes: &mut [u8], nodes: &[[u8; EXTENT]], max: usize, depth: u16) {
    put16(bytes, 0, EXTENT_MAGIC);
    put16(bytes, 2, nodes.len() as u16);
    put16(bytes, 4, max as u16);
    put16(bytes, 6, depth);
    for (at, node) in nodes.iter().enumerate() {
        bytes[(at + 1) * EXTENT..(at + 2) * EXTENT].copy_from_slice(node);
    }
}

/// ext2's direct and indirect blocks. `allocate` gives the number of a free block.
pub(super) fn indirect_blocks(extents: &[Extent], allocate: impl FnMut() -> u64) -> Map {
    let mut tree = Indirect {
        extents,
        allocate,
        blocks: Vec::new(),
    };
    let mut root = [0; MAP_BYTES];
    for at in 0..DIRECT {
        put32(&mut root, at as usize * 4, tree.lookup(at));
    }
    let mut first = DIRECT;
    for level in 1..=3 {
        let pointer = tree.node(first, level);
        put32(
            &mut root,
            (DIRECT as usize + level as usize - 1) * 4,
            pointer,
        );
        first += POINTERS.pow(level);
    }
    Map {
        root,
        blocks: tree.blocks,
    }
}

struct Indirect<'a, A> {
    extents: &'a [Extent],
    allocate: A,
    blocks: Vec<(u64, Vec<u8>)>,
}

impl<A: FnMut() -> u64> Indirect<'_, A> {
    /// Where the file's block `logical` lies; zero in a hole.
    fn lookup(&self, logical: u64) -> u32 {
        let next = self.extents.partition_point(|e| e.logical <= logical);
        let extent = next.checked_sub(1).map(|at| self.extents[at]);
        match extent.filter(|e| logical < e.logical + e.blocks) {
            Some(extent) => (extent.physical + logical - extent.logical) as u32,
            None => 0,
        }
    }

    fn is_hole(&self, first: u64, blocks: u64) -> bool {
        let next = self
            .extents
            .partition_point(|e| e.logical + e.blocks <= first);
        self.extents
            .get(next)
            .is_none_or(|e| e.logical >= first + blocks)
    }

    /// The block that maps what begins at `first`, `level` steps above contents;
    /// zero where there is only a hole.
    fn node(&mut self, first: u64, level: u32) -> u32 {
        if self.is_hole(first, POINTERS.pow(level)) {
            return 0;
        }
        let number = (self.allocate)();
        let mut block = vec![0; BLOCK as usize];
        let below = POINTERS.pow(level - 1);
        for at in 0..POINTERS {
            let logical = first + at * below;
            let pointer = match level {
                1 => self.lookup(logical),
                _ => self.node(logical, level - 1),
            };
            put32(&mut block, at as usize * 4, pointer);
        }
        self.blocks.push((number, block));
        number as u32
    }
}
