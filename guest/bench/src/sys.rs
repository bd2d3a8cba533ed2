//! The system calls, by what they are for here. Descriptors are numbers: nothing here owns one.

use core::ffi::CStr;

use crate::call::{Result, call};

const READ: usize = 0;
const WRITE: usize = 1;
const OPEN: usize = 2;
const CLOSE: usize = 3;
const POLL: usize = 7;
const MMAP: usize = 9;
const MUNMAP: usize = 11;
const DUP: usize = 32;
const NANOSLEEP: usize = 35;
const GETPID: usize = 39;
const FORK: usize = 57;
const EXECVE: usize = 59;
const WAIT4: usize = 61;
const KILL: usize = 62;
const GETPPID: usize = 110;
const CLOCK_GETTIME: usize = 228;
const EXIT_GROUP: usize = 231;
const PIPE2: usize = 293;

const CLOCK_MONOTONIC: usize = 1;
pub const SIGKILL: usize = 9;
const WNOHANG: usize = 1;
/// Also children that came by clone without a signal.
const WALL: usize = 0x4000_0000;

/// A number for the kernel, of which it expects no more than that.
///
/// # Errors
/// The kernel's.
fn plain<const N: usize>(number: usize, numbers: [usize; N]) -> Result<usize> {
    let mut arguments = [0; 6];
    arguments[..N].copy_from_slice(&numbers);
    // SAFETY: the callers below give descriptors, flags and process numbers only.
    unsafe { call(number, arguments) }
}

/// The kernel does next to nothing for it.
#[inline(always)]
pub fn getppid() -> usize {
    // SAFETY: takes nothing.
    unsafe { call(GETPPID, [0; 6]) }.unwrap_or(0)
}

/// This process.
pub fn getpid() -> usize {
    plain(GETPID, []).unwrap_or(0)
}

/// Nanoseconds of a clock that only goes forward.
pub fn now() -> u64 {
    let mut time = [0_u64; 2];
    // SAFETY: the kernel writes seconds and nanoseconds.
    let _ = unsafe {
        call(
            CLOCK_GETTIME,
            [CLOCK_MONOTONIC, (&raw mut time) as usize, 0, 0, 0, 0],
        )
    };
    time[0] * 1_000_000_000 + time[1]
}

/// Sleeps.
pub fn sleep(milliseconds: u64) {
    let time = [milliseconds / 1000, milliseconds % 1000 * 1_000_000];
    // SAFETY: the kernel reads two numbers.
    let _ = unsafe { call(NANOSLEEP, [(&raw const time) as usize, 0, 0, 0, 0, 0]) };
}

/// Reads once.
#[inline(always)]
pub fn read(fd: usize, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the kernel writes no more than the length.
    unsafe {
        call(
            READ,
            [fd, buffer.as_mut_ptr() as usize, buffer.len(), 0, 0, 0],
        )
    }
}

/// Writes once.
#[inline(always)]
pub fn write(fd: usize, bytes: &[u8]) -> Result<usize> {
    // SAFETY: the kernel reads no more than the length.
    unsafe { call(WRITE, [fd, bytes.as_ptr() as usize, bytes.len(), 0, 0, 0]) }
}

/// To stdout.
pub fn print(bytes: &[u8]) {
    // Without a reader there is nobody to tell.
    let _ = write(1, bytes);
}

/// To stderr.
pub fn say(bytes: &[u8]) {
    let _ = write(2, bytes);
}

/// Opens a file.
#[inline(always)]
pub fn open(path: &CStr, flags: usize) -> Result<usize> {
    // SAFETY: the path ends with a zero byte.
    unsafe { call(OPEN, [path.as_ptr() as usize, flags, 0, 0, 0, 0]) }
}

/// Closes a descriptor.
#[inline(always)]
pub fn close(fd: usize) {
    let _ = plain(CLOSE, [fd]);
}

/// Another number for a descriptor.
pub fn dup(fd: usize) -> Result<usize> {
    plain(DUP, [fd])
}

/// The reading and the writing end of a pipe.
pub fn pipe() -> Result<[usize; 2]> {
    let mut ends = [0_u32; 2];
    // SAFETY: the kernel writes two descriptors.
    unsafe { call(PIPE2, [(&raw mut ends) as usize, 0, 0, 0, 0, 0]) }?;
    Ok(ends.map(|end| end as usize))
}

/// Whether something can be read within so long.
pub fn readable(fd: usize, milliseconds: usize) -> bool {
    const POLLIN: u64 = 1 << 32;
    let mut entry = POLLIN | fd as u64;
    // SAFETY: one entry of `poll`, laid out as the kernel wants it, which it writes to.
    let ready = unsafe { call(POLL, [(&raw mut entry) as usize, 1, milliseconds, 0, 0, 0]) };
    ready == Ok(1)
}

/// Memory that reads as zeros, shared with children or copied for them.
pub fn map(bytes: usize, shared: bool) -> Result<*mut u8> {
    const READ_WRITE: usize = 3;
    const ANONYMOUS: usize = 0x20;
    let flags = ANONYMOUS | if shared { 1 } else { 2 };
    // SAFETY: a new mapping at an address that the kernel chooses touches nothing that exists.
    let address = unsafe { call(MMAP, [0, bytes, READ_WRITE, flags, usize::MAX, 0]) };
    Ok(address? as *mut u8)
}

/// Maps a file to be read.
#[inline(always)]
pub fn map_file(fd: usize, bytes: usize) -> Result<*mut u8> {
    const READ: usize = 1;
    const SHARED: usize = 1;
    // SAFETY: as above.
    let address = unsafe { call(MMAP, [0, bytes, READ, SHARED, fd, 0]) };
    Ok(address? as *mut u8)
}

/// # Safety
/// One of the two above gave this, and nobody uses it any more.
#[inline(always)]
pub unsafe fn unmap(block: *mut u8, bytes: usize) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe { call(MUNMAP, [block as usize, bytes, 0, 0, 0, 0]) }.map(drop)
}

/// Forks; `None` in the child.
pub fn fork() -> Result<Option<usize>> {
    let pid = plain(FORK, [])?;
    Ok((pid != 0).then_some(pid))
}

/// Becomes the program `path`, whose words these are; ends where that fails.
pub fn exec(path: &CStr, words: [&CStr; 3]) -> ! {
    let words = words.map(CStr::as_ptr);
    let list = [words[0], words[1], words[2], core::ptr::null()];
    let empty = [core::ptr::null::<u8>()];
    let arguments = [
        path.as_ptr() as usize,
        (&raw const list) as usize,
        (&raw const empty) as usize,
    ];
    let [path, list, environment] = arguments;
    // SAFETY: the lists end with null pointers, the words with zero bytes.
    let _ = unsafe { call(EXECVE, [path, list, environment, 0, 0, 0]) };
    exit(127)
}

/// Waits for a child to end.
pub fn wait(pid: usize) {
    let _ = plain(WAIT4, [pid, 0, WALL, 0]);
}

/// Waits for any child to end.
pub fn wait_any() {
    wait(usize::MAX);
}

/// Whether a child ended, and not with status 0. Tells it once.
pub fn has_failed_child() -> bool {
    let mut status = 0_u32;
    let place = (&raw mut status) as usize;
    // SAFETY: the kernel writes the status.
    let pid = unsafe { call(WAIT4, [usize::MAX, place, WNOHANG | WALL, 0, 0, 0]) };
    pid.is_ok_and(|pid| pid > 0) && status != 0
}

/// Sends a signal.
pub fn kill(pid: usize, signal: usize) {
    let _ = plain(KILL, [pid, signal]);
}

/// Ends this process.
pub fn exit(status: u8) -> ! {
    loop {
        let _ = plain(EXIT_GROUP, [status.into()]);
    }
}
