//! Everything a monitor waits for, in one queue.

use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use lupine_vm::Event;
use miette::{IntoDiagnostic, Result, WrapErr};
use signal_hook::consts::signal::{
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGURG, SIGUSR1, SIGUSR2, SIGWINCH,
};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::wait_for;
use crate::quiet::Quiet;
use crate::reply::Reply;

/// Signals that a monitor takes from outside.
const TAKEN: [i32; 8] = [
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGURG, SIGUSR1, SIGUSR2, SIGWINCH,
];

/// A guest that does nothing for this long has started; one that never rests has had the time to.
const QUIET: Duration = Duration::from_secs(3);
const SETTLED: Duration = Duration::from_secs(120);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(500);

/// One thing that happened.
#[derive(Debug)]
pub enum Input {
    /// In the guest.
    Event(Event),
    /// No more events will come.
    EventsClosed,
    /// Bytes from the guest's terminal.
    Terminal(Vec<u8>),
    /// The guest's terminal is gone.
    TerminalClosed,
    /// This process got a signal.
    Signal(i32),
    /// The published ports answer since then.
    Ready(Instant),
    /// The guest has settled, or has had the time for it.
    Settled,
    /// How the published ports answer.
    Replies(Vec<(SocketAddr, Reply)>),
}

/// The queue.
#[derive(Debug)]
pub struct Inbox {
    sender: Sender<Input>,
    receiver: Receiver<Input>,
    /// Signals do to this process what they do to any.
    is_mortal: Arc<AtomicBool>,
}

impl Inbox {
    /// A queue that signals arrive in from now on, instead of killing this process.
    ///
    /// # Errors
    /// When the kernel refuses a handler.
    pub fn catching_signals() -> Result<Self> {
        let (sender, receiver) = channel();
        let mut signals = Signals::new(TAKEN)
            .into_diagnostic()
            .wrap_err("cannot catch signals")?;
        let queue = sender.clone();
        let is_mortal = Arc::new(AtomicBool::new(false));
        let mortal = Arc::clone(&is_mortal);
        thread::spawn(move || {
            for number in signals.forever() {
                if mortal.load(Ordering::SeqCst) {
                    let _ = emulate_default_handler(number);
                } else if queue.send(Input::Signal(number)).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            sender,
            receiver,
            is_mortal,
        })
    }

    /// Does something that takes minutes, and during which nobody looks into the queue: a signal that kills processes
    /// kills this one meanwhile.
    pub fn mortal<T>(&self, work: impl FnOnce() -> T) -> T {
        self.is_mortal.store(true, Ordering::SeqCst);
        let done = work();
        self.is_mortal.store(false, Ordering::SeqCst);
        done
    }

    /// Waits for the next input.
    pub fn next(&self) -> Input {
        // The queue owns a sender, so it is never disconnected.
        self.receiver.recv().unwrap_or(Input::EventsClosed)
    }

    /// Puts a guest's events into the queue.
    pub fn forward_events(&self, events: Receiver<Event>) {
        let queue = self.sender.clone();
        thread::spawn(move || {
            for event in events {
                let last = matches!(event, Event::End(_));
                if queue.send(Input::Event(event)).is_err() || last {
                    return;
                }
            }
            let _ = queue.send(Input::EventsClosed);
        });
    }

    /// Puts what a guest's terminal writes into the queue.
    ///
    /// # Errors
    /// When the socket cannot be shared.
    pub fn forward_terminal(&self, terminal: &UnixStream) -> Result<()> {
        let mut terminal = terminal.try_clone().into_diagnostic()?;
        let queue = self.sender.clone();
        thread::spawn(move || {
            let mut buffer = [0; 16 << 10];
            while let Ok(length @ 1..) = terminal.read(&mut buffer) {
                let _ = queue.send(Input::Terminal(buffer[..length].to_vec()));
            }
            let _ = queue.send(Input::TerminalClosed);
        });
        Ok(())
    }

    /// Finds out when the guest of the VMM `pid` has nothing more to do.
    pub fn await_quiet(&self, pid: u32) {
        let queue = self.sender.clone();
        thread::spawn(move || {
            let mut quiet = Quiet::of(pid);
            let started = Instant::now();
            while quiet.look() < QUIET && started.elapsed() < SETTLED {
                thread::sleep(LOOK);
            }
            let _ = queue.send(Input::Settled);
        });
    }

    /// Asks all of `ports` something.
    pub fn ask(&self, ports: Vec<SocketAddr>) {
        let queue = self.sender.clone();
        thread::spawn(move || {
            let replies = ports.into_iter().map(|port| (port, Reply::of(port)));
            let _ = queue.send(Input::Replies(replies.collect()));
        });
    }

    /// Finds out when all of `ports` answer.
    pub fn probe_ready(&self, ports: Vec<SocketAddr>) {
        let queue = self.sender.clone();
        thread::spawn(move || {
            // Ends only with this process when a port never answers.
            let ready = ports.into_iter().filter_map(|p| wait_for(p, &|| false));
            let _ = queue.send(Input::Ready(ready.max().unwrap_or_else(Instant::now)));
        });
    }
}

#[cfg(test)]
mod tests {
    use lupine_tool::Tool;
    use signal_hook::low_level::raise;

    use super::*;

    const TEST: &str = "monitor::input::tests::a_signal_kills_a_monitor_that_works_and_no_other";
    const CHILD: &str = "LUPINE_TEST_CHILD";

    #[test]
    fn a_signal_kills_a_monitor_that_works_and_no_other() {
        if std::env::var_os(CHILD).is_some() {
            return die();
        }
        let own = std::env::current_exe().unwrap();
        let child = Tool::new(own).args(["--exact", TEST]).env(CHILD, "1");
        let error = child.run().unwrap_err().to_string();
        assert!(error.contains("signal: 15"), "{error}");
    }

    fn die() {
        let inbox = Inbox::catching_signals().unwrap();
        raise(SIGTERM).unwrap();
        let input = inbox.next();
        assert!(matches!(input, Input::Signal(SIGTERM)), "{input:?}");
        inbox.mortal(|| {
            raise(SIGTERM).unwrap();
            thread::sleep(Duration::from_secs(60));
        });
    }
}
