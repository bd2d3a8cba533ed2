//! Directory blocks: linear, which both drivers read.

use super::{Entries, number, put16, put32, unfit};
use crate::content::BLOCK;
use crate::plan::Plan;
use crate::{Format, RootfsError};

/// Longest name in bytes.
const NAME_MAX: usize = 255;

/// The contents of the directory with inode `index` of the plan.
pub(super) fn bytes(
    plan: &Plan,
    format: Format,
    index: usize,
    parent: usize,
    entries: &Entries,
) -> Result<Vec<u8>, RootfsError> {
    let mut writer = Writer {
        bytes: Vec::new(),
        last: None,
    };
    writer.entry(plan, b".", index);
    writer.entry(plan, b"..", parent);
    for (name, child) in entries {
        if name.len() > NAME_MAX {
            let why = format!("its name is longer than {NAME_MAX} bytes");
            return Err(unfit(format, &plan.inodes[*child], why));
        }
        writer.entry(plan, name, *child);
    }
    writer.fill_block();
    Ok(writer.bytes)
}

struct Writer {
    bytes: Vec<u8>,
    /// Where the last entry of the current block begins.
    last: Option<usize>,
}

impl Writer {
    fn entry(&mut self, plan: &Plan, name: &[u8], index: usize) {
        let length = (8 + name.len()).next_multiple_of(4);
        let block = BLOCK as usize;
        if self.bytes.len() % block + length > block || self.bytes.len().is_multiple_of(block) {
            self.fill_block();
        }
        let at = self.bytes.len();
        self.bytes.resize(at + length, 0);
        put32(&mut self.bytes, at, number(index) as u32);
        put16(&mut self.bytes, at + 4, length as u16);
        self.bytes[at + 6] = name.len() as u8;
        self.bytes[at + 7] = plan.inodes[index].body.entry_type();
        self.bytes[at + 8..at + 8 + name.len()].copy_from_slice(name);
        self.last = Some(at);
    }

    /// Lets the last entry reach to the end of its block.
    fn fill_block(&mut self) {
        let end = self.bytes.len().next_multiple_of(BLOCK as usize);
        if let Some(last) = self.last.take() {
            self.bytes.resize(end, 0);
            put16(&mut self.bytes, last + 4, (end - last) as u16);
        }
    }
}
