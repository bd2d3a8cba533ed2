//! The entry point, and the end of all panics.

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
