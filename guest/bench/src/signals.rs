//! Signals to oneself.

use core::arch::global_asm;

use crate::call::{Result, call};
use crate::measure::Bench;
use crate::sys;

const SIGACTION: usize = 13;
const SIGUSR1: usize = 10;
const SA_RESTORER: usize = 0x400_0000;
/// `struct sigaction` as the kernel has it: handler, flags, restorer, mask.
type Action = [usize; 4];

// The way back from a handler, which a libc would bring.
global_asm!(
    ".globl bench_restore",
    "bench_restore:",
    "mov $15, %eax",
    "syscall",
    options(att_syntax)
);

unsafe extern "C" {
    fn bench_restore();
}

extern "C" fn handler(_: i32) {}

fn action() -> Action {
    let (handler, restore) = (
        handler as extern "C" fn(i32),
        bench_restore as unsafe extern "C" fn(),
    );
    [handler as usize, SA_RESTORER, restore as usize, 0]
}

fn set(action: &Action) -> Result<()> {
    let mask = size_of::<usize>();
    // SAFETY: a whole action, whose functions live as long as we do.
    unsafe {
        call(
            SIGACTION,
            [SIGUSR1, (&raw const *action) as usize, 0, mask, 0, 0],
        )
    }
    .map(drop)
}

/// Says what shall handle a signal.
pub fn install(bench: &Bench, _: u64) -> Result<()> {
    let action = action();
    bench.measure(b"signal-install", 1, |count| {
        (0..count).try_for_each(|_| set(&action))
    })
}

/// Sends a signal to oneself, handles it and comes back.
pub fn delivery(bench: &Bench, _: u64) -> Result<()> {
    set(&action())?;
    let own = sys::getpid();
    bench.measure(b"signal-delivery", 1, |count| {
        (0..count).for_each(|_| sys::kill(own, SIGUSR1));
        Ok(())
    })
}
