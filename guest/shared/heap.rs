//! The heap of a program with one thread: free blocks by size, cut from pages of the kernel.

use alloc::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::null_mut;

use crate::sys;

/// Classes are powers of two, the smallest of these many bytes.
const SMALLEST: usize = 16;
/// Up to 32 KiB; larger blocks are mappings of their own.
const CLASSES: usize = 12;
const PAGE: usize = 4096;
/// Bytes taken from the kernel at a time; a multiple of every class.
const CHUNK: usize = 64 * 1024;

struct Heap(UnsafeCell<State>);

struct State {
    /// For each class the first free block; a free block begins with the address of the next.
    free: [*mut u8; CLASSES],
    /// The rest of the present chunk.
    fresh: *mut u8,
    left: usize,
}

// SAFETY: these programs have a single thread, and their signal handlers allocate nothing.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(State {
    free: [null_mut(); CLASSES],
    fresh: null_mut(),
    left: 0,
}));

/// The class of a block, or `None` for one that is a mapping of its own.
fn class(layout: Layout) -> Option<usize> {
    let size = layout.size().max(layout.align()).max(SMALLEST);
    let power = size.checked_next_power_of_two()?.trailing_zeros();
    let class = (power - SMALLEST.trailing_zeros()) as usize;
    (class < CLASSES).then_some(class)
}

impl State {
    fn take(&mut self, class: usize) -> *mut u8 {
        let block = self.free[class];
        if block.is_null() {
            return self.cut(SMALLEST << class);
        }
        // SAFETY: a free block is at least 16 bytes, aligned to its size, and begins with the next one's address.
        self.free[class] = unsafe { *block.cast::<*mut u8>() };
        block
    }

    /// Aligned to the block's size, up to a page. What is skipped is lost: little, and seldom.
    fn cut(&mut self, size: usize) -> *mut u8 {
        let skip = (self.fresh as usize).wrapping_neg() & (size.min(PAGE) - 1);
        if self.left < size + skip {
            self.fresh = sys::map(CHUNK);
            self.left = if self.fresh.is_null() { 0 } else { CHUNK };
            if self.left == 0 {
                return null_mut();
            }
            return self.cut(size);
        }
        let block = self.fresh.wrapping_add(skip);
        self.fresh = block.wrapping_add(size);
        self.left -= size + skip;
        block
    }
}

// SAFETY: blocks do not overlap: each is cut once and is either in one list or in use. They are aligned to their
// size up to a page, `class` makes the size at least the alignment, and nothing here asks for more than a page.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and nothing below comes back here.
        let state = unsafe { &mut *self.0.get() };
        match class(layout) {
            Some(class) => state.take(class),
            None => sys::map(layout.size()),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        let state = unsafe { &mut *self.0.get() };
        let Some(class) = class(layout) else {
            // SAFETY: `alloc` mapped exactly this, and the caller is done with it.
            unsafe { sys::unmap(block, layout.size()) };
            return;
        };
        // SAFETY: the caller gives back at least 16 aligned bytes.
        unsafe { *block.cast::<*mut u8>() = state.free[class] };
        state.free[class] = block;
    }
}
