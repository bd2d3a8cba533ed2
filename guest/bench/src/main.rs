//! Repeats operations of the kernel and says how long each took: see docs/bench.md.
//!
//! ```text
//! bench MILLISECONDS OPERATION[:NUMBER]...
//! bench MILLISECONDS serve (NAME keep|connect PORT REQUEST)... -- SERVER [ARGUMENT]...
//! ```
//!
//! Each operation is repeated for at least so long, and writes a line: `NAME COUNT NANOSECONDS`, or `NAME - ERRNO`
//! where the kernel lacks something. Its loop stands between two instructions that a counter can see. `BENCH_ENTRY=call`
//! in the environment has it enter the kernel by calls.
#![no_std]
#![no_main]

#[path = "../../shared/call.rs"]
mod call;
mod children;
mod crossing;
mod entry;
#[path = "../../shared/exec.rs"]
mod exec;
mod mark;
mod measure;
mod messaging;
mod pages;
mod parallel;
mod processes;
mod round_trips;
#[path = "../../shared/runtime.rs"]
mod runtime;
mod serve;
mod signals;
mod sleepers;
#[path = "../../shared/start.rs"]
mod start;
mod sys;
mod syscalls;
#[path = "../../shared/words.rs"]
mod words;
mod workers;

use core::ffi::CStr;

use crate::call::Result;
use crate::measure::{Bench, number};
use crate::words::Words;

/// Measures one thing; its number says how much of something, and is 0 where none was given.
type Operation = fn(&Bench, u64) -> Result<()>;

/// What can be asked for.
const OPERATIONS: [(&[u8], Operation); 26] = [
    (b"null", syscalls::null),
    (b"read", syscalls::read),
    (b"write", syscalls::write),
    (b"stat", syscalls::stat),
    (b"fstat", syscalls::fstat),
    (b"open-close", syscalls::open_close),
    (b"select", syscalls::select),
    (b"signal-install", signals::install),
    (b"signal-delivery", signals::delivery),
    (b"fork", processes::fork_exit),
    (b"exec", processes::fork_exec),
    (b"pipe", round_trips::pipe),
    (b"unix", round_trips::unix),
    (b"tcp", round_trips::tcp),
    (b"context-switch", round_trips::ring),
    (b"page-fault", pages::fault),
    (b"mmap", pages::map_unmap),
    (b"work", crossing::work),
    (b"null-beside", sleepers::null),
    (b"pipe-beside", sleepers::pipe),
    (b"processes", messaging::processes),
    (b"threads", messaging::threads),
    (b"semaphore", parallel::semaphore),
    (b"futex", parallel::futex),
    (b"make", parallel::make),
    // What `exec` and `make` start.
    (b"spin", parallel::spin),
];

fn main(mut arguments: Words, environment: Words) -> ! {
    let program = arguments.next().map_or(c"", |word| {
        // SAFETY: words end with a zero byte.
        unsafe { CStr::from_ptr(word.as_ptr().cast()) }
    });
    if !entry::choose(environment) {
        sys::say(b"bench: this kernel has no entry for calls\n");
        sys::exit(2);
    }
    let Some(milliseconds) = arguments.next().and_then(number) else {
        sys::say(b"bench: give a number of milliseconds, and operations\n");
        sys::exit(2);
    };
    let bench = Bench::new(milliseconds, program);
    let mut rest = arguments;
    if rest.next() == Some(b"serve") {
        sys::exit(serve::serve(&bench, rest, environment));
    }
    for word in arguments {
        if !run(&bench, word) {
            sys::say(b"bench: there is no such operation\n");
            sys::exit(2);
        }
    }
    sys::exit(0)
}

/// Runs `NAME[:NUMBER]`, if there is such an operation.
fn run(bench: &Bench, word: &'static [u8]) -> bool {
    let mut parts = word.splitn(2, |byte| *byte == b':');
    let name = parts.next().unwrap_or_default();
    let amount = parts.next().map_or(Some(0), number);
    let known = OPERATIONS.iter().find(|(known, _)| *known == name);
    let (Some((_, operation)), Some(amount)) = (known, amount) else {
        return false;
    };
    if let Err(errno) = operation(bench, amount) {
        measure::line(word, None, errno.into());
    }
    true
}

fn failed() -> ! {
    sys::say(b"bench: failed: this is a bug of it\n");
    sys::exit(125)
}
