//! Processes that come and go.

use core::ffi::CStr;

use crate::call::Result;
use crate::measure::Bench;
use crate::sys;

/// A process is made, ends and is waited for.
pub fn fork_exit(bench: &Bench, _: u64) -> Result<()> {
    bench.measure(b"fork", 1, |count| {
        (0..count).try_for_each(|_| {
            let child = sys::fork()?;
            sys::wait(child.unwrap_or_else(|| sys::exit(0)));
            Ok(())
        })
    })
}

/// The same, and it becomes this program anew.
pub fn fork_exec(bench: &Bench, _: u64) -> Result<()> {
    bench.measure(b"exec", 1, |count| {
        (0..count).try_for_each(|_| {
            sys::wait(spawn(bench, c"spin")?);
            Ok(())
        })
    })
}

/// Starts this program with one operation.
pub fn spawn(bench: &Bench, operation: &CStr) -> Result<usize> {
    let child = sys::fork()?;
    Ok(child.unwrap_or_else(|| sys::exec(bench.program, [c"bench", c"1", operation])))
}
