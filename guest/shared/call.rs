//! The one instruction by which these programs ask the kernel.

use core::arch::asm;

/// An error number.
pub type Errno = u16;
/// What the kernel answered.
pub type Result<T> = core::result::Result<T, Errno>;

/// The kernel's greatest error number.
const ERRNO_MAX: isize = 4095;

/// # Safety
/// As the system call `number` demands of these arguments.
pub unsafe fn call(number: usize, arguments: [usize; 6]) -> Result<usize> {
    let [a, b, c, d, e, f] = arguments;
    let result: isize;
    // SAFETY: the instruction clobbers rcx and r11, and whatever memory the caller vouches for.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    if (-ERRNO_MAX..0).contains(&result) {
        return Err(-result as Errno);
    }
    Ok(result as usize)
}
