//! What libc and the compiler's runtime would bring: the memory functions that
//! the compiler calls, and two names that it wants to see.

use core::arch::global_asm;

// Written with string instructions: small, and quick enough on any processor
// of the last ten years. In assembly, because the compiler may turn a loop in
// Rust into a call of the very function that it implements.
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

/// The prebuilt `core` and `alloc` name it in their unwind tables; nothing calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// As above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() {}
