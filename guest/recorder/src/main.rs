//! The recorder: runs a program, tells what it asks of the kernel, and refuses
//! what it is told to refuse. See docs/recorder.md.
#![no_std]
#![no_main]

extern crate alloc;

mod asked;
#[path = "../../shared/call.rs"]
mod call;
mod child;
mod end;
#[path = "../../shared/exec.rs"]
mod exec;
mod filter;
mod follow;
#[path = "../../shared/heap.rs"]
mod heap;
mod options;
mod output;
mod path;
mod peer;
mod refusal;
mod report;
mod rules;
#[path = "../../shared/runtime.rs"]
mod runtime;
mod signals;
#[path = "../../shared/start.rs"]
mod start;
mod sys;
mod task;
mod text;
mod trace;
mod user;
#[path = "../../shared/words.rs"]
mod words;

use lupine_recorder::NOT_TRACED;

use crate::follow::Follower;
use crate::options::Options;
use crate::words::Words;

fn main(arguments: Words, environment: Words) -> ! {
    let Some(options) = Options::read(arguments) else {
        sys::exit(child::NO_TRACE);
    };
    // The program inherits neither.
    let ours = [Some(options.output), options.report];
    for fd in ours.into_iter().flatten().filter(|fd| *fd > 2) {
        if sys::close_on_exec(fd).is_err() {
            sys::say(&[b"--output or --report is no open file"]);
            sys::exit(child::NO_TRACE);
        }
    }
    match child::start(&options, environment) {
        Ok(child) => end::end(Follower::new(&child, options).follow()),
        Err(error) => {
            report::refused(options.report, NOT_TRACED, error, &[b"cannot trace"]);
            sys::exit(child::NO_TRACE)
        }
    }
}

/// The kernel kills what we trace when we end.
fn failed() -> ! {
    sys::say(&[b"failed: this is a bug of the recorder"]);
    sys::exit(125)
}
