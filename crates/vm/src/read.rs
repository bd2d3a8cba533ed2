//! The threads that read a guest's sockets.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use lupine_init::{Decoder, Frame};

use crate::bare::BareOutput;
use crate::control::lock;
use crate::port::{Port, Said};
use crate::supervise::Watch;
use crate::{Event, Mark};

/// Bytes read from a socket at a time.
const PORTION: usize = 64 * 1024;

impl Watch {
    /// The VMM closes this socket at its end and not before.
    pub(crate) fn read_marks(&self, mut stream: UnixStream, ended: Sender<()>) {
        let mut port = Port::default();
        let mut portion = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut portion) {
            let time = self.started.elapsed();
            for byte in portion.get(..count).unwrap_or_default() {
                match port.push(*byte) {
                    Some(Said::InitStart) => self.mark(Mark::InitStart, time),
                    Some(Said::Line(line)) => self.event(Event::Refusal(line)),
                    None => {}
                }
            }
        }
        drop(ended);
    }

    pub(crate) fn read_bare(&self, mut stream: UnixStream) {
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

    pub(crate) fn read_frames(&self, mut stream: UnixStream) {
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
            Frame::Record(bytes) => self.event(Event::Record(bytes)),
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
}
