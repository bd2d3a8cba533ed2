//! `lupine kill`.

use miette::Result;

use super::stop::{end_now, request};
use super::{Context, for_each};
use crate::cli::KillArgs;
use crate::cli::values::SignalNumber;
use crate::printer;
use crate::state::{Request, StateError};

/// Kills guests, or sends their applications a signal.
pub fn kill(context: &Context<'_>, args: &KillArgs) -> Result<u8> {
    let state = context.state()?;
    for_each(&args.names, |name| {
        let found = state.find(name)?;
        if !found.live {
            return Err(StateError::NotRunning { name: name.into() }.into());
        }
        if args.signal == SignalNumber::KILL {
            end_now(&found)?;
        } else {
            request(&found, Request::Signal(args.signal.0))?;
        }
        printer::line(name);
        Ok(())
    })
}
