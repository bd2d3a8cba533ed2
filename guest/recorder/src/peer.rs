//! Memory of a stopped process.

use alloc::vec::Vec;

use crate::sys::{ENOSYS, Result, call};
use crate::trace;

const PROCESS_VM_READV: usize = 310;
const PAGE: u64 = 4096;
/// Bytes of a path that are looked at first: most are shorter.
const FIRST: u64 = 256;
/// Longer strings are no paths.
const STRING_MAX: usize = 4096;

/// Fills `buffer` from `address` on; says how much could be read.
pub fn read(pid: i32, address: u64, buffer: &mut [u8]) -> usize {
    match read_at_once(pid, address, buffer) {
        // A kernel without CROSS_MEMORY_ATTACH.
        Err(ENOSYS) => read_words(pid, address, buffer),
        result => result.unwrap_or(0),
    }
}

fn read_at_once(pid: i32, address: u64, buffer: &mut [u8]) -> Result<usize> {
    let ours = [buffer.as_mut_ptr() as usize, buffer.len()];
    let theirs = [address as usize, buffer.len()];
    let (ours, theirs) = (ours.as_ptr() as usize, theirs.as_ptr() as usize);
    // SAFETY: one buffer of ours, of the length said; the other address is not ours to access.
    unsafe { call(PROCESS_VM_READV, [pid as usize, ours, 1, theirs, 1, 0]) }
}

fn read_words(pid: i32, address: u64, buffer: &mut [u8]) -> usize {
    let mut done = 0;
    for chunk in buffer.chunks_mut(8) {
        let at = address.wrapping_add(done as u64);
        // A word that crosses into what is not mapped cannot be read; the aligned one can.
        let lead = (at % 8) as usize;
        let Ok(word) = trace::peek(pid, at - lead as u64) else {
            return done;
        };
        let bytes = word.to_le_bytes();
        let part = &bytes[lead..];
        let count = part.len().min(chunk.len());
        chunk[..count].copy_from_slice(&part[..count]);
        done += count;
        if count < chunk.len() {
            let Ok(word) = trace::peek(pid, address + done as u64) else {
                return done;
            };
            let rest = chunk.len() - count;
            chunk[count..].copy_from_slice(&word.to_le_bytes()[..rest]);
            done += rest;
        }
    }
    done
}

/// A number of four or eight bytes.
pub fn word(pid: i32, address: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    (read(pid, address, &mut bytes) == bytes.len()).then(|| u64::from_le_bytes(bytes))
}

/// The string at `address`, without its zero byte. Pages are read one by one,
/// because the next one may not be there.
pub fn string(pid: i32, address: u64) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut buffer = [0_u8; PAGE as usize];
    while text.len() < STRING_MAX {
        let at = address.checked_add(text.len() as u64)?;
        let limit = if text.is_empty() { FIRST } else { PAGE };
        let wanted = limit.min(PAGE - at % PAGE) as usize;
        let count = read(pid, at, &mut buffer[..wanted]);
        let part = &buffer[..count];
        if let Some(end) = part.iter().position(|byte| *byte == 0) {
            text.extend_from_slice(&part[..end]);
            return Some(text);
        }
        if count < wanted {
            return None;
        }
        text.extend_from_slice(part);
    }
    None
}
