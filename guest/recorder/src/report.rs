//! Tells whoever started us whether the program runs: `--report FD`, or stderr.

use lupine_recorder::{RUNS, encode_report};

use crate::sys::{self, EACCES, ENOENT, Errno};
use crate::text::decimal;

/// The program runs.
pub fn runs(report: Option<i32>) {
    if let Some(fd) = report {
        write(fd, RUNS, 0);
    }
}

/// It does not: how far it came, and why. `what` is for a person, where nobody else would say it.
pub fn refused(report: Option<i32>, step: u8, error: Errno, what: &[&[u8]]) {
    let Some(fd) = report else {
        let why: &[u8] = match error {
            ENOENT => b"not found",
            EACCES => b"permission denied",
            _ => &[b"error ", &decimal(error.into())[..]].concat(),
        };
        return sys::say(&[&what.concat(), b": ", why]);
    };
    write(fd, step, error);
}

fn write(fd: i32, step: u8, error: Errno) {
    // Who asked for it and went away hears nothing.
    let _ = sys::write(fd, &encode_report(step, error.into()));
    sys::close(fd);
}
