//! Signals that somebody sends to the recorder are meant for the program.

use core::arch::global_asm;
use core::sync::atomic::{AtomicI32, Ordering};

use crate::sys::{call, kill};

const RT_SIGACTION: usize = 13;
const RT_SIGPROCMASK: usize = 14;
const SIG_SETMASK: usize = 2;
/// Bytes of a signal mask.
const MASK: usize = 8;
const SIGNALS: i32 = 64;
const SA_SIGINFO: u64 = 4;
const SA_RESTORER: u64 = 0x0400_0000;
const SA_RESTART: u64 = 0x1000_0000;

const ILL: i32 = 4;
const TRAP: i32 = 5;
const BUS: i32 = 7;
const FPE: i32 = 8;
const KILL: i32 = 9;
const SEGV: i32 = 11;
/// What a write gives to a recorder whose reader is gone; it stays blocked.
const PIPE: i32 = 13;
const CHLD: i32 = 17;
const STOP: i32 = 19;
/// What cannot be caught, and what is about the recorder itself.
const OURS: [i32; 9] = [ILL, TRAP, BUS, FPE, KILL, SEGV, PIPE, CHLD, STOP];

/// The program's main process.
static MAIN: AtomicI32 = AtomicI32::new(0);

#[repr(C)]
struct Action {
    /// Address of a function, or 0 for what the signal does by itself.
    handler: usize,
    flags: u64,
    restorer: unsafe extern "C" fn(),
    mask: u64,
}

unsafe extern "C" {
    /// Returns from a signal handler.
    fn recorder_restorer();
}

global_asm!(
    ".globl recorder_restorer",
    "recorder_restorer:",
    "mov $15, %eax", // rt_sigreturn
    "syscall",
    options(att_syntax),
);

/// A terminal's signals (positive codes) reach its whole process group, and so the program without us.
extern "C" fn forward(signal: i32, info: *const i32, _context: usize) {
    // SAFETY: the kernel hands over a siginfo, whose third number is the code.
    let code = unsafe { *info.add(2) };
    let main = MAIN.load(Ordering::Relaxed);
    if code <= 0 && main > 0 {
        kill(main, signal);
    }
}

/// Sets the mask of blocked signals; gives back the old one.
pub fn block(mask: u64) -> u64 {
    let mut old = 0_u64;
    let numbers = [(&raw const mask) as usize, (&raw mut old) as usize];
    // SAFETY: the kernel reads one mask and writes one.
    let _ = unsafe {
        call(
            RT_SIGPROCMASK,
            [SIG_SETMASK, numbers[0], numbers[1], MASK, 0, 0],
        )
    };
    old
}

/// From now on signals go to `main`.
pub fn forward_to(main: i32) {
    MAIN.store(main, Ordering::Relaxed);
    let action = Action {
        handler: forward as extern "C" fn(i32, *const i32, usize) as usize,
        flags: SA_SIGINFO | SA_RESTORER | SA_RESTART,
        restorer: recorder_restorer,
        mask: u64::MAX,
    };
    for signal in (1..=SIGNALS).filter(|signal| !OURS.contains(signal)) {
        act(signal, &action);
    }
    block(1 << (PIPE - 1));
}

fn act(signal: i32, action: &Action) {
    let action: *const Action = action;
    let numbers = [signal as usize, action as usize, 0, MASK, 0, 0];
    // SAFETY: the structure is the kernel's, and its functions do what it expects of them.
    let _ = unsafe { call(RT_SIGACTION, numbers) };
}

/// From now on this signal, and no other, does to us what it does by itself.
pub fn let_kill(signal: u8) {
    let action = Action {
        handler: 0,
        flags: SA_RESTORER,
        restorer: recorder_restorer,
        mask: 0,
    };
    act(signal.into(), &action);
    block(!(1 << (signal - 1)));
}

/// Nobody is left to forward to.
pub fn forward_no_more() {
    MAIN.store(0, Ordering::Relaxed);
}
