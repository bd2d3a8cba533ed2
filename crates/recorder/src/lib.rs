//! What the recorder (`guest/recorder`) and its readers say to each other:
//! [`Rule`]s go in, [`Line`]s come out. No input or output here.
//!
//! `no_std`, because the recorder shares the tables. With the feature `embed`
//! (the default) it carries the recorder itself as [`RECORDER`]. Format and
//! grammar: docs/recorder.md.
#![no_std]

extern crate alloc;

mod escape;
mod feature;
pub mod keys;
mod line;
mod names;
pub mod path;
mod record;
mod refusal;
mod report;
mod rule;

pub use escape::escape;
pub use feature::{Feature, Lookup};
pub use line::{End, Hit, Line, ParseError, parse};
pub use names::{errno_name, errno_number, syscall_name, syscall_number};
pub use record::{Record, features, listening};
pub use refusal::refusal;
pub use report::{NO_PROGRAM, NO_USER, NOT_TRACED, REPORT, RUNS, decode_report, encode_report};
pub use rule::{Rule, RuleError};

/// First line of all that a recorder writes; the number is the format's version.
pub const HEADER: &str = "#lupine-record\t1";

/// Added to the number of a system call of the 32-bit interface (`int 0x80`),
/// whose numbers mean other calls.
pub const IA32: u32 = 100_000;

/// `guest/recorder`: a static ELF for x86_64 without libc, for host and guest.
#[cfg(feature = "embed")]
pub static RECORDER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lupine-guest-recorder"));

#[cfg(test)]
mod tests;
