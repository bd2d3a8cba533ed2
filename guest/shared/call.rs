//! The one place in which these programs ask the kernel.

use core::arch::asm;
use core::sync::atomic::{AtomicUsize, Ordering};

/// An error number.
pub type Errno = u16;
/// What the kernel answered.
pub type Result<T> = core::result::Result<T, Errno>;

/// The kernel's greatest error number.
const ERRNO_MAX: isize = 4095;

/// What to call instead of executing `syscall`, if not 0: see docs/kml.md.
pub static ENTRY: AtomicUsize = AtomicUsize::new(0);

/// # Safety
/// As the system call `number` demands of these arguments.
pub unsafe fn call(number: usize, arguments: [usize; 6]) -> Result<usize> {
    let [a, b, c, d, e, f] = arguments;
    let result: isize;
    // SAFETY: either way clobbers rcx, r11 and flags, and whatever memory the caller vouches for.
    unsafe {
        asm!(
            "test {entry}, {entry}",
            "jnz 2f",
            "syscall",
            "jmp 3f",
            "2: call {entry}",
            "3:",
            entry = in(reg) ENTRY.load(Ordering::Relaxed),
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    if (-ERRNO_MAX..0).contains(&result) {
        return Err(-result as Errno);
    }
    Ok(result as usize)
}
