//! A guest that is looked at from outside: [`Live`].

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use lupine_vm::{
    Accelerator, End, Event, Guest, Mark, NetworkSpec, Outcome, Qemu, VmError, VmSpec,
};
use miette::{Result, miette};

use super::Subject;
use crate::discovery::{HostCommand, Ports};
use crate::monitor::wait_for;

/// Bytes of output that are kept to say why something failed.
const OUTPUT: usize = 300;
/// A check that ends with its time has this long to say why it failed.
const VERDICT: Duration = Duration::from_secs(5);

/// A guest that runs.
pub struct Live {
    guest: Guest,
    inputs: Receiver<Input>,
    queue: Sender<Input>,
    over: Arc<AtomicBool>,
    check: Option<HostCommand>,
    /// Whether the kernel starts the application.
    bare: bool,
    /// How long it may take, and when that is over.
    limit: Duration,
    deadline: Instant,
    /// Which ports of the host lead to the guest's.
    ports: Ports,
    output: Vec<u8>,
}

/// When something was reached, after the VMM's start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reached {
    /// PID 1's first words.
    pub init_start: Option<Duration>,
    /// The application's first answer on all ports of its check; without a check, its end.
    pub app_ready: Option<Duration>,
}

/// How far a guest is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// PID 1 runs.
    InitStart,
    /// The application passes its check, or ends with status 0 where it has none.
    Works,
}

enum Input {
    Event(Event, Instant),
    /// All ports answer, since then.
    Ready(Instant),
    /// What the check said.
    Checked(Result<(), String>),
}

impl Live {
    /// Boots `subject` as `spec` says; it has to get where it is followed to within `limit`.
    ///
    /// # Errors
    /// What is wrong before the VMM runs.
    pub fn boot(
        subject: &Subject,
        mut spec: VmSpec,
        accelerator: Accelerator,
        limit: Duration,
    ) -> Result<Self, VmError> {
        spec.boot_limit = Some(limit);
        let mut ports = Ports::new();
        if let NetworkSpec::User { publish, .. } = &mut spec.network {
            lupine_vm::settle_ports(publish)?;
            ports.extend(publish.iter().map(|p| (p.guest_port, p.host_port)));
        }
        let guest = lupine_vm::boot(&Qemu, &spec, accelerator, &subject.guest)?;
        let (sender, inputs) = channel();
        let events = guest.events();
        let queue = sender.clone();
        thread::spawn(move || {
            // Whoever does not listen any more has seen enough.
            for event in events {
                if queue.send(Input::Event(event, Instant::now())).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            guest,
            inputs,
            queue: sender,
            over: Arc::default(),
            check: subject.check.clone(),
            bare: subject.bare.is_some(),
            limit,
            deadline: Instant::now() + limit,
            ports,
            output: Vec::new(),
        })
    }

    /// Follows the guest as far as `until`.
    ///
    /// # Errors
    /// Why it does not come so far.
    pub fn follow(&mut self, until: Until) -> Result<Reached> {
        let mut start = Instant::now();
        let mut reached = Reached::default();
        loop {
            let left = (self.deadline + VERDICT).saturating_duration_since(Instant::now());
            match self.inputs.recv_timeout(left) {
                Ok(Input::Event(Event::Mark(mark, since), at)) => {
                    start = at.checked_sub(since).unwrap_or(at);
                    match mark {
                        Mark::VmmStart => {}
                        Mark::InitStart => reached.init_start = Some(since),
                        Mark::AppStart => self.ask(),
                    }
                    if mark == Mark::InitStart && until == Until::InitStart {
                        return Ok(reached);
                    }
                }
                Ok(Input::Event(Event::End(end), at)) if until == Until::Works => {
                    reached.app_ready = Some(at.duration_since(start));
                    return self.ended(&end).map(|()| reached);
                }
                Ok(Input::Event(Event::End(end), _)) => return Err(self.failure(&end.to_string())),
                Ok(Input::Event(Event::Stdout(bytes) | Event::Stderr(bytes), _)) => {
                    // Nothing else tells that a program without init runs.
                    if self.bare && self.output.is_empty() {
                        self.ask();
                    }
                    self.output.extend(bytes);
                }
                Ok(Input::Event(..)) => {}
                Ok(Input::Ready(at)) => reached.app_ready = Some(at.duration_since(start)),
                Ok(Input::Checked(Ok(()))) => return Ok(reached),
                Ok(Input::Checked(Err(why))) => {
                    let why = format!("{why}, for {} s", self.limit.as_secs());
                    return Err(self.failure(&why));
                }
                Err(RecvTimeoutError::Timeout) => {
                    let why = format!("it did not get there within {} s", self.limit.as_secs());
                    return Err(self.failure(&why));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(miette!("the guest was lost")),
            }
        }
    }

    /// Asks the ports from now on, if there is a check. Before that the VMM would take connections and wait for the guest
    /// to have a network, which looks like an answer.
    fn ask(&self) {
        if let Some(check) = self.check.clone() {
            let (ports, deadline) = (self.ports.clone(), self.deadline);
            let (over, queue) = (Arc::clone(&self.over), self.queue.clone());
            thread::spawn(move || ask(&check, &ports, deadline, &over, &queue));
        }
    }

    /// The VMM's process.
    pub fn pid(&self) -> u32 {
        self.guest.pid()
    }

    /// What the application wrote while it was followed.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// Which ports of the host lead to the guest's.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Ends the guest.
    pub fn finish(self) -> Outcome {
        self.over.store(true, Ordering::Relaxed);
        self.guest.kill();
        self.guest.wait()
    }

    /// An application that has a check must not end; another one has to, with status 0.
    fn ended(&self, end: &End) -> Result<()> {
        match end {
            End::Exited(0) if self.check.is_none() => Ok(()),
            _ => Err(self.failure(&end.to_string())),
        }
    }

    /// With the last of what the application wrote.
    fn failure(&self, why: &str) -> miette::Report {
        let from = self.output.len().saturating_sub(OUTPUT);
        let text = String::from_utf8_lossy(&self.output[from..]);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            return miette!("{why}");
        }
        miette!("{why}; it wrote: {words}")
    }
}

/// Says when all ports answer, and then what the check says.
fn ask(
    check: &HostCommand,
    ports: &Ports,
    deadline: Instant,
    over: &AtomicBool,
    queue: &Sender<Input>,
) {
    let is_over = || over.load(Ordering::Relaxed) || Instant::now() > deadline;
    let addresses = ports
        .values()
        .map(|host| SocketAddr::from((Ipv4Addr::LOCALHOST, *host)));
    let answers: Option<Vec<Instant>> = addresses.map(|at| wait_for(at, &is_over)).collect();
    // Nobody may be interested any more.
    let Some(last) = answers.and_then(|all| all.into_iter().max()) else {
        let _ = queue.send(Input::Checked(Err("its ports do not answer".into())));
        return;
    };
    let _ = queue.send(Input::Ready(last));
    let left = deadline.saturating_duration_since(Instant::now());
    let _ = queue.send(Input::Checked(check.retry(ports, left, &is_over)));
}
