//! What libc and the compiler's runtime would bring: the entry point, the
//! memory functions that the compiler calls, and the end of all panics.

use core::arch::global_asm;
use core::panic::PanicInfo;

use crate::options::Words;
use crate::sys;

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
    start = sym recorder_start,
    options(att_syntax),
);

// In assembly, because the compiler may turn a loop in Rust into a call of the
// very function that it implements.
global_asm!(
    ".globl memcpy",
    "memcpy:",
    "mov %rdi, %rax",
    "mov %rdx, %rcx",
    "rep movsb",
    "ret",
    ".globl memmove",
    "memmove:",
    "mov %rdi, %rax",
    "mov %rdx, %rcx",
    "mov %rdi, %r8",
    "sub %rsi, %r8",
    "cmp %rdx, %r8", // unsigned: the destination does not begin inside the source
    "jae 1f",
    "lea -1(%rdi,%rdx), %rdi",
    "lea -1(%rsi,%rdx), %rsi",
    "std",
    "rep movsb",
    "cld",
    "ret",
    "1: rep movsb",
    "ret",
    ".globl memset",
    "memset:",
    "mov %rdi, %r8",
    "mov %esi, %eax",
    "mov %rdx, %rcx",
    "rep stosb",
    "mov %r8, %rax",
    "ret",
    ".globl bcmp",
    ".globl memcmp",
    "bcmp:",
    "memcmp:",
    "xor %eax, %eax",
    "mov %rdx, %rcx",
    "cmp %rax, %rax", // a length of zero leaves the flags as they are: equal
    "repe cmpsb",
    "je 1f",
    "movzbl -1(%rdi), %eax",
    "movzbl -1(%rsi), %ecx",
    "sub %ecx, %eax",
    "1: ret",
    ".globl strlen",
    "strlen:",
    "xor %eax, %eax",
    "1: cmpb $0, (%rdi,%rax)",
    "je 2f",
    "inc %rax",
    "jmp 1b",
    "2: ret",
    options(att_syntax),
);

/// `stack` is what the kernel left: a count, that many arguments, null,
/// the environment, null.
extern "C" fn recorder_start(stack: *const usize) -> ! {
    // SAFETY: the kernel puts the count there.
    let count = unsafe { *stack };
    let arguments = stack.wrapping_add(1).cast();
    let environment = stack.wrapping_add(count + 2).cast();
    // SAFETY: both lists end with a null pointer, their strings with a zero, and they live as long as we do.
    let words = unsafe { (Words::new(arguments), Words::new(environment)) };
    crate::main(words.0, words.1)
}

/// There is nobody to unwind for. The kernel kills what we trace when we end.
/// Where it happened is not said: that would make the program a fifth larger.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    sys::say(&[b"failed: this is a bug of the recorder"]);
    sys::exit(125)
}

/// The prebuilt `core` and `alloc` name it in their unwind tables; nothing calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// As above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() {}
