//! Extended attributes: one block for each distinct set, shared by the inodes
//! that have it.

use std::collections::BTreeMap;

use super::{put16, put32, unfit};
use crate::content::BLOCK;
use crate::pack::keeps;
use crate::plan::{Inode, Plan};
use crate::{Format, RootfsError};

const MAGIC: u32 = 0xea02_0000;
const HEADER: usize = 32;
const ENTRY: usize = 16;
/// The kernel shares a block among this many inodes at most.
const SHARED_MAX: u32 = 1024;
/// Prefixes of names and the numbers that stand for them.
const PREFIXES: [(&str, u8); 3] = [("user.", 1), ("trusted.", 4), ("security.", 6)];

/// Attribute blocks, and which inode of the plan has which of them.
pub(super) struct Blocks {
    pub blocks: Vec<Vec<u8>>,
    pub by_inode: BTreeMap<usize, usize>,
}

/// The attribute blocks of all inodes.
pub(super) fn blocks(plan: &Plan, format: Format) -> Result<Blocks, RootfsError> {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let mut by_inode = BTreeMap::new();
    let mut shared: BTreeMap<Vec<u8>, (usize, u32)> = BTreeMap::new();
    for (index, inode) in plan.inodes.iter().enumerate() {
        let Some(block) = block(inode, format)? else {
            continue;
        };
        let known = shared.get(&block).copied();
        let (at, users) = match known.filter(|(_, users)| *users < SHARED_MAX) {
            Some((at, users)) => (at, users + 1),
            None => {
                blocks.push(block.clone());
                (blocks.len() - 1, 1)
            }
        };
        put32(&mut blocks[at], 4, users);
        by_inode.insert(index, at);
        shared.insert(block, (at, users));
    }
    Ok(Blocks { blocks, by_inode })
}

/// One attribute as it is stored, in the order in which drivers look for it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Attribute<'a> {
    prefix: u8,
    length: usize,
    name: &'a [u8],
    value: &'a [u8],
}

fn attributes(inode: &Inode, format: Format) -> Vec<Attribute<'_>> {
    let kept = inode.xattrs.iter().filter(|(name, _)| keeps(format, name));
    let mut attributes: Vec<_> = kept
        .filter_map(|(name, value)| {
            PREFIXES.iter().find_map(|(prefix, number)| {
                let name = name.strip_prefix(prefix)?.as_bytes();
                Some(Attribute {
                    prefix: *number,
                    length: name.len(),
                    name,
                    value,
                })
            })
        })
        .collect();
    attributes.sort();
    attributes
}

/// The block of `inode`, its count of users still zero; `None` without attributes.
fn block(inode: &Inode, format: Format) -> Result<Option<Vec<u8>>, RootfsError> {
    let attributes = attributes(inode, format);
    if attributes.is_empty() {
        return Ok(None);
    }
    let mut block = vec![0; BLOCK as usize];
    put32(&mut block, 0, MAGIC);
    put32(&mut block, 8, 1);
    let (mut entry, mut value_end, mut block_hash) = (HEADER, BLOCK as usize, 0u32);
    for attribute in &attributes {
        let next = entry + (ENTRY + attribute.length).next_multiple_of(4);
        let padded = attribute.value.len().next_multiple_of(4);
        // Four zero bytes end the entries. A name's length must fit its byte.
        if next + 4 + padded > value_end || attribute.length > u8::MAX.into() {
            let why = "its extended attributes take more than one block".into();
            return Err(unfit(format, inode, why));
        }
        value_end -= padded;
        block[value_end..value_end + attribute.value.len()].copy_from_slice(attribute.value);
        let hash = hash(attribute.name, &block[value_end..value_end + padded]);
        block[entry] = attribute.length as u8;
        block[entry + 1] = attribute.prefix;
        let offset = if padded == 0 { 0 } else { value_end };
        put16(&mut block, entry + 2, offset as u16);
        put32(&mut block, entry + 8, attribute.value.len() as u32);
        put32(&mut block, entry + 12, hash);
        let name = entry + ENTRY;
        block[name..name + attribute.length].copy_from_slice(attribute.name);
        block_hash = block_hash.rotate_left(16) ^ hash;
        entry = next;
    }
    put32(&mut block, 12, block_hash);
    Ok(Some(block))
}

/// The hash that the drivers keep with each entry.
fn hash(name: &[u8], padded_value: &[u8]) -> u32 {
    let name = name
        .iter()
        .fold(0u32, |hash, byte| hash.rotate_left(5) ^ u32::from(*byte));
    padded_value.chunks_exact(4).fold(name, |hash, word| {
        hash.rotate_left(16) ^ u32::from_le_bytes([word[0], word[1], word[2], word[3]])
    })
}
