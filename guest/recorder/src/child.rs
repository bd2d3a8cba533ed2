//! Starts the program, traced before its first instruction.

use lupine_recorder::{NO_PROGRAM, NO_USER};

use crate::exec::execvp;
use crate::filter;
use crate::options::Options;
use crate::report;
use crate::signals;
use crate::sys::{self, ENOENT, Patience, Result};
use crate::trace::{self, Until};
use crate::user::User;
use crate::words::Words;

/// Exit statuses, as a shell's: no tracing, not runnable, not found.
pub const NO_TRACE: u8 = 125;
const NOT_RUNNABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// What the child says of itself before it waits.
const FILTERED: u8 = 1;
const UNFILTERED: u8 = 0;

/// The program's main process, about to call exec.
pub struct Child {
    pub pid: i32,
    /// Whether ordinary calls pass without a stop.
    pub filtered: bool,
}

/// Starts the process, traced and with a filter if it can have one.
pub fn start(options: &Options, environment: Words) -> Result<Child> {
    // What arrives now waits until we can forward it.
    let mask = signals::block(u64::MAX);
    let (go, gate) = sys::pipe()?;
    let (hear, tell) = sys::pipe()?;
    let Some(pid) = sys::fork()? else {
        sys::close(gate);
        let filtered = !options.every && filter::install(&options.rules).is_ok();
        let state = if filtered { FILTERED } else { UNFILTERED };
        let told = sys::write(tell, &[state]);
        let mut byte = [0];
        if told.is_err() || sys::read(go, &mut byte) != Ok(1) {
            sys::exit(NO_TRACE);
        }
        if let Some(Err(error)) = options.user.as_ref().map(User::assume) {
            report::refused(options.report, NO_USER, error, &[b"cannot become the user"]);
            sys::exit(NOT_RUNNABLE);
        }
        signals::block(mask);
        become_program(options, environment);
    };
    sys::close(go);
    sys::close(tell);
    let mut state = [UNFILTERED];
    let heard = sys::read(hear, &mut state);
    sys::close(hear);
    let traced = heard.and_then(|_| catch(pid));
    if traced.is_ok() {
        // A pipe with room, and a reader that waits.
        let _ = sys::write(gate, &[1]);
    }
    sys::close(gate);
    traced?;
    signals::forward_to(pid);
    let filtered = state == [FILTERED];
    Ok(Child { pid, filtered })
}

/// Traces a process that waits, so that it will stop at its next call.
fn catch(pid: i32) -> Result<()> {
    trace::seize(pid)?;
    trace::interrupt(pid)?;
    sys::wait(pid, Patience::Wait)?;
    trace::go_on(pid, Until::Door, 0);
    Ok(())
}

fn become_program(options: &Options, environment: Words) -> ! {
    let mut words = options.program;
    let name = words.next().unwrap_or_default();
    let error = execvp(options.program, environment);
    report::refused(options.report, NO_PROGRAM, error, &[b"cannot run ", name]);
    sys::exit(match error {
        ENOENT => NOT_FOUND,
        _ => NOT_RUNNABLE,
    })
}
