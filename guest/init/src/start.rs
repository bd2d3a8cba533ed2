//! What libc and the compiler's runtime would bring: the entry point, the
//! memory functions that the compiler calls, and the end of all panics.

use core::arch::global_asm;
use core::panic::PanicInfo;

use crate::files::console;
use crate::text::number;

// The kernel enters with the stack aligned to 16 bytes and the argument count
// on it. Nothing here wants the arguments. Fixed address, no relocations, no
// thread-local storage: nothing else to set up. `lupine_start` never returns.
global_asm!(
    ".globl _start",
    "_start:",
    "xor %ebp, %ebp",
    "and $-16, %rsp",
    "call {start}",
    "ud2",
    start = sym lupine_start,
    options(att_syntax),
);

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

extern "C" fn lupine_start() -> ! {
    crate::main()
}

/// There is nobody to unwind for: tell the console, and let the kernel say
/// the rest, which panics when PID 1 ends.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let line = info.location().map_or(0, core::panic::Location::line);
    let file = info.location().map_or("", core::panic::Location::file);
    let text = ["lupine: init failed at ", file, ":", &number(line), "\n"].concat();
    console(&text);
    rustix::runtime::exit_group(70)
}

/// The prebuilt `core` and `alloc` name it in their unwind tables; nothing calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// As above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() {}
