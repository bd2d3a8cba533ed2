//! The entry point of a program with a command line, and the end of all panics. The program has a `main`, and a
//! `failed` that says so and ends.

use core::arch::global_asm;
use core::panic::PanicInfo;

use crate::words::Words;

// The kernel enters with the argument count, the arguments and the environment
// on the stack. Fixed address, no relocations: nothing else to set up.
global_asm!(
    ".globl _start",
    "_start:",
    "xor %ebp, %ebp",
    "mov %rsp, %rdi",
    "and $-16, %rsp",
    "call {start}",
    "ud2",
    start = sym start,
    options(att_syntax),
);

/// `stack` is what the kernel left: a count, that many arguments, null,
/// the environment, null.
extern "C" fn start(stack: *const usize) -> ! {
    // SAFETY: the kernel puts the count there.
    let count = unsafe { *stack };
    let arguments = stack.wrapping_add(1).cast();
    let environment = stack.wrapping_add(count + 2).cast();
    // SAFETY: both lists end with a null pointer, their strings with a zero, and they live as long as we do.
    let words = unsafe { (Words::new(arguments), Words::new(environment)) };
    crate::main(words.0, words.1)
}

/// There is nobody to unwind for. Where it happened is not said: that would make the program a fifth larger.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    crate::failed()
}
