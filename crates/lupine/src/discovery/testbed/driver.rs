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
/// When the first port took a connection and was silent, how long it may remain so: a server that is
/// still starting lets its kernel take connections, too.
const SILENT: Duration = Duration::from_secs(20);

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
                let enough =
                    |port, reply: &Reply| reply.is_answer() || expected.get(&port) == Some(reply);
                let got = self.ask(wanted, until, &over, &enough);
                replies
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone_from(&got);
                judge(&got, expected, *exact)
            }
            Goal::Tells => {
                let all = self.ports.keys().copied().collect();
                *replies.lock().unwrap_or_else(PoisonError::into_inner) =
                    self.ask(all, until, &over, &|_, reply| reply.is_answer());
                Ok(())
            }
            Goal::Bears | Goal::Ends(_) | Goal::Settles => Ok(()),
        }
    }

    /// A workload is run once, so its ports must answer before.
    fn wait_for(&self, workload: &HostCommand, until: Instant, over: &dyn Fn() -> bool) {
        let ports = workload.ports().collect();
        self.ask(ports, until, over, &|_, reply| reply.is_alive());
    }

    /// Asks ports of the guest until the replies of all are `enough`; of those whose are not when
    /// others' are for a while, it is the last word.
    fn ask(
        &self,
        mut wanted: Vec<u16>,
        until: Instant,
        over: &dyn Fn() -> bool,
        enough: &dyn Fn(u16, &Reply) -> bool,
    ) -> BTreeMap<u16, Reply> {
        let mut replies = BTreeMap::new();
        let mut until = until;
        while !wanted.is_empty() {
            wanted.retain(|&port| {
                let here = self.ports.get(&port);
                let here = here.map(|&here| (Ipv4Addr::LOCALHOST, here));
                let reply = here.map_or(Reply::Refused, |here| Reply::of(here.into()));
                let more = !enough(port, &reply);
                replies.insert(port, reply);
                more
            });
            if replies.iter().any(|(port, reply)| enough(*port, reply)) {
                until = until.min(Instant::now() + OTHERS);
            } else if replies.values().any(Reply::is_alive) {
                until = until.min(Instant::now() + SILENT);
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    /// The kernel takes connections as soon as somebody listens; the server may be long in coming.
    #[test]
    fn a_server_that_is_silent_while_it_starts_is_asked_again() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let here = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            // Held open, without a word, until the next one comes.
            let (first, _) = listener.accept().unwrap();
            let (mut second, _) = listener.accept().unwrap();
            second.write_all(b"hello").unwrap();
            drop(first);
        });
        let (verdicts, _) = std::sync::mpsc::channel();
        let work = Work {
            goal: Goal::Tells,
            workload: None,
            ports: Ports::from([(80, here)]),
            limit: Duration::from_secs(60),
            verdicts,
        };
        let replies = Mutex::default();
        work.verdict(&AtomicBool::new(false), &replies).unwrap();
        let replies = replies.into_inner().unwrap();
        assert_eq!(replies[&80], Reply::Greeted(b"hello".to_vec()));
    }
}
