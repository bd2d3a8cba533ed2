//! A monitor in a process of its own, and how it is started.
//!
//! The guest's lock is inherited as the monitor's stdin, so that it is never
//! free between the two processes; the monitor's stdout is a pipe that says
//! when the guest is ready.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;

use lupine_store::{At, Store, write_atomically};
use miette::{IntoDiagnostic, MietteDiagnostic, Report, Result, miette};
use serde::{Deserialize, Serialize};

use super::conclude::failure;
use super::{Inbox, Launch, Monitor};
use crate::progress::{Reporter, Verbosity};
use crate::state::{EndRecord, GuestDir, Refusals, State};

/// What the monitor says to the command that started it, as one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Ready,
    Failed {
        status: u8,
        text: String,
        hint: Option<String>,
    },
}

/// Says that the guest is ready.
pub(super) fn say_ready(pipe: &mut File) {
    say(pipe, &Word::Ready);
}

/// Says that the guest ended before it was ready.
pub(super) fn say_failed(pipe: &mut File, report: Option<&Report>, end: &EndRecord) {
    let (text, hint) = failure(report, end);
    let status = end.status;
    say(pipe, &Word::Failed { status, text, hint });
}

fn say(pipe: &mut File, word: &Word) {
    let mut line = serde_json::to_vec(word).unwrap_or_default();
    line.push(b'\n');
    // The command may have been killed meanwhile; the guest does not mind.
    let _ = pipe.write_all(&line);
}

/// Starts a monitor for the guest in `dir`, whose lock it inherits, and waits
/// until the guest is ready.
///
/// # Errors
/// The exit status for `run` and why the guest is not ready.
pub fn start_detached(
    state: &State,
    store: &Store,
    dir: &GuestDir,
    lock: File,
    launch: &Launch,
) -> Result<(), (u8, Report)> {
    write_launch(dir, launch).map_err(|report| (125, report))?;
    let pipe = spawn(state, store, dir, lock).map_err(|report| (125, report))?;
    let mut line = String::new();
    let read = BufReader::new(pipe).read_line(&mut line);
    match (read, serde_json::from_str(&line)) {
        (Ok(_), Ok(Word::Ready)) => Ok(()),
        (Ok(_), Ok(Word::Failed { status, text, hint })) => {
            let mut diagnostic = MietteDiagnostic::new(text);
            if let Some(hint) = hint {
                diagnostic = diagnostic.with_help(hint.replace("NAME", &dir.name));
            }
            Err((status, Report::new(diagnostic)))
        }
        _ => Err((125, monitor_died(dir))),
    }
}

fn monitor_died(dir: &GuestDir) -> Report {
    let said = std::fs::read_to_string(dir.path.join("monitor.log")).unwrap_or_default();
    miette!(
        help = format!(
            "lupine ps -a shows what is left of it; remove it: lupine rm {}",
            dir.name
        ),
        "the monitor of guest {} died before the guest was ready{}{}",
        dir.name,
        if said.is_empty() { "" } else { ":\n" },
        said.trim_end()
    )
}

fn write_launch(dir: &GuestDir, launch: &Launch) -> Result<()> {
    let path = dir.path.join("launch.json");
    let text = serde_json::to_vec(launch).into_diagnostic()?;
    Ok(write_atomically(&path, &text)?)
}

fn spawn(state: &State, store: &Store, dir: &GuestDir, lock: File) -> Result<std::io::PipeReader> {
    let (reader, writer) = std::io::pipe().into_diagnostic()?;
    let running = crate::own::program()?
        .args(["monitor", &dir.name])
        .current_dir("/")
        // The variables may be relative to the directory that is left here.
        .env("LUPINE_STATE", state.root())
        .env("LUPINE_CACHE", store.root())
        .stdin(lock)
        .stdout(writer)
        .log_to(dir.path.join("monitor.log"))
        .outlive()
        .spawn()?;
    // Dropping it would kill the monitor; it is on its own now.
    std::mem::forget(running);
    Ok(reader)
}

/// `lupine monitor NAME`.
///
/// # Errors
/// When the guest cannot be booted.
pub fn monitor(name: &str, state: &State, store: &Store) -> Result<u8> {
    let inbox = Inbox::catching_signals()?;
    let found = state.find(name)?;
    let dir = found.dir.clone();
    let lock = inherited(std::io::stdin().as_fd())?;
    let notify = inherited(std::io::stdout().as_fd())?;
    close_stdout()?;
    if !found.live {
        return Err(miette!("the monitor of {name} did not inherit its lock"));
    }
    let path = dir.path.join("launch.json");
    let launch = std::fs::read(&path).at("read", &path)?;
    let monitor = Monitor {
        refusals: Refusals::open(&dir.path)?,
        told: BTreeSet::new(),
        asked_to_end: false,
        has_settled: false,
        state,
        store,
        record: found.record()?.clone(),
        dir,
        lock,
        launch: serde_json::from_slice(&launch).into_diagnostic()?,
        reporter: &Reporter::new(Verbosity::Normal),
        attached: false,
        notify: Some(notify),
    };
    monitor.run(&inbox).map(|end| end.status)
}

fn inherited(fd: std::os::fd::BorrowedFd<'_>) -> Result<File> {
    Ok(File::from(fd.try_clone_to_owned().into_diagnostic()?))
}

/// Lets the starting command see the pipe's end as soon as `notify` is closed.
fn close_stdout() -> Result<()> {
    let null = File::options()
        .write(true)
        .open("/dev/null")
        .into_diagnostic()?;
    rustix::stdio::dup2_stdout(&null).into_diagnostic()
}
