//! Supervises one guest from its boot to its end, in `lupine run` itself or,
//! detached, in a process of its own (`lupine monitor NAME`).

mod conclude;
mod detached;
mod input;
mod lacking;
mod launch;
mod ready;
mod terminal;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use lupine_store::Store;
use lupine_vm::{Accelerator, Controls, End, Event, Guest, Mark, Outcome, Qemu};
use miette::Result;
use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGURG, SIGWINCH};

use crate::printer;
use crate::progress::Reporter;
use crate::state::{
    EndRecord, GuestDir, LogWriter, Phase, Record, Refusals, Request, State, Stream, now_ms,
    read_requests,
};

pub use detached::{monitor, start_detached};
pub use input::Inbox;
pub use launch::{Launch, NetworkPlan, SharePlan};
pub use ready::wait_for;
pub use terminal::size as terminal_size;

use input::Input;
use terminal::RawMode;

/// This many SIGINT or SIGTERM from outside end a guest that ignores them, as with docker.
const IMPATIENCE: u32 = 3;

/// One guest and everything that is needed to supervise it.
pub struct Monitor<'a> {
    /// Where guests are recorded.
    pub state: &'a State,
    /// The store, for what is known about the host.
    pub store: &'a Store,
    /// The guest's directory.
    pub dir: GuestDir,
    /// Held until the guest is recorded as ended.
    pub lock: File,
    /// The guest's record.
    pub record: Record,
    /// What to boot.
    pub launch: Launch,
    /// Where people read.
    pub reporter: &'a Reporter,
    /// Whether this process's stdout and stderr are the application's.
    pub attached: bool,
    /// Told when the guest is ready or failed, when detached.
    pub notify: Option<File>,
    /// What its kernel refused it.
    pub refusals: Refusals,
    /// Features whose lack was told.
    pub told: BTreeSet<String>,
    /// Somebody asked the guest to end.
    pub asked_to_end: bool,
    /// The guest has come to do nothing more by itself: what ends later has served its time.
    pub has_settled: bool,
}

/// What changes while a guest runs.
struct Run {
    controls: Controls,
    log: Option<LogWriter>,
    /// When the VMM was started, as far as a mark told.
    vmm_start: Option<Instant>,
    app_started: bool,
    raw: Option<RawMode>,
    /// Signals from outside that asked for an end.
    asked: u32,
    /// Why Lupine killed the VMM, if it did.
    killed: Option<EndRecord>,
    stdout_closed: bool,
    ended: bool,
    terminal_open: bool,
}

impl Run {
    fn new(controls: Controls, log: Option<LogWriter>, terminal_open: bool) -> Self {
        Self {
            controls,
            log,
            vmm_start: None,
            app_started: false,
            raw: None,
            asked: 0,
            killed: None,
            stdout_closed: false,
            ended: false,
            terminal_open,
        }
    }
}

impl Monitor<'_> {
    /// Boots the guest and stays with it to its end.
    ///
    /// # Errors
    /// When it cannot be booted at all; the record then says so too.
    pub fn run(mut self, inbox: &Inbox) -> Result<EndRecord> {
        let first = self.boot(inbox);
        let outcome = self.fail_over(inbox, first);
        self.conclude(outcome)
    }

    fn boot(&mut self, inbox: &Inbox) -> Result<(Outcome, Option<EndRecord>)> {
        let chosen = lupine_vm::accelerator(self.store, self.launch.accel)?;
        self.record.stats.accelerator.kind = chosen.kind.to_string();
        self.record.stats.accelerator.why.clone_from(&chosen.why);
        let first = self.boot_once(inbox, chosen.kind)?;
        let End::KvmBroken { why } = &first.0.end else {
            return Ok(first);
        };
        if self.launch.accel != lupine_vm::AccelChoice::Auto {
            return Ok(first);
        }
        let note = format!("KVM failed while the guest booted ({why}); booting it again with TCG");
        self.reporter.line(&note);
        // Should it fail to be remembered, the next guest finds out again.
        let _ = lupine_vm::distrust_kvm(self.store, why);
        self.record.stats.accelerator.kind = Accelerator::Tcg.to_string();
        self.record.stats.accelerator.why = note;
        self.boot_once(inbox, Accelerator::Tcg)
    }

    fn boot_once(
        &mut self,
        inbox: &Inbox,
        accelerator: Accelerator,
    ) -> Result<(Outcome, Option<EndRecord>)> {
        let spec = self.launch.vm_spec(&self.dir.run_dir());
        let guest = lupine_vm::boot(&Qemu, &spec, accelerator, &self.launch.guest)?;
        self.record.monitor_pid = Some(std::process::id());
        self.record.vmm_pid = Some(guest.pid());
        self.save();
        inbox.forward_events(guest.events());
        let terminal = guest.terminal();
        let mut run = Run::new(guest.controls(), self.open_log()?, terminal.is_some());
        if let Some(terminal) = &terminal {
            inbox.forward_terminal(terminal)?;
        }
        // Without init nothing tells that the program runs.
        if self.launch.bare.is_some() {
            self.app_started(&mut run, &guest, terminal.as_ref(), inbox)?;
        }
        self.take_requests(&mut run);
        while !run.ended || run.terminal_open {
            match inbox.next() {
                Input::Event(Event::Mark(Mark::AppStart, since)) => {
                    self.mark(&mut run, Mark::AppStart, since)?;
                    self.app_started(&mut run, &guest, terminal.as_ref(), inbox)?;
                }
                input => self.input(&mut run, inbox, input)?,
            }
        }
        drop(run.raw.take());
        if let Some(log) = &mut run.log {
            // A full disk loses log lines, and nothing else.
            let _ = log.finish();
        }
        Ok((guest.wait(), run.killed))
    }

    /// A foreground guest that leaves no record needs no log.
    fn open_log(&self) -> Result<Option<LogWriter>> {
        if self.attached && self.record.remove {
            return Ok(None);
        }
        Ok(Some(LogWriter::open(&self.dir.path)?))
    }

    fn input(&mut self, run: &mut Run, inbox: &Inbox, input: Input) -> Result<()> {
        match input {
            Input::Event(Event::Mark(mark, since)) => self.mark(run, mark, since)?,
            Input::Event(Event::Stdout(bytes)) => self.output(run, Stream::Stdout, &bytes),
            Input::Event(Event::Stderr(bytes)) => self.output(run, Stream::Stderr, &bytes),
            // Nobody asks for a recorder here.
            Input::Event(Event::Record(_)) => {}
            Input::Event(Event::Refusal(line)) => {
                if let Some(end) = self.refused(line) {
                    kill(run, end);
                }
            }
            Input::Event(Event::Warning(text)) => {
                let text = format!("warning: {text}");
                self.reporter.line(&format!("lupine: {text}"));
            }
            Input::Event(Event::End(_)) | Input::EventsClosed => run.ended = true,
            Input::Terminal(bytes) => self.output(run, Stream::Stdout, &bytes),
            Input::TerminalClosed => run.terminal_open = false,
            Input::Signal(number) => self.signal(run, number),
            Input::Ready(at) => self.ready(run, at)?,
            Input::Settled => self.settled(inbox),
            Input::Replies(replies) => {
                if let Some(end) = self.judge(&replies) {
                    kill(run, end);
                }
            }
        }
        Ok(())
    }

    fn mark(&mut self, run: &mut Run, mark: Mark, since: Duration) -> Result<()> {
        run.vmm_start.get_or_insert_with(|| {
            Instant::now()
                .checked_sub(since)
                .unwrap_or_else(Instant::now)
        });
        let name = match mark {
            Mark::VmmStart => return Ok(()),
            Mark::InitStart => "init-start",
            Mark::AppStart => "app-start",
        };
        self.record_time(name, since);
        if mark == Mark::InitStart {
            self.record.phase = Phase::Running;
            self.record.started_ms = Some(now_ms());
        }
        Ok(())
    }

    fn record_time(&mut self, mark: &str, since: Duration) {
        let us = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        self.record
            .stats
            .boot_us
            .insert(format!("vmm-start..{mark}"), us);
    }

    /// The application runs: stdin, terminal and signals are its own now.
    fn app_started(
        &mut self,
        run: &mut Run,
        guest: &Guest,
        terminal: Option<&std::os::unix::net::UnixStream>,
        inbox: &Inbox,
    ) -> Result<()> {
        run.app_started = true;
        self.record.phase = Phase::Running;
        self.record.started_ms.get_or_insert_with(now_ms);
        self.save();
        if self.attached && self.launch.guest.stdin {
            match terminal {
                Some(terminal) => {
                    run.raw = RawMode::enter();
                    terminal::pump_into(terminal)?;
                }
                None => match guest.console() {
                    Some(console) => terminal::pump_stdin(console),
                    None => terminal::pump_stdin(guest.stdin()),
                },
            }
        } else {
            // Without init there is a console, whose input ends here.
            drop(guest.console());
        }
        if self.launch.probes_ready() {
            inbox.probe_ready(self.launch.tcp_ports());
        } else if let Some(mut notify) = self.notify.take() {
            detached::say_ready(&mut notify);
        }
        if self.may_fail_over() && !self.launch.tcp_ports().is_empty() {
            inbox.await_quiet(guest.pid());
        }
        self.take_requests(run);
        Ok(())
    }

    fn ready(&mut self, run: &Run, at: Instant) -> Result<()> {
        if let Some(start) = run.vmm_start {
            self.record_time("app-ready", at.saturating_duration_since(start));
        }
        self.save();
        if let Some(mut notify) = self.notify.take() {
            detached::say_ready(&mut notify);
        }
        Ok(())
    }

    /// A full disk must not end a guest that runs.
    fn save(&self) {
        if let Err(error) = self.record.write(&self.dir.path) {
            printer::complain(&format!(
                "the record of {} is behind: {error}",
                self.dir.name
            ));
        }
    }

    fn output(&self, run: &mut Run, stream: Stream, bytes: &[u8]) {
        if let Some(log) = &mut run.log
            && let Err(error) = log.write(stream, bytes)
        {
            printer::complain(&format!("the log of {} ends here: {error}", self.dir.name));
            run.log = None;
        }
        if !self.attached {
            return;
        }
        let written = match stream {
            Stream::Stdout if run.stdout_closed => Ok(()),
            Stream::Stdout => {
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush())
            }
            Stream::Stderr => std::io::stderr().lock().write_all(bytes),
        };
        if written.is_err() && stream == Stream::Stdout {
            // What a program whose reader went away gets.
            run.stdout_closed = true;
            run.controls.signal(SIGPIPE as u8);
        }
    }

    fn signal(&mut self, run: &mut Run, number: i32) {
        self.asked_to_end |= !matches!(number, SIGWINCH | SIGURG);
        match number {
            SIGURG => self.take_requests(run),
            SIGWINCH if self.attached => {
                if let Some((rows, cols)) = terminal::size() {
                    run.controls.resize(rows, cols);
                }
            }
            SIGINT | SIGTERM => {
                run.asked += 1;
                if run.asked >= IMPATIENCE {
                    let why = "killed after it was asked to end three times";
                    kill(run, end("killed", 137, why));
                } else {
                    pass_on(run, number);
                }
            }
            _ => pass_on(run, number),
        }
    }

    fn take_requests(&mut self, run: &mut Run) {
        for request in read_requests(&self.dir.path) {
            self.asked_to_end = true;
            match request {
                Request::Signal(number) => pass_on(run, i32::from(number)),
                Request::Kill => kill(run, end("killed", 137, "killed by lupine kill")),
            }
        }
    }
}

/// Gives the application a signal; before it runs, one that ends most
/// programs ends the guest.
fn pass_on(run: &mut Run, number: i32) {
    let signal = crate::cli::values::SignalNumber(number as u8);
    if run.app_started {
        run.controls.signal(signal.0);
    } else if matches!(number, SIGINT | SIGTERM | SIGHUP | SIGQUIT) {
        let text = format!("{signal} ended it before the application ran");
        kill(run, end("interrupted", 128 + signal.0, &text));
    }
}

fn kill(run: &mut Run, end: EndRecord) {
    run.killed.get_or_insert(end);
    run.controls.kill();
}

fn end(kind: &str, status: u8, text: &str) -> EndRecord {
    EndRecord {
        kind: kind.into(),
        status,
        text: text.into(),
    }
}

/// Writes measurements where `--stats` says.
fn write_stats(file: &Path, record: &Record) -> Result<(), lupine_store::StoreError> {
    let mut text = serde_json::to_vec_pretty(&record.stats).unwrap_or_default();
    text.push(b'\n');
    lupine_store::write_atomically(file, &text)
}
