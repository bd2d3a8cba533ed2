//! ptrace, as far as the recorder uses it.

use crate::sys::{Result, call};

const PTRACE: usize = 101;

const POKE_USER: usize = 6;
const PEEK_DATA: usize = 2;
const CONT: usize = 7;
const SYSCALL: usize = 24;
const GET_EVENT_MESSAGE: usize = 0x4201;
const SEIZE: usize = 0x4206;
const INTERRUPT: usize = 0x4207;
const LISTEN: usize = 0x4208;
const GET_SYSCALL_INFO: usize = 0x420e;

/// Events, also bit numbers of the options that ask for them.
pub const FORK: u32 = 1;
pub const VFORK: u32 = 2;
pub const CLONE: u32 = 3;
pub const EXEC: u32 = 4;
pub const SECCOMP: u32 = 7;
pub const STOP: u32 = 128;
const SYSCALL_GOOD: usize = 1;
const EXIT_KILL: usize = 1 << 20;
/// All of the above; the kernel knows them since 3.8.
const OPTIONS: usize =
    SYSCALL_GOOD | EXIT_KILL | 1 << FORK | 1 << VFORK | 1 << CLONE | 1 << EXEC | 1 << SECCOMP;

/// Offsets in the kernel's `struct user`: the result, and the number of the call.
const RAX: usize = 10 * 8;
const ORIG_RAX: usize = 15 * 8;

/// The architecture word of a call by `syscall`, not by `int 0x80`.
const X86_64: u64 = 0xc000_003e;

/// What a stopped process does at the kernel's door.
pub enum Door {
    /// It enters: whether by the 64-bit door, the number, the arguments.
    Enter(bool, u64, [u64; 6]),
    /// It leaves with a result.
    Leave(i64),
    /// It is elsewhere.
    Away,
}

/// A request whose arguments are numbers or addresses in the other process.
fn request(request: usize, pid: i32, address: usize, data: usize) -> Result<usize> {
    // SAFETY: the callers' requests touch no memory of ours.
    unsafe { call(PTRACE, [request, pid as usize, address, data, 0, 0]) }
}

/// Begins to trace; the process and all its children die when we end.
pub fn seize(pid: i32) -> Result<()> {
    request(SEIZE, pid, 0, OPTIONS).map(drop)
}

/// Asks for a stop.
pub fn interrupt(pid: i32) -> Result<()> {
    request(INTERRUPT, pid, 0, 0).map(drop)
}

/// How far a process goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// To its next entry to or exit from the kernel.
    Door,
    /// To what the filter or an event stops.
    Event,
}

/// Lets a process go on, with a signal or 0. Fails only when it is gone already.
pub fn go_on(pid: i32, until: Until, signal: u32) {
    let how = match until {
        Until::Door => SYSCALL,
        Until::Event => CONT,
    };
    let _ = request(how, pid, 0, signal as usize);
}

/// Leaves a process stopped, as a signal wanted it, until it shall go on.
pub fn listen(pid: i32) {
    let _ = request(LISTEN, pid, 0, 0);
}

/// The number that came with an event: of the new process, or of the thread that called exec.
pub fn message(pid: i32) -> Result<i32> {
    let mut number = 0_usize;
    let address = (&raw mut number) as usize;
    // SAFETY: the kernel writes one number.
    unsafe { call(PTRACE, [GET_EVENT_MESSAGE, pid as usize, 0, address, 0, 0]) }?;
    Ok(number as i32)
}

/// Makes the call that a process is about to make no call at all.
pub fn skip_call(pid: i32) -> Result<()> {
    request(POKE_USER, pid, ORIG_RAX, usize::MAX).map(drop)
}

/// Changes the result of the call that a process leaves.
pub fn set_result(pid: i32, result: i64) {
    let _ = request(POKE_USER, pid, RAX, result as usize);
}

/// Where a process stands that stopped for a system call.
pub fn door(pid: i32) -> Result<Door> {
    // Operation and architecture; two addresses; then number and arguments, or the result.
    let mut words = [0_u64; 11];
    let (size, address) = (size_of_val(&words), words.as_mut_ptr() as usize);
    // SAFETY: the kernel writes no more than `size` bytes.
    unsafe {
        call(
            PTRACE,
            [GET_SYSCALL_INFO, pid as usize, size, address, 0, 0],
        )
    }?;
    let [head, _, _, first, a, b, c, d, e, f, _] = words;
    Ok(match head & 0xff {
        1 | 3 => Door::Enter(head >> 32 == X86_64, first, [a, b, c, d, e, f]),
        2 => Door::Leave(first as i64),
        _ => Door::Away,
    })
}

/// One word of another process.
pub fn peek(pid: i32, address: u64) -> Result<u64> {
    let mut word = 0_u64;
    let into = (&raw mut word) as usize;
    // SAFETY: the kernel writes one word.
    unsafe {
        call(
            PTRACE,
            [PEEK_DATA, pid as usize, address as usize, into, 0, 0],
        )
    }?;
    Ok(word)
}
