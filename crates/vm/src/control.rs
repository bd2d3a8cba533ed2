//! What the caller can do to a running guest: [`Controls`], [`StdinWriter`].

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use lupine_init::{Frame, STDIN_WINDOW, encode};
use lupine_tool::Running;

/// Largest stdin frame.
const PORTION: usize = 16 * 1024;

/// Locks without minding a thread that panicked: what is kept here is whole between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the threads of one guest share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Our end of the control port, once QEMU has connected.
    pub(crate) port: Mutex<Port>,
    pub(crate) port_changed: Condvar,
    pub(crate) process: Mutex<Option<Running>>,
    /// SIGKILL was sent to the application on the caller's behalf.
    pub(crate) asked_to_kill: Mutex<bool>,
}

/// State of the control port.
#[derive(Debug, Default)]
pub(crate) struct Port {
    pub(crate) stream: Option<UnixStream>,
    /// The guest has ended: nothing will connect any more.
    pub(crate) closed: bool,
    /// Bytes of stdin that the guest has not taken yet.
    pub(crate) outstanding: usize,
}

impl Shared {
    /// Sends a frame; waits until there is a guest to send it to.
    pub(crate) fn send(&self, frame: &Frame) -> io::Result<()> {
        let bytes = encode(frame).map_err(io::Error::other)?;
        let mut port = lock(&self.port);
        loop {
            if port.closed {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            if let Some(stream) = &mut port.stream {
                return stream.write_all(&bytes);
            }
            port = self.wait(port);
        }
    }

    fn wait<'a>(&self, port: MutexGuard<'a, Port>) -> MutexGuard<'a, Port> {
        self.port_changed
            .wait(port)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The guest has taken `count` bytes of stdin.
    pub(crate) fn taken(&self, count: usize) {
        let mut port = lock(&self.port);
        port.outstanding = port.outstanding.saturating_sub(count);
        self.port_changed.notify_all();
    }

    /// Nothing can be sent from now on.
    pub(crate) fn close(&self) {
        let mut port = lock(&self.port);
        port.closed = true;
        port.stream = None;
        self.port_changed.notify_all();
    }

    /// Waits for room in the window and returns how much there is.
    fn room(&self) -> io::Result<usize> {
        let mut port = lock(&self.port);
        loop {
            if port.closed {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let room = STDIN_WINDOW.saturating_sub(port.outstanding);
            if room > 0 {
                return Ok(room);
            }
            port = self.wait(port);
        }
    }
}

/// What can be done to a running guest, from any thread. All of it is
/// harmless after the guest's end.
#[derive(Debug, Clone)]
pub struct Controls {
    pub(crate) shared: Arc<Shared>,
}

impl Controls {
    /// Sends signal `number` to the application's main process, as soon as it runs.
    pub fn signal(&self, number: u8) {
        const SIGKILL: u8 = 9;
        if number == SIGKILL {
            *lock(&self.shared.asked_to_kill) = true;
        }
        // A guest that has ended needs no signal.
        let _ = self.shared.send(&Frame::Signal(number));
    }

    /// Tells the guest the terminal's new size.
    pub fn resize(&self, rows: u16, cols: u16) {
        let _ = self.shared.send(&Frame::Winsize(rows, cols));
    }

    /// Kills the VMM at once; the guest's end is [`crate::End::VmmKilled`].
    pub fn kill(&self) {
        if let Some(process) = lock(&self.shared.process).as_mut() {
            process.kill();
        }
    }
}

/// Writes the application's stdin; blocks while the guest has a full window
/// outstanding, and fails with `BrokenPipe` when the guest has ended.
/// Dropping it ends the application's stdin.
#[derive(Debug)]
pub struct StdinWriter {
    pub(crate) shared: Arc<Shared>,
}

impl Write for StdinWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let count = self.shared.room()?.min(bytes.len()).min(PORTION);
        let portion = bytes.get(..count).unwrap_or(bytes);
        lock(&self.shared.port).outstanding += count;
        self.shared.send(&Frame::Stdin(portion.to_vec()))?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for StdinWriter {
    fn drop(&mut self) {
        let _ = self.shared.send(&Frame::StdinEnd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lupine_init::Decoder;
    use std::io::Read;

    #[test]
    fn stdin_stops_at_the_window_and_goes_on_when_the_guest_took_some() {
        let (ours, mut guests) = UnixStream::pair().unwrap();
        let shared = Arc::new(Shared::default());
        lock(&shared.port).stream = Some(ours);
        let mut writer = StdinWriter {
            shared: Arc::clone(&shared),
        };
        let data = vec![7_u8; STDIN_WINDOW + 1000];
        let thread = std::thread::spawn(move || writer.write_all(&data));
        let mut decoder = Decoder::new();
        let mut received = 0;
        let mut seen_full = false;
        let mut buffer = [0; 4096];
        loop {
            let count = guests.read(&mut buffer).unwrap();
            decoder.push(&buffer[..count]);
            let mut ended = false;
            while let Some(frame) = decoder.next_frame().unwrap() {
                match frame {
                    Frame::Stdin(bytes) => received += bytes.len(),
                    Frame::StdinEnd => ended = true,
                    other => panic!("{other:?}"),
                }
            }
            if ended {
                break;
            }
            assert!(received <= STDIN_WINDOW || seen_full);
            if received == STDIN_WINDOW && !seen_full {
                seen_full = true;
                shared.taken(STDIN_WINDOW);
            }
        }
        thread.join().unwrap().unwrap();
        assert_eq!(received, STDIN_WINDOW + 1000);
    }

    #[test]
    fn a_guest_that_ended_breaks_the_pipe() {
        let shared = Arc::new(Shared::default());
        let mut writer = StdinWriter {
            shared: Arc::clone(&shared),
        };
        shared.close();
        let error = writer.write_all(b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
