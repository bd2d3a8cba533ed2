//! Work between system calls: the more there is of it, the less it matters what a call costs.

use core::arch::asm;

use crate::call::Result;
use crate::measure::{Bench, numbered};
use crate::sys;

/// `amount` rounds of a loop, each one cycle on a processor of today, and then a call.
pub fn work(bench: &Bench, amount: u64) -> Result<()> {
    bench.measure(numbered(b"work", amount).bytes(), 1, |count| {
        for _ in 0..count {
            cycles(amount);
            sys::getppid();
        }
        Ok(())
    })
}

/// Two instructions for each.
#[inline(always)]
pub fn cycles(amount: u64) {
    if amount > 0 {
        // SAFETY: counts a register down.
        unsafe { asm!("2: dec {0}", "jnz 2b", inout(reg) amount => _, options(nomem, nostack)) };
    }
}
