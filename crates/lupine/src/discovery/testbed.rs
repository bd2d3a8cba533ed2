//! Runs an application in a guest of its own and looks whether it works.

mod driver;
mod seen;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use lupine_init::Recording;
use lupine_recorder::{RECORDER, Rule};
use lupine_store::Store;
use lupine_vm::{End, Event, Guest, Mark, Qemu};
use miette::Result;

use super::check::{HostCommand, Ports};
use super::goal::Goal;
use crate::monitor::{Launch, NetworkPlan};
use crate::quiet::Quiet;

use driver::Driver;

pub use seen::{Seen, Verdict};

/// How often a guest that says nothing is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// An application that does nothing for this long has settled, and one whose ports were not
/// answered meanwhile does not answer.
const QUIET: Duration = Duration::from_secs(3);
const SILENCE: Duration = Duration::from_secs(10);
/// After the verdict: records that are under way are waited for.
const LAST_RECORDS: Duration = Duration::from_millis(400);
/// How long a guest may take to start its application, which is not the application's time.
const BOOT_LIMIT: Duration = Duration::from_secs(120);

/// An application, ready to be run any number of times.
pub struct Testbed<'a> {
    /// Where directories for runs are made.
    pub store: &'a Store,
    /// What is booted; its network is decided anew for each run.
    pub launch: Launch,
    /// Driven once when the application is ready, before the check.
    pub workload: Option<HostCommand>,
    /// Ports of the guest that may be worth asking.
    pub ports: BTreeSet<u16>,
}

/// One run.
pub struct Attempt<'a> {
    /// The kernel.
    pub kernel: PathBuf,
    /// What shall be refused; `None` runs without a recorder.
    pub rules: Option<Vec<Rule>>,
    /// What the application shall do.
    pub goal: &'a Goal,
    /// For the application, from its start to its goal.
    pub limit: Duration,
}

/// What the loop waits for.
enum Input {
    Event(Event),
    Verdict(Verdict),
}

impl Testbed<'_> {
    /// Boots, waits for the verdict, and ends the guest. Where KVM turns out to be broken it
    /// boots again with TCG.
    ///
    /// # Errors
    /// When no guest can be booted at all. All that a guest does is a [`Seen`].
    pub fn run(&self, attempt: &Attempt<'_>) -> Result<Seen> {
        let seen = self.run_once(attempt)?;
        let Some(End::KvmBroken { why }) = &seen.end else {
            return Ok(seen);
        };
        lupine_vm::distrust_kvm(self.store, why)?;
        self.run_once(attempt)
    }

    fn run_once(&self, attempt: &Attempt<'_>) -> Result<Seen> {
        let staging = self.store.staging()?;
        let (launch, ports) = self.launch_for(attempt)?;
        let accelerator = lupine_vm::accelerator(self.store, launch.accel)?.kind;
        let spec = launch.vm_spec(staging.path());
        let guest = lupine_vm::boot(&Qemu, &spec, accelerator, &launch.guest)?;
        let (sender, inputs) = channel();
        let events = guest.events();
        let queue = sender.clone();
        std::thread::spawn(move || {
            for event in events {
                if queue.send(Input::Event(event)).is_err() {
                    break;
                }
            }
        });
        let mut run = Run {
            seen: Seen::new(),
            driver: Driver::new(attempt, self.workload.clone(), ports, sender),
            quiet: Quiet::of(guest.pid()),
            goal: attempt.goal,
            limit: attempt.limit,
            app_start: None,
        };
        run.follow(&inputs);
        run.finish(guest, &inputs);
        Ok(run.seen)
    }

    /// The launch of this attempt, and where the guest's ports are on the host.
    fn launch_for(&self, attempt: &Attempt<'_>) -> Result<(Launch, Ports)> {
        let mut launch = self.launch.clone();
        launch.kernel.clone_from(&attempt.kernel);
        launch.guest.recording = attempt.rules.as_ref().map(|rules| Recording {
            program: RECORDER.to_vec(),
            rules: rules.iter().map(Rule::encode).collect(),
            every: false,
        });
        let commands = self.workload.iter().chain(attempt.goal.command());
        let named: BTreeSet<u16> = commands.flat_map(HostCommand::ports).collect();
        let mut publish: Vec<lupine_vm::Publish> = named
            .union(&self.ports)
            .map(|&guest_port| lupine_vm::Publish {
                ip: std::net::Ipv4Addr::LOCALHOST,
                host_port: 0,
                guest_port,
                udp: false,
            })
            .collect();
        if launch.network != NetworkPlan::None {
            lupine_vm::settle_ports(&mut publish)?;
            let plan = publish.iter().copied().map(Into::into).collect();
            launch.network = NetworkPlan::User(plan);
        }
        let ports = publish.iter().map(|p| (p.guest_port, p.host_port));
        Ok((launch, ports.collect()))
    }
}

/// One run under way.
struct Run<'a> {
    seen: Seen,
    driver: Driver,
    quiet: Quiet,
    goal: &'a Goal,
    limit: Duration,
    app_start: Option<Instant>,
}

impl Run<'_> {
    /// Until there is a verdict.
    fn follow(&mut self, inputs: &Receiver<Input>) {
        let booting = Instant::now();
        while self.seen.verdict.is_none() {
            match inputs.recv_timeout(LOOK) {
                Ok(Input::Verdict(verdict)) => self.seen.verdict = Some(verdict),
                Ok(Input::Event(event)) => self.event(event),
                Err(RecvTimeoutError::Timeout) => self.look(booting),
                Err(RecvTimeoutError::Disconnected) => {
                    self.seen.fail("the guest was lost");
                }
            }
        }
        if let Some(start) = self.app_start {
            self.seen.took = start.elapsed();
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Mark(Mark::AppStart, _) => {
                self.app_start = Some(Instant::now());
                self.driver.start();
            }
            Event::Mark(..) | Event::Warning(_) | Event::Refusal(_) => {}
            Event::Stdout(bytes) | Event::Stderr(bytes) => self.seen.wrote(&bytes),
            Event::Record(bytes) => {
                self.seen.recorded(&bytes);
                self.quiet.disturb();
            }
            Event::End(end) => self.ended(end),
        }
    }

    /// The guest said nothing for a while.
    fn look(&mut self, booting: Instant) {
        let Some(start) = self.app_start else {
            if booting.elapsed() > BOOT_LIMIT {
                self.seen.fail("the guest did not start the application");
            }
            return;
        };
        let quiet = self.quiet.look();
        if quiet > SILENCE && *self.goal == Goal::Tells {
            // Ports that have not answered by now will not.
            self.driver.stop();
        }
        if self.goal.is_met_by_quiet() && (quiet > QUIET || start.elapsed() > self.limit) {
            self.seen.verdict = Some(Ok(()));
        } else if start.elapsed() > self.limit + LOOK * 4 {
            self.seen
                .fail(&format!("no answer within {} s", self.limit.as_secs()));
        }
    }

    fn ended(&mut self, end: End) {
        self.driver.stop();
        if self.seen.verdict.is_none() {
            self.seen.verdict = Some(self.goal.judge_end(&end));
        }
        self.seen.end = Some(end);
    }

    /// Takes what was recorded until now, and ends the guest.
    fn finish(&mut self, guest: Guest, inputs: &Receiver<Input>) {
        self.driver.stop();
        while self.seen.end.is_none() {
            match inputs.recv_timeout(LAST_RECORDS) {
                Ok(Input::Event(event)) => self.event(event),
                Ok(Input::Verdict(_)) => {}
                Err(_) => break,
            }
        }
        guest.kill();
        let outcome = guest.wait();
        self.seen.end.get_or_insert(outcome.end);
        self.seen.replies = self.driver.replies();
    }
}
