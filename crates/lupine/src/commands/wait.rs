//! `lupine wait`.

use std::time::Duration;

use miette::{Result, miette};

use super::stop::ended;
use super::{Context, for_each};
use crate::cli::NamesArgs;
use crate::printer;
use crate::state::Record;

/// Waits for guests to end and prints their exit status.
pub fn wait(context: &Context<'_>, args: &NamesArgs) -> Result<u8> {
    let state = context.state()?;
    for_each(&args.names, |name| {
        let found = state.find(name)?;
        ended(&found, Duration::MAX)?;
        let status = |record: &Record| record.end.as_ref().map(|end| end.status);
        let again = state.find(name);
        let known = again
            .as_ref()
            .ok()
            .and_then(|found| found.record.as_ref().ok());
        match known.and_then(status) {
            Some(status) => printer::line(&status.to_string()),
            None => {
                return Err(miette!(
                    help = "wait for it by its name only if it was started without --rm",
                    "guest {name} has ended and left no record"
                ));
            }
        }
        Ok(())
    })
}
