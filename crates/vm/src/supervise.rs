//! The threads behind a [`crate::Guest`]: one that owns the VMM's process, and one for each of its sockets.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lupine_init::Frame;
use lupine_tool::{Running, Tool, ToolError};

use crate::classify::{Seen, kvm_failure};
use crate::control::{Shared, lock};
use crate::klog::hangs_in_panic;
use crate::sockets::Socket;
use crate::{Accelerator, Event, Mark, Outcome, VmError, VmSpec};

/// Between two looks at a guest that boots, and at one whose application runs.
const LOOK: Duration = Duration::from_millis(100);
const RARE_LOOK: Duration = Duration::from_secs(1);
/// How long a guest that has said its last may take to power off.
const POWER_OFF_LIMIT: Duration = Duration::from_secs(5);
/// How long a kernel may take to start init. It takes tenths of a second under TCG, and less under KVM.
const BOOT_LIMIT: Duration = Duration::from_secs(60);
const KVM_BOOT_LIMIT: Duration = Duration::from_secs(20);
/// Bytes of a log that are looked at: the ends tell.
const LOG_MAX: u64 = 256 * 1024;

/// Everything needed to run one guest.
pub(crate) struct Plan {
    pub(crate) tool: Tool,
    pub(crate) spec: VmSpec,
    pub(crate) accelerator: Accelerator,
    /// The first frame.
    pub(crate) guest: Frame,
    pub(crate) shared: Arc<Shared>,
    pub(crate) events: SyncSender<Event>,
    pub(crate) terminal: Sender<UnixStream>,
}

/// What the threads saw.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    marks: BTreeMap<Mark, Duration>,
    pub(crate) last: Option<Frame>,
    pub(crate) said_last: Option<Instant>,
    peak_rss_kib: Option<u64>,
    /// Init did not start within the limit.
    gave_up: bool,
}

/// What the threads of a guest share among themselves.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) started: Instant,
    pid: u32,
    bare: bool,
    pub(crate) shared: Arc<Shared>,
    events: SyncSender<Event>,
    pub(crate) witness: Arc<Mutex<Witness>>,
}

struct Sockets {
    marks: Socket,
    terminal: Option<Socket>,
    /// Nobody connects to it from a kernel that has no driver for it.
    control: Option<Socket>,
}

impl Sockets {
    fn listen(spec: &VmSpec) -> Result<Self, VmError> {
        let socket = |name| Socket::listen(&spec.dir, name);
        let socket_if = |wanted: bool, name| wanted.then(|| socket(name)).transpose();
        Ok(Self {
            marks: socket("marks.sock")?,
            control: socket_if(!spec.port_console, "control.sock")?,
            terminal: socket_if(spec.has_terminal(), "terminal.sock")?,
        })
    }
}

/// Starts the VMM from a thread that lives as long as the VMM, because the
/// death of the starting thread kills it. Returns its process id.
pub(crate) fn supervise(plan: Plan, outcome: Sender<Outcome>) -> Result<u32, VmError> {
    let sockets = Sockets::listen(&plan.spec)?;
    let failed = |source| VmError::Io {
        what: "start a thread for",
        path: "the guest".into(),
        source,
    };
    let (pid_sender, pid) = channel();
    let thread = thread::Builder::new().name("guest".into());
    thread
        .spawn(move || {
            if let Some(end) = plan.run(sockets, &pid_sender) {
                // Nobody may be waiting.
                let _ = outcome.send(end);
            }
        })
        .map_err(failed)?;
    match pid.recv() {
        Ok(result) => Ok(result?),
        Err(_) => Err(failed(std::io::Error::other("it ended at once"))),
    }
}

impl Plan {
    /// Starts the VMM, tells its process id, and stays until its end.
    fn run(self, sockets: Sockets, pid: &Sender<Result<u32, ToolError>>) -> Option<Outcome> {
        let started = Instant::now();
        let process = match self.tool.spawn() {
            Ok(process) => process,
            Err(error) => {
                let _ = pid.send(Err(error));
                return None;
            }
        };
        let watch = Watch {
            started,
            pid: process.pid(),
            bare: self.spec.bare.is_some(),
            shared: self.shared,
            events: self.events,
            witness: Arc::default(),
        };
        *lock(&watch.shared.process) = Some(process);
        // Only now, so that whoever knows the guest can kill it.
        let _ = pid.send(Ok(watch.pid));
        watch.mark(Mark::VmmStart, Duration::ZERO);
        let (ended, readers) = watch.attend(sockets, self.terminal, &self.guest);
        let status = watch.wait(&ended, &self.spec, self.accelerator);
        let vmm_us = micros(started.elapsed());
        watch.shared.close();
        for reader in readers {
            // One that panicked has read what it could.
            let _ = reader.join();
        }
        Some(watch.outcome(&self.spec, self.accelerator, status, vmm_us))
    }
}

impl Watch {
    /// Waits for the VMM to connect and starts to read. The channel closes when the VMM ends.
    fn attend(
        &self,
        sockets: Sockets,
        terminal: Sender<UnixStream>,
        first: &Frame,
    ) -> (Receiver<()>, Vec<JoinHandle<()>>) {
        let is_alive = || self.is_alive();
        let (ended_sender, ended) = channel();
        let mut readers = Vec::new();
        // A VMM that ends before it connects drops the sender here; otherwise the reader keeps it.
        if let Some(stream) = sockets.marks.accept(is_alive) {
            let watch = self.clone();
            readers.push(thread::spawn(move || {
                watch.read_marks(stream, ended_sender);
            }));
        } else {
            drop(ended_sender);
        }
        match sockets.terminal.and_then(|socket| socket.accept(is_alive)) {
            Some(stream) if self.bare => {
                if let Ok(input) = stream.try_clone() {
                    // Nobody may want to write.
                    drop(terminal.send(input));
                }
                let watch = self.clone();
                readers.push(thread::spawn(move || watch.read_bare(stream)));
            }
            // Nobody may want it.
            Some(stream) => drop(terminal.send(stream)),
            None => {}
        }
        let port = sockets.control.and_then(|socket| socket.accept(is_alive));
        readers.extend(port.and_then(|port| self.connect(port, first)));
        (ended, readers)
    }

    /// Sends the first frame, lets others send theirs, and starts to read.
    fn connect(&self, port: UnixStream, first: &Frame) -> Option<JoinHandle<()>> {
        let reading = port.try_clone().ok()?;
        let watch = self.clone();
        let reader = thread::spawn(move || watch.read_frames(reading));
        let bytes = lupine_init::encode(first).ok()?;
        // The guest reads it when it has started; if it never does, the VMM's end ends this.
        let mut writing = port.try_clone().ok()?;
        if writing.write_all(&bytes).is_ok() {
            lock(&self.shared.port).stream = Some(port);
            self.shared.port_changed.notify_all();
        }
        Some(reader)
    }

    pub(crate) fn event(&self, event: Event) {
        // A caller who wants no events has dropped the receiver.
        let _ = self.events.send(event);
    }

    pub(crate) fn mark(&self, mark: Mark, time: Duration) {
        if let Entry::Vacant(place) = lock(&self.witness).marks.entry(mark) {
            place.insert(time);
        } else {
            return;
        }
        self.event(Event::Mark(mark, time));
    }

    pub(crate) fn has(&self, mark: Mark) -> bool {
        lock(&self.witness).marks.contains_key(&mark)
    }

    fn is_alive(&self) -> bool {
        lock(&self.shared.process)
            .as_mut()
            .is_some_and(|process| matches!(process.try_status(), Ok(None)))
    }

    pub(crate) fn sample(&self) {
        let peak = peak_rss_kib(self.pid);
        let mut witness = lock(&self.witness);
        witness.peak_rss_kib = witness.peak_rss_kib.max(peak);
    }

    /// Waits for the VMM's end; ends it where it would never end by itself.
    fn wait(
        &self,
        ended: &Receiver<()>,
        spec: &VmSpec,
        accelerator: Accelerator,
    ) -> Option<ExitStatus> {
        let look = || match self.has(Mark::AppStart) {
            true => RARE_LOOK,
            false => LOOK,
        };
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(look()) {
            self.sample();
            if self.is_stuck(spec, accelerator) {
                self.with_process(Running::kill);
            }
        }
        self.with_process(|process| process.status().ok()).flatten()
    }

    /// Whether the guest will never end by itself.
    fn is_stuck(&self, spec: &VmSpec, accelerator: Accelerator) -> bool {
        let said_last = lock(&self.witness).said_last;
        if said_last.is_some_and(|time| time.elapsed() > POWER_OFF_LIMIT) {
            return true;
        }
        // A kernel that panics before it has read panic=-1 stays as it is.
        if hangs_in_panic(&read_log(&spec.dir.join("kernel.log"))) {
            return true;
        }
        if self.has(Mark::InitStart) || self.bare {
            return false;
        }
        // After an internal error of KVM, QEMU keeps the dead machine.
        if accelerator == Accelerator::Kvm
            && kvm_failure(&read_log(&spec.dir.join("vmm.log"))).is_some()
        {
            return true;
        }
        let usual = match accelerator {
            Accelerator::Kvm => KVM_BOOT_LIMIT,
            Accelerator::Tcg => BOOT_LIMIT,
        };
        let gave_up = self.started.elapsed() > spec.boot_limit.unwrap_or(usual);
        lock(&self.witness).gave_up = gave_up;
        gave_up
    }

    fn with_process<T>(&self, action: impl FnOnce(&mut Running) -> T) -> Option<T> {
        lock(&self.shared.process).as_mut().map(action)
    }

    fn outcome(
        self,
        spec: &VmSpec,
        accelerator: Accelerator,
        status: Option<ExitStatus>,
        vmm_us: u64,
    ) -> Outcome {
        let kernel_log = read_log(&spec.dir.join("kernel.log"));
        let vmm_log = read_log(&spec.dir.join("vmm.log"));
        let witness = std::mem::take(&mut *lock(&self.witness));
        let seen = Seen {
            last: witness.last.as_ref(),
            init_started: witness.marks.contains_key(&Mark::InitStart),
            bare: self.bare,
            gave_up: witness.gave_up,
            asked_to_kill: *lock(&self.shared.asked_to_kill),
            mem_mib: spec.mem_mib,
            accelerator,
            vmm: vmm_status(status),
            kernel_log: &kernel_log,
            vmm_log: &vmm_log,
        };
        let end = seen.end();
        self.event(Event::End(end.clone()));
        Outcome {
            end,
            vmm_us,
            boot_us: boot_us(&witness.marks),
            peak_rss_kib: witness.peak_rss_kib,
        }
    }
}

/// Exit status, or the signal that killed it.
fn vmm_status(status: Option<ExitStatus>) -> Result<u8, u8> {
    let number = |value: i32| u8::try_from(value).unwrap_or(u8::MAX);
    match status {
        Some(status) => match status.signal() {
            Some(signal) => Err(number(signal)),
            None => Ok(status.code().map_or(0, number)),
        },
        None => Ok(u8::MAX),
    }
}

fn boot_us(marks: &BTreeMap<Mark, Duration>) -> BTreeMap<String, u64> {
    [
        (Mark::InitStart, "init-start"),
        (Mark::AppStart, "app-start"),
    ]
    .into_iter()
    .filter_map(|(mark, name)| {
        let time = marks.get(&mark)?;
        Some((format!("vmm-start..{name}"), micros(*time)))
    })
    .collect()
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The end of a log; empty when there is none.
fn read_log(path: &Path) -> String {
    let mut bytes = Vec::new();
    // What cannot be read tells nothing.
    let _ = fs::File::open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_MAX)))?;
        file.read_to_end(&mut bytes)
    });
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Greatest resident size so far, from the kernel's own account.
fn peak_rss_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_pairs() {
        let marks = [
            (Mark::VmmStart, Duration::ZERO),
            (Mark::InitStart, Duration::from_micros(70)),
        ];
        let pairs = boot_us(&marks.into_iter().collect());
        assert_eq!(pairs.get("vmm-start..init-start"), Some(&70));
        assert_eq!(pairs.len(), 1);
    }
}
