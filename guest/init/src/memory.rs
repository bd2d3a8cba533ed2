//! The heap: lists of free blocks by size, blocks cut from pages of the kernel.

use alloc::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::null_mut;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// Bytes of the smallest block; each class is twice as large as the one before.
const SMALLEST: usize = 32;
/// Classes from 32 bytes to 64 KiB. Larger blocks are mappings of their own.
const CLASSES: usize = 12;
/// Bytes taken from the kernel at a time.
const CHUNK: usize = 128 * 1024;

struct Heap(UnsafeCell<State>);

struct State {
    /// For each class the first free block, which holds the address of the next.
    free: [*mut u8; CLASSES],
    /// The rest of the present chunk.
    fresh: *mut u8,
    left: usize,
}

// SAFETY: PID 1 has a single thread, and its signal handler allocates nothing.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(State {
    free: [null_mut(); CLASSES],
    fresh: null_mut(),
    left: 0,
}));

/// The class of a block, or `None` for one that is a mapping of its own.
fn class(layout: &Layout) -> Option<usize> {
    let size = layout
        .size()
        .max(layout.align())
        .max(SMALLEST)
        .checked_next_power_of_two()?;
    let class = (size.trailing_zeros() - SMALLEST.trailing_zeros()) as usize;
    (class < CLASSES).then_some(class)
}

fn map(bytes: usize) -> *mut u8 {
    let flags = MapFlags::PRIVATE;
    // SAFETY: a new anonymous mapping at an address that the kernel chooses touches nothing that exists.
    unsafe { mmap_anonymous(null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, flags) }
        .map_or(null_mut(), <*mut _>::cast)
}

impl State {
    fn take(&mut self, class: usize) -> *mut u8 {
        let Some(head) = self.free.get_mut(class) else {
            return null_mut();
        };
        if !head.is_null() {
            let block = *head;
            // SAFETY: a block in a list is at least 32 bytes, aligned to its size, and begins with the next one's address.
            *head = unsafe { *block.cast::<*mut u8>() };
            return block;
        }
        self.cut(SMALLEST << class)
    }

    /// Blocks are aligned to their size, up to a page, because chunks are
    /// cut from the end of a run of pages that only ever shrinks by
    /// multiples of what is aligned below it.
    fn cut(&mut self, size: usize) -> *mut u8 {
        let skip = (self.fresh as usize).wrapping_neg() & (size.min(4096) - 1);
        if self.left < size + skip {
            self.fresh = map(CHUNK);
            if self.fresh.is_null() {
                self.left = 0;
                return null_mut();
            }
            self.left = CHUNK;
            return self.cut(size);
        }
        let block = self.fresh.wrapping_add(skip);
        self.fresh = block.wrapping_add(size);
        self.left -= size + skip;
        block
    }
}

// SAFETY: blocks do not overlap: each is cut once, and is either in one list or in use. Their alignment is
// their size up to a page, and `class` makes the size at least the alignment; nothing asks for more than a page.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and no call below comes back here.
        let state = unsafe { &mut *self.0.get() };
        match class(&layout) {
            Some(class) => state.take(class),
            None => map(layout.size()),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        let state = unsafe { &mut *self.0.get() };
        let Some(class) = class(&layout) else {
            // SAFETY: `alloc` mapped exactly this. Failing leaks it, which harms nobody.
            let _ = unsafe { munmap(block.cast(), layout.size()) };
            return;
        };
        if let Some(head) = state.free.get_mut(class) {
            // SAFETY: the caller gives the block back: at least 32 aligned bytes that nobody uses.
            unsafe { *block.cast::<*mut u8>() = *head };
            *head = block;
        }
    }
}
