//! `lupine rm`.

use miette::Result;

use super::stop::end_now;
use super::{Context, for_each};
use crate::cli::RmArgs;
use crate::state::StateError;
use crate::{printer, tap};

/// Removes guests that have ended.
pub fn rm(context: &Context<'_>, args: &RmArgs) -> Result<u8> {
    let state = context.state()?;
    for_each(&args.names, |name| {
        let found = match state.find(name) {
            // Docker's -f is content with a guest that is not there, too.
            Err(StateError::NoSuchGuest { .. }) if args.force => return Ok(()),
            other => other?,
        };
        if args.force && found.live {
            end_now(&found)?;
        }
        state.remove(&found.dir)?;
        let had_tap = found
            .record
            .as_ref()
            .is_ok_and(|record| record.tap.is_some());
        if had_tap {
            tap::sweep();
        }
        printer::line(name);
        Ok(())
    })
}
