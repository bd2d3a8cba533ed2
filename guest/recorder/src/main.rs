//! The recorder: runs a program, tells what it asks of the kernel, and refuses
//! what it is told to refuse. See docs/recorder.md.
#![no_std]
#![no_main]

extern crate alloc;

mod asked;
mod child;
mod filter;
mod follow;
mod heap;
mod options;
mod output;
mod path;
mod peer;
mod refusal;
mod rules;
mod signals;
mod start;
mod sys;
mod task;
mod text;
mod trace;
mod user;

use crate::follow::Follower;
use crate::options::{Options, Words};

fn main(arguments: Words, environment: Words) -> ! {
    let Some(options) = Options::read(arguments) else {
        sys::exit(child::NO_TRACE);
    };
    if options.output > 2 && sys::close_on_exec(options.output).is_err() {
        sys::say(&[b"--output is no open file"]);
        sys::exit(child::NO_TRACE);
    }
    match child::start(&options, environment) {
        Ok(child) => sys::exit(Follower::new(&child, options).follow()),
        Err(error) => {
            sys::say(&[b"cannot trace: error ", &text::decimal(error.into())]);
            sys::exit(child::NO_TRACE)
        }
    }
}
