//! The system calls of the recorder itself.

use alloc::vec::Vec;

pub use crate::call::{Errno, Result, call};

pub const ENOENT: Errno = 2;
pub const EINTR: Errno = 4;
pub const EAGAIN: Errno = 11;
pub const EACCES: Errno = 13;
pub const ENOSYS: Errno = 38;

const READ: usize = 0;
const WRITE: usize = 1;
const OPEN: usize = 2;
const CLOSE: usize = 3;
const POLL: usize = 7;
const MMAP: usize = 9;
const MUNMAP: usize = 11;
const FORK: usize = 57;
const WAIT4: usize = 61;
const KILL: usize = 62;
const FCNTL: usize = 72;
const READLINK: usize = 89;
const EXIT_GROUP: usize = 231;
const PIPE2: usize = 293;

const O_CLOEXEC: usize = 0x8_0000;
const F_SETFD: usize = 2;
const POLLOUT: u64 = 4 << 32;
/// Also of threads and of children that came by clone without SIGCHLD.
const WALL: usize = 0x4000_0000;

/// Zeroed memory, or null.
pub fn map(bytes: usize) -> *mut u8 {
    const READ_WRITE: usize = 3;
    const PRIVATE_ANONYMOUS: usize = 0x22;
    // SAFETY: a new mapping at an address that the kernel chooses touches nothing that exists.
    let address = unsafe {
        call(
            MMAP,
            [0, bytes, READ_WRITE, PRIVATE_ANONYMOUS, usize::MAX, 0],
        )
    };
    address.unwrap_or(0) as *mut u8
}

/// # Safety
/// `map` gave this block, and nobody uses it any more.
pub unsafe fn unmap(block: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise. Failing leaks it, which harms nobody.
    let _ = unsafe { call(MUNMAP, [block as usize, bytes, 0, 0, 0, 0]) };
}

/// Ends this process, and with it all that it traces.
pub fn exit(status: u8) -> ! {
    loop {
        // SAFETY: takes a number.
        let _ = unsafe { call(EXIT_GROUP, [status.into(), 0, 0, 0, 0, 0]) };
    }
}

/// Reads once.
pub fn read(fd: i32, buffer: &mut [u8]) -> Result<usize> {
    let address = buffer.as_mut_ptr() as usize;
    // SAFETY: the kernel writes into the buffer, and no more than its length.
    unsafe { call(READ, [fd as usize, address, buffer.len(), 0, 0, 0]) }
}

/// Writes all of `bytes`, and waits where the other end is slow.
pub fn write(fd: i32, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let address = bytes.as_ptr() as usize;
        // SAFETY: the kernel reads no more than the length.
        match unsafe { call(WRITE, [fd as usize, address, bytes.len(), 0, 0, 0]) } {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(EINTR) => {}
            Err(EAGAIN) => wait_writable(fd),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_writable(fd: i32) {
    let mut entry = POLLOUT | u64::from(fd as u32);
    let address = (&raw mut entry) as usize;
    // SAFETY: one entry of `poll`, laid out as the kernel wants it, which it writes to.
    let _ = unsafe { call(POLL, [address, 1, usize::MAX, 0, 0, 0]) };
}

/// A message for a person.
pub fn say(words: &[&[u8]]) {
    let text = [b"recorder: ", &words.concat()[..], b"\n"].concat();
    // There is nowhere else to say that this failed.
    let _ = write(2, &text);
}

/// Opens the file `path`, which ends with a zero byte.
pub fn open(path: &[u8], flags: usize) -> Result<i32> {
    debug_assert!(path.ends_with(&[0]));
    let address = path.as_ptr() as usize;
    // SAFETY: the path ends with a zero byte.
    unsafe { call(OPEN, [address, flags | O_CLOEXEC, 0, 0, 0, 0]) }.map(|fd| fd as i32)
}

/// Closes a descriptor of ours.
pub fn close(fd: i32) {
    // SAFETY: takes a number; nothing else here uses the descriptor.
    let _ = unsafe { call(CLOSE, [fd as usize, 0, 0, 0, 0, 0]) };
}

/// Keeps a descriptor from the programs that we start.
pub fn close_on_exec(fd: i32) -> Result<()> {
    // SAFETY: takes numbers.
    unsafe { call(FCNTL, [fd as usize, F_SETFD, 1, 0, 0, 0]) }.map(drop)
}

/// Where the symbolic link `path` points, which ends with a zero byte.
pub fn read_link(path: &[u8]) -> Option<Vec<u8>> {
    debug_assert!(path.ends_with(&[0]));
    let mut buffer = [0_u8; 4096];
    let numbers = [path.as_ptr() as usize, buffer.as_mut_ptr() as usize];
    // SAFETY: the path ends with a zero byte; the kernel writes no more than the buffer's length.
    let count = unsafe { call(READLINK, [numbers[0], numbers[1], buffer.len(), 0, 0, 0]) };
    buffer.get(..count.ok()?).map(Into::into)
}

/// The reading and the writing end of a pipe that no other program inherits.
pub fn pipe() -> Result<(i32, i32)> {
    let mut ends = [0_i32; 2];
    let address = ends.as_mut_ptr() as usize;
    // SAFETY: the kernel writes two descriptors.
    unsafe { call(PIPE2, [address, O_CLOEXEC, 0, 0, 0, 0]) }?;
    Ok((ends[0], ends[1]))
}

/// Forks; `None` in the child.
pub fn fork() -> Result<Option<i32>> {
    // SAFETY: one thread, so the child's memory is whole.
    let pid = unsafe { call(FORK, [0; 6]) }?;
    Ok((pid != 0).then_some(pid as i32))
}

/// Sends a signal.
pub fn kill(pid: i32, signal: i32) {
    // SAFETY: takes numbers. Fails when the process is gone, which is as good.
    let _ = unsafe { call(KILL, [pid as usize, signal as usize, 0, 0, 0, 0]) };
}

/// Whether to wait until there is something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    Wait,
    Look,
}

/// The next change of a traced process (of `pid`, or of any for -1): its number and status.
pub fn wait(pid: i32, patience: Patience) -> Result<Option<(i32, u32)>> {
    let mut status = 0_u32;
    let address = (&raw mut status) as usize;
    let flags = WALL | usize::from(patience == Patience::Look);
    loop {
        // SAFETY: the kernel writes one number.
        match unsafe { call(WAIT4, [pid as usize, address, flags, 0, 0, 0]) } {
            Err(EINTR) => {}
            Err(error) => return Err(error),
            Ok(0) => return Ok(None),
            Ok(pid) => return Ok(Some((pid as i32, status))),
        }
    }
}
