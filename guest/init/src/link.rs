//! The connection to the host: frames through the control port, or plain text
//! on the console where there is no such port.

use alloc::string::String;
use alloc::vec::Vec;

use lupine_init::{CONTROL_PORT, Decoder, Frame, GuestSpec, SPEC_PATH, decode_spec, encode};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, read, write};

use crate::files::{console, read_all};
use crate::sys::{POLLHUP, POLLIN, POLLOUT, Poll, wait};
use crate::text::number;

/// Times that a device is looked for while other tasks of the kernel run, before waiting a tick between two looks.
const EAGER: u32 = 200;
/// Ticks to wait for a device: the kernel adds ports after it has started init.
const PATIENT: u32 = 50;
/// Milliseconds that the host has to send the specification.
const SPEC_LIMIT_MS: u32 = 10_000;
/// Milliseconds that the host has to say that it read the end.
const FAREWELL_LIMIT_MS: u32 = 30_000;
/// Bytes waiting for the host above which nothing is read from the application.
const OUT_ROOM: usize = 64 * 1024;

/// The connection. Nothing but [`Link::finish`] waits for the host.
pub struct Link {
    port: Option<OwnedFd>,
    /// There is a host behind a port, even if it has hung up since.
    framed: bool,
    decoder: Decoder,
    out: Vec<u8>,
    sent: usize,
}

/// Opens a device that may be about to appear.
pub fn open_device(path: &str, flags: OFlags) -> Option<OwnedFd> {
    for round in 0..EAGER + PATIENT {
        if let Ok(device) = openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty()) {
            return Some(device);
        }
        pause(round);
    }
    None
}

/// Lets the kernel's own tasks run, at first without giving up the processor for a whole tick.
fn pause(round: u32) {
    if round < EAGER {
        rustix::thread::sched_yield();
    } else {
        wait(&mut [], Some(10));
    }
}

impl Link {
    /// Connects, and reads the specification: the host's, or the root file system's.
    pub fn open() -> (Self, Option<GuestSpec>) {
        let mut link = Self {
            port: open_device(CONTROL_PORT, OFlags::RDWR | OFlags::NONBLOCK),
            framed: false,
            decoder: Decoder::new(),
            out: Vec::new(),
            sent: 0,
        };
        if let Some(spec) = link.specification() {
            link.framed = true;
            return (link, Some(spec));
        }
        link.port = None;
        (link, decode_spec(&read_all(SPEC_PATH)).ok())
    }

    /// The first frame. Until the kernel knows that the host is there, the port reads as ended.
    fn specification(&mut self) -> Option<GuestSpec> {
        let mut round = 0;
        let mut waited = 0;
        while waited < SPEC_LIMIT_MS {
            match self.pull() {
                Some(true) => {
                    round += 1;
                    if round > EAGER + PATIENT {
                        return None;
                    }
                    pause(round);
                }
                Some(false) => {
                    let mut polls = [Poll {
                        fd: self.fd()?,
                        events: POLLIN,
                        returned: 0,
                    }];
                    wait(&mut polls, Some(100));
                    waited += 100;
                }
                None => {}
            }
            match self.decoder.next_frame() {
                Ok(Some(Frame::Spec(spec))) => return Some(*spec),
                Ok(None) => {}
                _ => return None,
            }
        }
        None
    }

    /// Whether the application's output goes through frames.
    pub fn is_framed(&self) -> bool {
        self.framed
    }

    /// What to poll the port for; nothing without a port.
    pub fn poll(&self) -> Option<Poll> {
        let out = if self.is_flushed() { 0 } else { POLLOUT };
        Some(Poll {
            fd: self.fd()?,
            events: POLLIN | out,
            returned: 0,
        })
    }

    fn fd(&self) -> Option<i32> {
        self.port.as_ref().map(|port| port.as_fd().as_raw_fd())
    }

    /// Reads a portion: `Some(true)` at the stream's end, `Some(false)` when there is nothing now.
    fn pull(&mut self) -> Option<bool> {
        let Some(port) = &self.port else {
            return Some(true);
        };
        let mut portion = [0_u8; 4096];
        match read(port, &mut portion) {
            Ok(0) => Some(true),
            Ok(count) => {
                self.decoder.push(portion.get(..count).unwrap_or_default());
                None
            }
            Err(Errno::INTR) => None,
            Err(Errno::AGAIN) => Some(false),
            Err(_) => Some(true),
        }
    }

    /// After polling: reads what came.
    pub fn receive(&mut self, returned: i16) {
        let mut ended = returned & POLLHUP != 0 && returned & POLLIN == 0;
        if returned & POLLIN != 0 {
            ended = loop {
                if let Some(at_end) = self.pull() {
                    break at_end;
                }
            };
        }
        if ended {
            self.port = None;
            self.out = Vec::new();
            self.sent = 0;
        }
    }

    /// The next frame that has been read; some may have come with the specification.
    pub fn next_frame(&mut self) -> Option<Frame> {
        self.decoder.next_frame().ok().flatten()
    }

    /// Whether the host has taken so little that the application has to wait.
    pub fn has_room(&self) -> bool {
        self.out.len() - self.sent < OUT_ROOM
    }

    fn is_flushed(&self) -> bool {
        self.sent == self.out.len()
    }

    /// Queues a frame, and sends what the port takes at once.
    pub fn send(&mut self, frame: &Frame) {
        if !self.framed {
            return say(frame);
        }
        if self.port.is_none() {
            return;
        }
        if let Ok(bytes) = encode(frame) {
            self.out.extend_from_slice(&bytes);
        }
        self.flush();
    }

    /// Sends what the port takes without waiting.
    pub fn flush(&mut self) {
        while let (Some(port), Some(rest)) = (
            &self.port,
            self.out.get(self.sent..).filter(|rest| !rest.is_empty()),
        ) {
            match write(port, rest) {
                Ok(count) => self.sent += count,
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        if self.is_flushed() {
            self.out.clear();
            self.sent = 0;
        } else if self.sent > OUT_ROOM {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
    }

    /// Sends the last frame and waits until the host has read it: the machine
    /// takes with it whatever has not been read when it powers off.
    pub fn finish(&mut self, last: &Frame) {
        self.send(last);
        let mut waited = 0;
        while waited < FAREWELL_LIMIT_MS {
            let Some(poll) = self.poll() else {
                return;
            };
            let mut polls = [poll];
            wait(&mut polls, Some(1000));
            let [Poll { returned, .. }] = polls;
            // A host that is slow to take output may be waiting for a person.
            if returned == 0 && self.is_flushed() {
                waited += 1000;
            }
            self.receive(returned);
            while let Some(frame) = self.next_frame() {
                if frame == Frame::PowerOff {
                    return;
                }
            }
            self.flush();
        }
    }
}

/// Without a host that understands frames, the console is all there is.
fn say(frame: &Frame) {
    let text: String = match frame {
        Frame::Warning(text) => ["lupine: ", text, "\n"].concat(),
        Frame::Refused(_, why) => {
            ["lupine: the application could not be started: ", why, "\n"].concat()
        }
        Frame::Exited(status) => [
            "lupine: the application exited with status ",
            &number((*status).into()),
            "\n",
        ]
        .concat(),
        Frame::Killed(signal) => [
            "lupine: signal ",
            &number((*signal).into()),
            " killed the application\n",
        ]
        .concat(),
        _ => return,
    };
    console(&text);
}
