//! Directory blocks: entries, then their names, sorted across all blocks.

use std::collections::BTreeMap;

use super::put;
use super::shape::unfit;
use crate::RootfsError;
use crate::content::BLOCK;
use crate::plan::{Inode, Plan};

/// Bytes of an entry without its name.
const ENTRY: usize = 12;
/// Longest name in bytes.
const NAME_MAX: usize = 255;

/// The names of one directory, `.` and `..` among them, block by block.
fn blocks<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<&'a [u8]>> {
    let mut blocks: Vec<Vec<&[u8]>> = vec![Vec::new()];
    let mut used = 0;
    for name in names {
        if used + ENTRY + name.len() > BLOCK as usize {
            blocks.push(Vec::new());
            used = 0;
        }
        used += ENTRY + name.len();
        if let Some(block) = blocks.last_mut() {
            block.push(name);
        }
    }
    blocks
}

fn all_names(entries: &BTreeMap<Vec<u8>, usize>) -> BTreeMap<&[u8], Option<usize>> {
    let own = entries
        .iter()
        .map(|(name, child)| (&name[..], Some(*child)));
    // Some names sort before the dots.
    own.chain([(&b"."[..], None), (&b".."[..], None)]).collect()
}

/// Length of the directory's contents in bytes.
pub(super) fn size(inode: &Inode, entries: &BTreeMap<Vec<u8>, usize>) -> Result<u64, RootfsError> {
    if entries.keys().any(|name| name.len() > NAME_MAX) {
        return Err(unfit(inode, "a name in it is longer than 255 bytes"));
    }
    let blocks = blocks(all_names(entries).into_keys());
    let last = blocks.last().into_iter().flatten();
    let last: usize = last.map(|name| ENTRY + name.len()).sum();
    Ok((blocks.len() as u64 - 1) * BLOCK + last as u64)
}

/// The directory's contents. `nid` gives the number of an inode of the plan.
pub(super) fn bytes(
    plan: &Plan,
    index: usize,
    parent: usize,
    entries: &BTreeMap<Vec<u8>, usize>,
    nid: impl Fn(usize) -> u64,
) -> Result<Vec<u8>, RootfsError> {
    let names = all_names(entries);
    let mut bytes = Vec::new();
    for block in blocks(names.keys().copied()) {
        let start = bytes.len().next_multiple_of(BLOCK as usize);
        bytes.resize(start + block.len() * ENTRY, 0);
        for (at, name) in block.iter().enumerate() {
            let child = match names.get(name).copied().flatten() {
                Some(child) => child,
                None if *name == b"." => index,
                None => parent,
            };
            let offset = (bytes.len() - start) as u16;
            let entry = &mut bytes[start + at * ENTRY..];
            put(entry, 0, &nid(child).to_le_bytes());
            put(entry, 8, &offset.to_le_bytes());
            entry[10] = plan.inodes[child].body.entry_type();
            bytes.extend(*name);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_filled_and_never_too_full() {
        let names: Vec<Vec<u8>> = (0..500).map(|n| format!("{n:0200}").into_bytes()).collect();
        let blocks = blocks(names.iter().map(|name| &name[..]));
        for block in &blocks {
            let used: usize = block.iter().map(|name| ENTRY + name.len()).sum();
            assert!(used <= BLOCK as usize);
        }
        assert_eq!(blocks.iter().map(Vec::len).sum::<usize>(), 500);
        assert_eq!(blocks.len(), 500usize.div_ceil(4096 / 212));
    }
}
