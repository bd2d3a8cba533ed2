//! The few system calls that rustix does not offer, and those with raw structures.

use core::arch::{asm, global_asm};
use core::ffi::c_void;
use core::ptr::null_mut;

use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::{Errno, Result};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

const RT_SIGACTION: usize = 13;
const RT_SIGPROCMASK: usize = 14;
const IOCTL: usize = 16;
const FORK: usize = 57;
const KILL: usize = 62;
const IOPERM: usize = 173;
const PPOLL: usize = 271;
const PRLIMIT64: usize = 302;

/// SIGCHLD's number and its bit in a signal mask.
const SIGCHLD: usize = 17;
const SIGCHLD_BIT: u64 = 1 << (SIGCHLD - 1);
const SA_RESTORER: u64 = 0x0400_0000;
const SIG_BLOCK: usize = 0;
const SIG_SETMASK: usize = 2;
/// Bytes of a kernel signal mask.
const MASK_BYTES: usize = 8;

/// # Safety
/// As the system call `number` demands of these arguments.
unsafe fn call(number: usize, arguments: [usize; 5]) -> Result<usize> {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    // SAFETY: the instruction clobbers rcx and r11 and whatever memory the caller vouches for.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    if (-4095..0).contains(&result) {
        return Err(Errno::from_raw_os_error(-result as i32));
    }
    Ok(result as usize)
}

/// Zeroed memory, or null.
pub fn map(bytes: usize) -> *mut u8 {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: a new anonymous mapping at an address that the kernel chooses touches nothing that exists.
    unsafe { mmap_anonymous(null_mut(), bytes, access, flags) }.map_or(null_mut(), <*mut _>::cast)
}

/// Gives back what [`map`] gave. Failing leaks it, which harms nobody.
///
/// # Safety
/// Nobody uses it any more.
pub unsafe fn unmap(address: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise.
    let _ = unsafe { munmap(address.cast(), bytes) };
}

/// Writes `byte` to I/O port `port`, if the kernel permits it.
pub fn write_port(port: u16, byte: u8) {
    // SAFETY: ioperm takes numbers only.
    if unsafe { call(IOPERM, [port.into(), 1, 1, 0, 0]) }.is_err() {
        return;
    }
    // SAFETY: the permission was granted just now; a port that nothing listens on swallows the byte.
    unsafe { asm!("out dx, al", in("dx") port, in("al") byte, options(nomem, nostack)) };
    // SAFETY: as above. Taken back, because a child would inherit it.
    let _ = unsafe { call(IOPERM, [port.into(), 1, 0, 0, 0]) };
}

/// An ioctl whose argument is a structure that the kernel reads or fills.
pub fn ioctl<T>(fd: BorrowedFd<'_>, request: u32, argument: &mut T) -> Result<()> {
    let argument: *mut T = argument;
    let numbers = [
        fd.as_raw_fd() as usize,
        request as usize,
        argument as usize,
        0,
        0,
    ];
    // SAFETY: the callers' structures are as large as their requests demand, and alive.
    unsafe { call(IOCTL, numbers) }.map(drop)
}

/// An ioctl whose argument is a number.
pub fn ioctl_number(fd: BorrowedFd<'_>, request: u32, argument: usize) -> Result<()> {
    let numbers = [fd.as_raw_fd() as usize, request as usize, argument, 0, 0];
    // SAFETY: the callers' requests take a number and touch no memory.
    unsafe { call(IOCTL, numbers) }.map(drop)
}

/// Sets a resource limit of this process.
pub fn set_limit(resource: u32, soft: u64, hard: u64) -> Result<()> {
    let limit = [soft, hard];
    let numbers = [0, resource as usize, limit.as_ptr() as usize, 0, 0];
    // SAFETY: the kernel reads two numbers and writes nothing.
    unsafe { call(PRLIMIT64, numbers) }.map(drop)
}

/// Sends any signal number, also a real-time one.
pub fn kill(pid: i32, signal: u8) -> Result<()> {
    // SAFETY: kill takes numbers only.
    unsafe { call(KILL, [pid as usize, signal.into(), 0, 0, 0]) }.map(drop)
}

/// Forks; `None` in the child.
pub fn fork() -> Result<Option<i32>> {
    // SAFETY: one thread, so the child's memory is whole.
    let pid = unsafe { call(FORK, [0; 5]) }?;
    Ok((pid != 0).then_some(pid as i32))
}

#[repr(C)]
struct Action {
    handler: unsafe extern "C" fn(),
    flags: u64,
    restorer: unsafe extern "C" fn(),
    mask: u64,
}

unsafe extern "C" {
    /// Returns from a signal handler.
    fn lupine_restorer();
    /// A handler that does nothing: it exists to interrupt `ppoll`.
    fn lupine_child_ended();
}

global_asm!(
    ".globl lupine_restorer",
    "lupine_restorer:",
    "mov $15, %eax", // rt_sigreturn
    "syscall",
    ".globl lupine_child_ended",
    "lupine_child_ended:",
    "ret",
    options(att_syntax),
);

/// From now on SIGCHLD arrives during [`wait`] and at no other time.
pub fn watch_children() -> Result<()> {
    let action = Action {
        handler: lupine_child_ended,
        flags: SA_RESTORER,
        restorer: lupine_restorer,
        mask: 0,
    };
    let action: *const Action = &action;
    mask(SIG_BLOCK, SIGCHLD_BIT)?;
    // SAFETY: the structure is the kernel's, and both functions do what it expects of them.
    unsafe { call(RT_SIGACTION, [SIGCHLD, action as usize, 0, MASK_BYTES, 0]) }.map(drop)
}

/// For the child: blocks nothing. Handlers end with exec by themselves.
pub fn unblock_all() -> Result<()> {
    mask(SIG_SETMASK, 0)
}

fn mask(how: usize, signals: u64) -> Result<()> {
    let signals: *const u64 = &signals;
    // SAFETY: the kernel reads one mask.
    unsafe { call(RT_SIGPROCMASK, [how, signals as usize, 0, MASK_BYTES, 0]) }.map(drop)
}

/// One entry of `poll`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Poll {
    pub fd: i32,
    pub events: i16,
    pub returned: i16,
}

pub const POLLIN: i16 = 1;
pub const POLLOUT: i16 = 4;
pub const POLLERR: i16 = 8;
pub const POLLHUP: i16 = 16;

/// Waits for one of `fds`, for a child's end, or for `limit_ms`.
pub fn wait(fds: &mut [Poll], limit_ms: Option<u32>) {
    let time = limit_ms.map(|ms| [u64::from(ms / 1000), u64::from(ms % 1000) * 1_000_000]);
    let time = time
        .as_ref()
        .map_or(core::ptr::null(), |time| time.as_ptr());
    let none_blocked = 0_u64;
    let numbers = [
        fds.as_mut_ptr() as usize,
        fds.len(),
        time as usize,
        (&raw const none_blocked) as usize,
        MASK_BYTES,
    ];
    for entry in fds.iter_mut() {
        entry.returned = 0;
    }
    // SAFETY: all pointers are to live memory of the length said; the kernel writes `returned` and, on
    // some kernels, the time, which is ours alone. An interruption is a child's end.
    let _: Result<usize> = unsafe { call(PPOLL, numbers) };
}

/// The address as the kernel's structures want it.
pub fn address<T>(value: &T) -> *const c_void {
    (&raw const *value).cast()
}
