//! Instructions that do nothing, and that whoever counts instructions looks for (bench/plugin/count.c): a `nop` whose
//! address, which nobody computes, says which. They cost nothing on any processor and ask for no right.

use core::arch::asm;

/// What is counted begins.
#[inline(always)]
pub fn begin() {
    // SAFETY: touches neither registers nor memory.
    unsafe {
        asm!(
            ".byte 0x0f, 0x1f, 0x80",
            ".ascii \"LUPB\"",
            options(preserves_flags)
        )
    };
}

/// It ends.
#[inline(always)]
pub fn end() {
    // SAFETY: as above.
    unsafe {
        asm!(
            ".byte 0x0f, 0x1f, 0x80",
            ".ascii \"LUPE\"",
            options(preserves_flags)
        )
    };
}
