//! `lupine stop`, and how an end is brought about and awaited.

use std::thread::sleep;
use std::time::{Duration, Instant};

use miette::{Result, miette};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::{Context, for_each};
use crate::cli::StopArgs;
use crate::printer;
use crate::state::{Found, Record, Request, send_request};

/// How often the guest is looked at.
const INTERVAL: Duration = Duration::from_millis(10);
/// A monitor that is alive ends its guest well within this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks guests to stop, then kills them.
pub fn stop(context: &Context<'_>, args: &StopArgs) -> Result<u8> {
    let state = context.state()?;
    for_each(&args.names, |name| {
        let found = state.find(name)?;
        if found.live {
            let signal = found
                .record
                .as_ref()
                .map_or(15, |record| record.stop_signal);
            request(&found, Request::Signal(signal))?;
            if !ended(&found, Duration::from_secs(args.time.0))? {
                end_now(&found)?;
            }
        }
        printer::line(name);
        Ok(())
    })
}

/// Asks a guest's monitor for something.
///
/// # Errors
/// When the request cannot be written.
pub fn request(found: &Found, request: Request) -> Result<()> {
    let pid = |record: &Record| record.monitor_pid;
    let monitor = found.record.as_ref().ok().and_then(pid);
    Ok(send_request(&found.dir, monitor, request)?)
}

/// Waits up to `limit` for a guest's end; tells whether it came.
///
/// # Errors
/// When its lock cannot be read.
pub fn ended(found: &Found, limit: Duration) -> Result<bool> {
    let start = Instant::now();
    loop {
        if !found.dir.is_live()? {
            return Ok(true);
        }
        if start.elapsed() >= limit {
            return Ok(false);
        }
        sleep(INTERVAL);
    }
}

/// Kills a guest, and its monitor too if that does not answer.
///
/// # Errors
/// When it lives on nevertheless.
pub fn end_now(found: &Found) -> Result<()> {
    request(found, Request::Kill)?;
    if ended(found, PATIENCE)? {
        return Ok(());
    }
    // A stopped or stuck monitor: the lock says that these processes are still its own.
    let pid = |pid: Option<u32>| pid.and_then(|pid| i32::try_from(pid).ok());
    if let Ok(record) = &found.record {
        if let Some(monitor) = pid(record.monitor_pid) {
            let _ = kill(Pid::from_raw(monitor), Signal::SIGKILL);
        }
        if let Some(vmm) = pid(record.vmm_pid) {
            let _ = killpg(Pid::from_raw(vmm), Signal::SIGKILL);
        }
    }
    if ended(found, PATIENCE)? {
        return Ok(());
    }
    Err(miette!(
        help = format!(
            "find who holds its lock: fuser {}",
            found.dir.path.join("lock").display()
        ),
        "guest {} cannot be killed",
        found.dir.name
    ))
}
