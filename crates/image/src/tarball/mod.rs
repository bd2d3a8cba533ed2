//! Tar, as layers use it: POSIX ustar and pax, GNU long names and sparse files.
//!
//! A reader of our own, because layers come from strangers: it streams, bounds
//! what a header may claim before it is believed, and keeps holes as holes.

mod header;
mod pax;
mod read;
mod write;

pub(crate) use read::{Member, Members, What};
pub(crate) use write::Writer;

/// Tar's unit of everything, in bytes.
pub(crate) const BLOCK: usize = 512;

/// `bytes` rounded up to whole blocks.
pub(crate) fn padded(bytes: u64) -> Option<u64> {
    bytes.checked_next_multiple_of(BLOCK as u64)
}

#[cfg(test)]
mod tests;
