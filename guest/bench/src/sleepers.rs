//! Processes that sleep beside one that does not.

use crate::call::{Result, call};
use crate::children::{Children, MOST};
use crate::measure::{Bench, numbered};
use crate::{round_trips, syscalls};

const PAUSE: usize = 34;

/// The cheapest call beside `amount` sleepers.
pub fn null(bench: &Bench, amount: u64) -> Result<()> {
    let _sleepers = sleepers(amount)?;
    syscalls::null_as(bench, numbered(b"null-beside", amount).bytes())
}

/// A round trip to another process, with two switches.
pub fn pipe(bench: &Bench, amount: u64) -> Result<()> {
    let _sleepers = sleepers(amount)?;
    round_trips::pipe_as(bench, numbered(b"pipe-beside", amount).bytes())
}

fn sleepers(amount: u64) -> Result<Children> {
    let mut children = Children::new();
    for _ in 0..amount.min(MOST as u64) {
        children.start(|| {
            // SAFETY: takes nothing, and returns only with a signal.
            let _ = unsafe { call(PAUSE, [0; 6]) };
        })?;
    }
    Ok(children)
}
