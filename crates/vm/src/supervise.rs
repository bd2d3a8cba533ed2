//! The threads behind a [`crate::Guest`]: one that owns the VMM's process, and one for each of its sockets.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lupine_init::{Decoder, Frame, MARK_INIT_START};
use lupine_tool::{Running, Tool, ToolError};

use crate::classify::{Seen, kvm_failure};
use crate::control::{Shared, lock};
use crate::klog::hangs_in_panic;
use crate::sockets::Socket;
use crate::{Accelerator, Event, Mark, Outcome, VmError, VmSpec};

/// Between two looks at a guest that says nothing.
const LOOK: Duration = Duration::from_millis(100);
/// How long a guest that has said its last may take to power off.
const POWER_OFF_LIMIT: Duration = Duration::from_secs(5);
/// How long a kernel may take to start init. It takes tenths of a second under TCG, and less under KVM.
const BOOT_LIMIT: Duration = Duration::from_secs(60);
const KVM_BOOT_LIMIT: Duration = Duration::from_secs(20);
/// Bytes of a log that are looked at: the ends tell.
const LOG_MAX: usize = 256 * 1024;
/// Bytes read from a socket at a time.
const PORTION: usize = 64 * 1024;

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
struct Witness {
    marks: BTreeMap<Mark, Duration>,
    last: Option<Frame>,
    said_last: Option<Instant>,
    peak_rss_kib: Option<u64>,
    /// Init did not start within the limit.
    gave_up: bool,
}

/// What the threads of a guest share among themselves.
#[derive(Clone)]
struct Watch {
    started: Instant,
    pid: u32,
    bare: bool,
    shared: Arc<Shared>,
    events: SyncSender<Event>,
    witness: Arc<Mutex<Witness>>,
}

struct Sockets {
    marks: Socket,
    terminal: Option<Socket>,
    control: Socket,
}

/// Starts the VMM from a thread that lives as long as the VMM, because the
/// death of the starting thread kills it. Returns its process id.
pub(crate) fn supervise(plan: Plan, outcome: Sender<Outcome>) -> Result<u32, VmError> {
    let dir = &plan.spec.dir;
    let has_terminal = plan.spec.terminal || plan.spec.bare.is_some();
    let sockets = Sockets {
        marks: Socket::listen(dir, "marks.sock")?,
        control: Socket::listen(dir, "control.sock")?,
        terminal: has_terminal
            .then(|| Socket::listen(dir, "terminal.sock"))
            .transpose()?,
    };
    let (pid_sender, pid) = channel::<Result<u32, ToolError>>();
    let thread = thread::Builder::new().name("guest".into());
    let spawned = thread.spawn(move || {
        let started = Instant::now();
        let Plan { tool, .. } = plan;
        match tool.spawn() {
            Err(error) => drop(pid_sender.send(Err(error))),
            Ok(process) => {
                let id = process.pid();
                *lock(&plan.shared.process) = Some(process);
                drop(pid_sender.send(Ok(id)));
                let watch = Watch {
                    started,
                    pid: id,
                    bare: plan.spec.bare.is_some(),
                    shared: plan.shared,
                    events: plan.events,
                    witness: Arc::default(),
                };
                let terminal = plan.terminal;
                let end = watch.run(sockets, terminal, &plan.guest, &plan.spec, plan.accelerator);
                // Nobody may be waiting.
                let _ = outcome.send(end);
            }
        }
    });
    spawned.map_err(|source| VmError::Io {
        what: "start a thread for",
        path: "the guest".into(),
        source,
    })?;
    match pid.recv() {
        Ok(result) => Ok(result?),
        Err(_) => Err(VmError::Io {
            what: "start a thread for",
            path: "the guest".into(),
            source: std::io::Error::other("it ended at once"),
        }),
    }
}

impl Watch {
    /// From the VMM's start to its end.
    fn run(
        self,
        sockets: Sockets,
        terminal: Sender<UnixStream>,
        first: &Frame,
        spec: &VmSpec,
        accelerator: Accelerator,
    ) -> Outcome {
        self.mark(Mark::VmmStart, Duration::ZERO);
        let (ended_sender, ended) = channel();
        let mut readers = Vec::new();
        match sockets.marks.accept(|| self.is_alive()) {
            Some(stream) => {
                let watch = self.clone();
                readers.push(thread::spawn(move || {
                    watch.read_marks(stream, &ended_sender);
                }));
            }
            // The VMM ended before it connected, and with it whatever could say so later.
            None => drop(ended_sender),
        }
        if let Some(stream) = sockets
            .terminal
            .and_then(|socket| socket.accept(|| self.is_alive()))
        {
            if self.bare {
                let watch = self.clone();
                readers.push(thread::spawn(move || watch.read_bare(stream)));
            } else {
                // Nobody may want it.
                let _ = terminal.send(stream);
            }
        }
        drop(terminal);
        readers.extend(
            sockets
                .control
                .accept(|| self.is_alive())
                .and_then(|port| self.connect(port, first)),
        );
        let status = self.wait(&ended, spec, accelerator);
        let vmm_us = micros(self.started.elapsed());
        self.shared.close();
        for reader in readers {
            // One that panicked has read what it could.
            let _ = reader.join();
        }
        self.outcome(spec, accelerator, status, vmm_us)
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

    fn event(&self, event: Event) {
        // A caller who wants no events has dropped the receiver.
        let _ = self.events.send(event);
    }

    fn mark(&self, mark: Mark, time: Duration) {
        let first = lock(&self.witness).marks.insert(mark, time).is_none();
        if first {
            self.event(Event::Mark(mark, time));
        }
    }

    fn has(&self, mark: Mark) -> bool {
        lock(&self.witness).marks.contains_key(&mark)
    }

    /// The VMM closes this socket at its end and not before.
    fn read_marks(&self, mut stream: UnixStream, _ended: &Sender<()>) {
        let mut byte = [0];
        while let Ok(1) = stream.read(&mut byte) {
            let time = self.started.elapsed();
            if byte == [MARK_INIT_START] && !self.has(Mark::InitStart) {
                self.mark(Mark::InitStart, time);
            }
        }
    }

    fn read_bare(&self, mut stream: UnixStream) {
        let mut output = BareOutput::default();
        let mut portion = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut portion) {
            let bytes = output.push(portion.get(..count).unwrap_or_default());
            if !bytes.is_empty() {
                self.event(Event::Stdout(bytes));
            }
        }
        let rest = output.end();
        if !rest.is_empty() {
            self.event(Event::Stdout(rest));
        }
    }

    fn read_frames(&self, mut stream: UnixStream) {
        let mut decoder = Decoder::new();
        let mut portion = vec![0; PORTION];
        while let Ok(count @ 1..) = stream.read(&mut portion) {
            let time = self.started.elapsed();
            decoder.push(portion.get(..count).unwrap_or_default());
            loop {
                match decoder.next_frame() {
                    Ok(Some(frame)) => self.frame(frame, time),
                    Ok(None) => break,
                    Err(error) => {
                        // The guest's root wrote to the port itself; nothing after this can be understood.
                        let text = format!("the guest sent what cannot be understood: {error}");
                        return self.event(Event::Warning(text));
                    }
                }
            }
        }
    }

    fn frame(&self, frame: Frame, time: Duration) {
        if !self.has(Mark::InitStart) {
            // A kernel without the port permission keeps init from saying it earlier.
            self.mark(Mark::InitStart, time);
        }
        match frame {
            Frame::Stdout(bytes) => self.event(Event::Stdout(bytes)),
            Frame::Stderr(bytes) => self.event(Event::Stderr(bytes)),
            Frame::Warning(text) => self.event(Event::Warning(text)),
            Frame::StdinTaken(count) => self.shared.taken(count as usize),
            Frame::Started => {
                self.mark(Mark::AppStart, time);
                self.sample();
            }
            last @ (Frame::Exited(_) | Frame::Killed(_) | Frame::Refused(..)) => {
                self.sample();
                let mut witness = lock(&self.witness);
                witness.last = Some(last);
                witness.said_last = Some(Instant::now());
                drop(witness);
                // If it cannot hear this, it has powered off already.
                let _ = self.shared.send(&Frame::PowerOff);
            }
            // The host's own kinds make no sense from a guest.
            _ => {}
        }
    }

    fn is_alive(&self) -> bool {
        lock(&self.shared.process)
            .as_mut()
            .is_some_and(|process| matches!(process.try_status(), Ok(None)))
    }

    fn sample(&self) {
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
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK) {
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
        let limit = match accelerator {
            Accelerator::Kvm => KVM_BOOT_LIMIT,
            Accelerator::Tcg => BOOT_LIMIT,
        };
        let gave_up = self.started.elapsed() > limit;
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
    let bytes = fs::read(path).unwrap_or_default();
    let start = bytes.len().saturating_sub(LOG_MAX);
    String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned()
}

/// Greatest resident size so far, from the kernel's own account.
fn peak_rss_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A program without init shares its console with the kernel, whose last
/// words, the panic that its end causes, are none of its output.
#[derive(Debug, Default)]
struct BareOutput {
    /// The line that has begun.
    line: Vec<u8>,
    panicked: bool,
}

impl BareOutput {
    /// Takes bytes and gives those that are output, whole lines only.
    fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        for byte in bytes {
            self.line.push(*byte);
            if *byte == b'\n' {
                output.extend(self.end());
            }
        }
        output
    }

    /// What is left at the end.
    fn end(&mut self) -> Vec<u8> {
        const PANIC: &[u8] = b"Kernel panic - not syncing: ";
        let line = std::mem::take(&mut self.line);
        let found = line.windows(PANIC.len()).position(|window| window == PANIC);
        if let Some(at) = found {
            self.panicked = true;
            // The kernel begins its line where the program left off.
            let before = line.get(..at).unwrap_or_default();
            let stamp = before.iter().rposition(|byte| *byte == b'[').unwrap_or(at);
            return before.get(..stamp).unwrap_or_default().to_vec();
        }
        if self.panicked {
            return Vec::new();
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_last_words_are_no_output() {
        let mut output = BareOutput::default();
        assert_eq!(output.push(b"hello\npart"), b"hello\n");
        let rest = b"ial[    0.100000] Kernel panic - not syncing: Attempted to kill init!\n[    0.1] CPU: 0\n";
        assert_eq!(output.push(rest), b"partial");
        assert_eq!(output.end(), b"");
    }

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
