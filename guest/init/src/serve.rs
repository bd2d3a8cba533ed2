//! While the application runs: its output, its input, signals, and orphans.

use alloc::vec;
use alloc::vec::Vec;

use lupine_init::Frame;
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::io::{Errno, read, write};
use rustix::process::{WaitOptions, WaitStatus, wait};

use crate::child::{Child, STREAMS, Stream, set_size};
use crate::link::Link;
use crate::sys::{self, POLLERR, POLLHUP, POLLIN, POLLOUT, Poll};

/// Bytes read from the application at a time.
const PORTION: usize = 16 * 1024;
/// Bytes waiting in a pipe.
const FIONREAD: u32 = 0x541b;

struct Server<'a> {
    link: &'a mut Link,
    child: Child,
    /// stdin that the application's pipe has not taken yet.
    stdin: Vec<u8>,
    stdin_ended: bool,
    portion: Vec<u8>,
}

/// Serves the application until its main process ends, and returns the frame that says how.
pub fn serve(link: &mut Link, child: Child) -> Frame {
    let mut server = Server {
        link,
        child,
        stdin: Vec::new(),
        stdin_ended: false,
        portion: vec![0; PORTION],
    };
    server.obey_all();
    let status = loop {
        if let Some(status) = server.reap() {
            break status;
        }
        server.turn();
    };
    server.drain();
    match status.terminating_signal() {
        Some(signal) => Frame::Killed(signal as u8),
        None => Frame::Exited(status.exit_status().unwrap_or(0) as u8),
    }
}

impl Server<'_> {
    /// Reaps whoever has ended: every orphan of the guest is ours.
    fn reap(&mut self) -> Option<WaitStatus> {
        let mut end = None;
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid.as_raw_pid() == self.child.pid {
                end = Some(status);
            }
        }
        end
    }

    /// Waits for something to happen and does what follows from it.
    fn turn(&mut self) {
        let idle = Poll {
            fd: -1,
            events: 0,
            returned: 0,
        };
        let watch = |fd: Option<&OwnedFd>, events, wanted: bool| match fd {
            Some(fd) if wanted => Poll {
                fd: fd.as_fd().as_raw_fd(),
                events,
                returned: 0,
            },
            _ => idle,
        };
        let room = self.link.has_room();
        let mut polls = [
            self.link.poll().unwrap_or(idle),
            watch(self.child.stdout.as_ref(), POLLIN, room),
            watch(self.child.stderr.as_ref(), POLLIN, room),
            watch(self.child.records.as_ref(), POLLIN, room),
            watch(self.child.stdin.as_ref(), POLLOUT, !self.stdin.is_empty()),
        ];
        sys::wait(&mut polls, None);
        let [host, outputs @ .., stdin] = polls.map(|poll| poll.returned);
        if host != 0 {
            self.link.receive(host);
            self.link.flush();
            self.obey_all();
        }
        for (stream, returned) in STREAMS.into_iter().zip(outputs) {
            if returned & (POLLIN | POLLHUP | POLLERR) != 0 {
                self.forward(stream, PORTION);
            }
        }
        if stdin != 0 {
            self.feed();
        }
    }

    fn obey_all(&mut self) {
        while let Some(frame) = self.link.next_frame() {
            self.obey(frame);
        }
    }

    fn obey(&mut self, frame: Frame) {
        match frame {
            Frame::Stdin(bytes) => {
                self.stdin.extend_from_slice(&bytes);
                self.feed();
            }
            Frame::StdinEnd => {
                self.stdin_ended = true;
                self.feed();
            }
            Frame::Signal(signal) => {
                // Failing means that it has just ended, or that there is no such signal.
                let _ = sys::kill(self.child.pid, signal);
            }
            Frame::Winsize(rows, cols) => {
                if let Some(terminal) = &self.child.terminal {
                    set_size(terminal, rows, cols);
                }
            }
            // The rest is for the host, or came before.
            _ => {}
        }
    }

    /// Gives the application its stdin, as much as its pipe takes now.
    fn feed(&mut self) {
        while !self.stdin.is_empty() {
            let taken = match self
                .child
                .stdin
                .as_ref()
                .map(|pipe| write(pipe, &self.stdin))
            {
                Some(Ok(count)) => count,
                Some(Err(Errno::AGAIN)) => return,
                Some(Err(Errno::INTR)) => 0,
                // Closed by the application, or never opened: nobody will read it.
                Some(Err(_)) | None => {
                    self.child.stdin = None;
                    self.stdin.len()
                }
            };
            self.stdin.drain(..taken);
            self.link.send(&Frame::StdinTaken(taken as u32));
        }
        if self.stdin_ended {
            self.child.stdin = None;
        }
    }

    /// Forwards up to `limit` bytes; false when there are none.
    fn forward(&mut self, stream: Stream, limit: usize) -> bool {
        let pipe = self.child.output(stream);
        let Some(fd) = pipe.as_ref() else {
            return false;
        };
        let limit = limit.min(PORTION);
        let count = match read(fd, self.portion.get_mut(..limit).unwrap_or_default()) {
            Ok(count) if count > 0 => count,
            Err(Errno::AGAIN | Errno::INTR) => return false,
            // All ends of it are closed.
            _ => {
                *pipe = None;
                return false;
            }
        };
        let bytes = self.portion.get(..count).unwrap_or_default().to_vec();
        self.link.send(&match stream {
            Stream::Stdout => Frame::Stdout(bytes),
            Stream::Stderr => Frame::Stderr(bytes),
            Stream::Records => Frame::Record(bytes),
        });
        true
    }

    /// After the end: what lies in the pipes. Processes that outlive the main
    /// one may write on; what comes later is not waited for.
    fn drain(&mut self) {
        for stream in STREAMS {
            let mut left = 0_i32;
            if let Some(pipe) = self.child.output(stream) {
                let _ = sys::ioctl(pipe.as_fd(), FIONREAD, &mut left);
            }
            let mut left = left.max(0) as usize;
            while left > 0 && self.forward(stream, left) {
                left = left.saturating_sub(PORTION);
            }
        }
        if let Some(terminal) = &self.child.terminal {
            let _ = rustix::termios::tcdrain(terminal);
        }
    }
}
