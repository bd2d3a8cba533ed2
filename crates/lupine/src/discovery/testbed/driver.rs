//! Drives an application from outside, in a thread of its own.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Attempt, Input, Verdict};
use crate::discovery::check::{HostCommand, Ports};
use crate::discovery::goal::Goal;
use crate::reply::Reply;

/// Between two tries of a port that does not answer.
const PAUSE: Duration = Duration::from_millis(50);
/// When the first port answered, how long the others may take.
const OTHERS: Duration = Duration::from_secs(5);

/// What the thread needs.
struct Work {
    goal: Goal,
    workload: Option<HostCommand>,
    ports: Ports,
    limit: Duration,
    verdicts: Sender<Input>,
}

/// Starts the thread when the application runs, and ends it.
pub struct Driver {
    work: Option<Work>,
    over: Arc<AtomicBool>,
    replies: Arc<Mutex<BTreeMap<u16, Reply>>>,
}

impl Driver {
    /// One for this attempt, whose `ports` lead to the guest's.
    pub fn new(
        attempt: &Attempt<'_>,
        workload: Option<HostCommand>,
        ports: Ports,
        verdicts: Sender<Input>,
    ) -> Self {
        Self {
            work: Some(Work {
                goal: attempt.goal.clone(),
                workload,
                ports,
                limit: attempt.limit,
                verdicts,
            }),
            over: Arc::default(),
            replies: Arc::default(),
        }
    }

    /// The application runs.
    pub fn start(&mut self) {
        let Some(work) = self.work.take().filter(|work| work.goal.is_driven()) else {
            return;
        };
        let (over, replies) = (Arc::clone(&self.over), Arc::clone(&self.replies));
        std::thread::spawn(move || {
            let verdict = work.verdict(&over, &replies);
            // Nobody may be interested any more.
            let _ = work.verdicts.send(Input::Verdict(verdict));
        });
    }

    /// There is nobody to drive any more.
    pub fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// How the ports answered.
    pub fn replies(&self) -> BTreeMap<u16, Reply> {
        let replies = self.replies.lock();
        replies.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Work {
    fn verdict(&self, over: &AtomicBool, replies: &Mutex<BTreeMap<u16, Reply>>) -> Verdict {
        let until = Instant::now() + self.limit;
        let left = || until.saturating_duration_since(Instant::now());
        let over = || over.load(Ordering::Relaxed);
        if let Some(workload) = &self.workload {
            // A server may take connections long before it can do its work.
            match &self.goal {
                Goal::Passes(check) => check.retry(&self.ports, left(), &over)?,
                _ => self.wait_for(workload, until, &over),
            }
            workload.run(&self.ports, left())?;
        }
        match &self.goal {
            Goal::Passes(check) => check.retry(&self.ports, left(), &over),
            Goal::Answers { expected, exact } => {
                let wanted = expected.keys().copied().collect();
                let got = self.ask(wanted, until, &over);
                replies
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone_from(&got);
                judge(&got, expected, *exact)
            }
            Goal::Tells => {
                let all = self.ports.keys().copied().collect();
                *replies.lock().unwrap_or_else(PoisonError::into_inner) =
                    self.ask(all, until, &over);
                Ok(())
            }
            Goal::Bears | Goal::Ends(_) | Goal::Settles => Ok(()),
        }
    }

    /// A workload is run once, so its ports must answer before.
    fn wait_for(&self, workload: &HostCommand, until: Instant, over: &dyn Fn() -> bool) {
        self.ask(workload.ports().collect(), until, over);
    }

    /// Asks ports of the guest until all have answered; of those that have not when others
    /// have for a while, it is the last word.
    fn ask(
        &self,
        mut wanted: Vec<u16>,
        until: Instant,
        over: &dyn Fn() -> bool,
    ) -> BTreeMap<u16, Reply> {
        let mut replies = BTreeMap::new();
        let mut until = until;
        while !wanted.is_empty() {
            wanted.retain(|port| {
                let here = self
                    .ports
                    .get(port)
                    .map(|&port| (Ipv4Addr::LOCALHOST, port));
                let reply = here.map_or(Reply::Refused, |here| Reply::of(here.into()));
                let alive = reply.is_alive();
                replies.insert(*port, reply);
                !alive
            });
            if replies.values().any(Reply::is_alive) {
                until = until.min(Instant::now() + OTHERS);
            }
            if over() || Instant::now() > until {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        replies
    }
}

fn judge(
    got: &BTreeMap<u16, Reply>,
    expected: &BTreeMap<u16, Reply>,
    exact: bool,
) -> Result<(), String> {
    for (port, expected) in expected {
        let got = got.get(port).unwrap_or(&Reply::Refused);
        if !got.is_like(expected, exact) {
            return Err(format!("port {port} {got}; it should be: {expected}"));
        }
    }
    Ok(())
}
