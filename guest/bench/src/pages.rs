//! Memory.

use crate::call::Result;
use crate::measure::Bench;
use crate::sys;

const PAGE: usize = 4096;
/// Pages that are touched before they are given back, and pages of a mapped file.
const TOUCHED: usize = 64;
const MAPPED: usize = 16;

/// Touches a page for the first time; a 64th of mapping and giving back 64 of them is in it.
pub fn fault(bench: &Bench, _: u64) -> Result<()> {
    bench.measure(b"page-fault", TOUCHED as u64, |count| {
        (0..count).try_for_each(|_| touch())
    })
}

fn touch() -> Result<()> {
    let block = sys::map(TOUCHED * PAGE, false)?;
    for page in 0..TOUCHED {
        // SAFETY: inside of the block.
        unsafe { block.add(page * PAGE).write_volatile(1) };
    }
    // SAFETY: nobody uses it any more.
    unsafe { sys::unmap(block, TOUCHED * PAGE) }
}

/// Maps a file and gives the mapping back.
pub fn map_unmap(bench: &Bench, _: u64) -> Result<()> {
    let file = sys::open(bench.program, 0)?;
    let done = bench.measure(b"mmap", 1, |count| {
        (0..count).try_for_each(|_| {
            let block = sys::map_file(file, MAPPED * PAGE)?;
            // SAFETY: nobody uses it.
            unsafe { sys::unmap(block, MAPPED * PAGE) }
        })
    });
    sys::close(file);
    done
}
