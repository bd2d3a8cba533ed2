//! Which way into the kernel: by `syscall`, or, where `BENCH_ENTRY=call` stands in the environment, by the address that
//! a kernel with KML tells programs at CPL 0 (docs/kml.md).

use core::sync::atomic::Ordering;

use crate::call::ENTRY;
use crate::words::Words;

/// Ends the auxiliary vector.
const AT_NULL: usize = 0;
/// An entry for calls.
const AT_SYSINFO: usize = 32;

/// Has all system calls made in the way that the environment asks for; whether that is possible.
pub fn choose(environment: Words) -> bool {
    let mut rest = environment;
    if !rest.any(|word| word == b"BENCH_ENTRY=call") {
        return true;
    }
    let found = auxiliary(environment, AT_SYSINFO);
    ENTRY.store(found.unwrap_or(0), Ordering::Relaxed);
    found.is_some()
}

/// A value of the auxiliary vector: pairs of words behind the null pointer that ends the environment.
fn auxiliary(environment: Words, wanted: usize) -> Option<usize> {
    let words = environment.count();
    let behind = (environment.address() as *const usize).wrapping_add(words + 1);
    let mut pair: *const [usize; 2] = behind.cast();
    loop {
        // SAFETY: the kernel puts the vector there and ends it with AT_NULL, which is not passed.
        let [key, value] = unsafe { *pair };
        match key {
            AT_NULL => return None,
            key if key == wanted => return Some(value),
            _ => pair = pair.wrapping_add(1),
        }
    }
}
