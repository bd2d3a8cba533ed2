//! Workers that wait to be told how often they shall do their work: [`Workers`].

use core::arch::global_asm;

use crate::call::{Result, call};
use crate::children::Children;
use crate::sys;

const CLONE_VM: usize = 0x100;
const CLONE_FS: usize = 0x200;
const CLONE_FILES: usize = 0x400;
const CLONE_SIGHAND: usize = 0x800;
const SIGCHLD: usize = 17;
const STACK: usize = 64 * 1024;
/// As many as there can be at once.
const MOST: usize = 256;
/// No memory, and whatever went wrong in a worker.
const ENOMEM: u16 = 12;
const EIO: u16 = 5;

// A thread begins on a stack of its own, with its function and its argument on top of it.
global_asm!(
    ".globl bench_clone",
    "bench_clone:",
    "mov $56, %eax",
    "xor %edx, %edx",
    "xor %r10d, %r10d",
    "xor %r8d, %r8d",
    "syscall",
    "test %rax, %rax",
    "jnz 1f",
    "xor %ebp, %ebp",
    "pop %rax",
    "pop %rdi",
    "call *%rax",
    "ud2",
    "1: ret",
    options(att_syntax),
);

unsafe extern "C" {
    /// As the system call answers; the child calls the function on its stack.
    fn bench_clone(flags: usize, stack: *mut usize) -> isize;
}

/// What workers are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Each has memory and descriptors of its own.
    Processes,
    /// They share memory, descriptors and signal handlers. That they are no group, so that one can be waited for
    /// without a futex, makes no difference to the scheduler.
    Threads,
}

/// One worker: `work` is done `count` times whenever somebody asks.
#[derive(Clone, Copy)]
pub struct Worker<T: Copy> {
    pub work: fn(T, u64) -> Result<()>,
    pub data: T,
    /// It reads counts from here, and writes a byte when it has done that.
    asked: usize,
    done: usize,
}

impl<T: Copy> Worker<T> {
    fn serve(self) -> ! {
        let mut count = [0; 8];
        while sys::read(self.asked, &mut count) == Ok(count.len()) {
            let status = u8::from((self.work)(self.data, u64::from_ne_bytes(count)).is_err());
            let _ = sys::write(self.done, &[status]);
        }
        sys::exit(0)
    }
}

extern "C" fn begin<T: Copy>(worker: *const Worker<T>) -> ! {
    // SAFETY: it lies on the thread's own stack.
    unsafe { *worker }.serve()
}

/// Workers that run until this is dropped.
pub struct Workers {
    kind: Kind,
    children: Children,
    /// A pipe for each: a worker that is done must not take what is meant for another.
    asking: [[usize; 2]; MOST],
    count: usize,
    answers: [usize; 2],
}

impl Workers {
    /// None yet.
    pub fn new(kind: Kind) -> Result<Self> {
        Ok(Self {
            kind,
            children: Children::new(),
            asking: [[0; 2]; MOST],
            count: 0,
            answers: sys::pipe()?,
        })
    }

    /// One more.
    pub fn add<T: Copy>(&mut self, work: fn(T, u64) -> Result<()>, data: T) -> Result<()> {
        let place = self.asking.get_mut(self.count).ok_or(ENOMEM)?;
        *place = sys::pipe()?;
        let worker = Worker {
            work,
            data,
            asked: place[0],
            done: self.answers[1],
        };
        match self.kind {
            Kind::Processes => self.children.start(|| worker.serve())?,
            Kind::Threads => self.children.adopt(thread(worker)?),
        }
        self.count += 1;
        Ok(())
    }

    /// All do their work so many times; returns when the last one has.
    pub fn work(&self, count: u64) -> Result<()> {
        for [_, worker] in &self.asking[..self.count] {
            sys::write(*worker, &count.to_ne_bytes())?;
        }
        let mut failed = 0;
        for _ in 0..self.count {
            let mut status = [0];
            sys::read(self.answers[0], &mut status)?;
            failed |= status[0];
        }
        if failed == 0 { Ok(()) } else { Err(EIO) }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let pipes = self.asking[..self.count].iter().chain([&self.answers]);
        pipes.flatten().for_each(|fd| sys::close(*fd));
    }
}

/// Starts a thread; its stack stays mapped.
fn thread<T: Copy>(worker: Worker<T>) -> Result<usize> {
    let flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD;
    let stack = sys::map(STACK, false)?;
    let begin: extern "C" fn(*const Worker<T>) -> ! = begin::<T>;
    // SAFETY: the worker, and below it the function and its argument, lie inside of the stack, on multiples of 16.
    let result = unsafe {
        let worker_at: *mut Worker<T> = stack.add(STACK - 256).cast();
        worker_at.write(worker);
        let top: *mut usize = stack.add(STACK - 512).cast();
        top.write(begin as usize);
        top.add(1).write(worker_at as usize);
        bench_clone(flags, top)
    };
    usize::try_from(result).map_err(|_| result.unsigned_abs() as u16)
}

/// Sleeps while `word` has this value.
pub fn futex_wait(word: &core::sync::atomic::AtomicU32, value: u32) {
    futex(word, 0, value);
}

/// Wakes one who sleeps there.
pub fn futex_wake(word: &core::sync::atomic::AtomicU32) {
    futex(word, 1, 1);
}

fn futex(word: &core::sync::atomic::AtomicU32, operation: usize, value: u32) {
    const FUTEX: usize = 202;
    const PRIVATE: usize = 128;
    let address = word.as_ptr() as usize;
    // SAFETY: a word that lives; no time-out. That it changed meanwhile is no error.
    let _ = unsafe {
        call(
            FUTEX,
            [address, operation | PRIVATE, value as usize, 0, 0, 0],
        )
    };
}
