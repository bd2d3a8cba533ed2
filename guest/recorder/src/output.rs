//! Writes lines, each once and at once.

use alloc::vec::Vec;

use lupine_recorder::{HEADER, escape};

use crate::asked::Asked;
use crate::sys;
use crate::task::{Comm, Refusal, Task};
use crate::text::{push_decimal, push_hexadecimal};

/// More records than this are no list of needs any more, but somebody who
/// walks through /sys; a guest has little memory.
const RECORDS_MAX: usize = 32 * 1024;
/// Slots of the first table.
const SLOTS: usize = 1024;

/// Where the lines go, and what was written.
pub struct Output {
    fd: i32,
    /// Nobody reads any more.
    broken: bool,
    /// By hash: the record's number, counted from one. Zero is a free slot.
    slots: Vec<(u64, u32)>,
    /// For each record where its text begins.
    starts: Vec<u32>,
    /// All records, without line feeds.
    texts: Vec<u8>,
    full: bool,
    /// Ends that were reported.
    ends: Vec<u64>,
    /// Counts refusals.
    time: u64,
}

impl Output {
    pub fn new(fd: i32) -> Self {
        let mut output = Self {
            fd,
            broken: false,
            slots: alloc::vec![(0, 0); SLOTS],
            starts: Vec::new(),
            texts: Vec::new(),
            full: false,
            ends: Vec::new(),
            time: 0,
        };
        output.line(&[HEADER.as_bytes()]);
        output
    }

    /// One line, in one piece.
    pub fn line(&mut self, fields: &[&[u8]]) {
        let mut line = fields.join(&b'\t');
        line.push(b'\n');
        self.write(&line);
    }

    fn write(&mut self, line: &[u8]) {
        // The program goes on without us: it is not its fault.
        self.broken = self.broken || sys::write(self.fd, line).is_err();
    }

    /// Records a call and its answer, unless that is known. A refusal is
    /// given back, to be remembered.
    pub fn record(
        &mut self,
        asked: &Asked,
        errno: u16,
        text: Option<&[u8]>,
        who: (Comm, i32),
    ) -> Option<Refusal> {
        let mut line = key(asked, errno, text);
        let hash = hash(&line);
        let at = self.slot(hash);
        let mut record = self.slots[at].1;
        if record == 0 {
            if self.starts.len() >= RECORDS_MAX {
                self.say_full();
                return None;
            }
            line.push(b'\t');
            escape(who.0.bytes(), &mut line);
            line.push(b'\t');
            push_decimal(who.1 as u64, &mut line);
            record = self.keep(at, hash, &line);
            line.push(b'\n');
            self.write(&line);
        }
        if errno == 0 {
            return None;
        }
        self.time += 1;
        let time = self.time;
        Some(Refusal { time, record })
    }

    fn say_full(&mut self) {
        if !self.full {
            self.full = true;
            self.line(&[b"full"]);
        }
    }

    /// Where the hash is, or where it belongs.
    fn slot(&self, hash: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at].1 != 0 && self.slots[at].0 != hash {
            at = (at + 1) & mask;
        }
        at
    }

    fn keep(&mut self, at: usize, hash: u64, line: &[u8]) -> u32 {
        self.starts.push(self.texts.len() as u32);
        self.texts.extend_from_slice(line);
        let record = self.starts.len() as u32;
        self.slots[at] = (hash, record);
        // Half full: probes stay short.
        if self.starts.len() * 2 > self.slots.len() {
            let double = alloc::vec![(0, 0); self.slots.len() * 2];
            for (hash, record) in core::mem::replace(&mut self.slots, double) {
                if record != 0 {
                    let at = self.slot(hash);
                    self.slots[at] = (hash, record);
                }
            }
        }
        record
    }

    fn text(&self, record: u32) -> &[u8] {
        let record = record as usize;
        let start = record.checked_sub(1).and_then(|at| self.starts.get(at));
        let end = self
            .starts
            .get(record)
            .map_or(self.texts.len(), |end| *end as usize);
        let start = start.map_or(end, |start| *start as usize);
        &self.texts[start..end]
    }

    /// Tells how a process ended, and what it was refused last; equal ends
    /// of equally named processes once.
    pub fn end(&mut self, task: &Task, main: bool, how: &[u8], number: u8) {
        let mut comm = Vec::new();
        escape(task.comm.bytes(), &mut comm);
        let last = task.last.map(|refusal| self.text(refusal.record).to_vec());
        let last = last.unwrap_or_default();
        let same = hash(&[&comm[..], how, &[number], &last].concat());
        if !main && self.ends.contains(&same) {
            return;
        }
        self.ends.push(same);
        let (mut pid, mut digits) = (Vec::new(), Vec::new());
        push_decimal(task.pid as u64, &mut pid);
        push_decimal(number.into(), &mut digits);
        let who: &[u8] = if main { b"main" } else { b"other" };
        self.line(&[b"exit", who, &pid, &comm, how, &digits]);
        if !last.is_empty() {
            self.line(&[b"last-refusal", &pid, &comm, &last]);
        }
    }
}

/// The first four fields: what makes a record a record of its own.
fn key(asked: &Asked, errno: u16, text: Option<&[u8]>) -> Vec<u8> {
    let mut line = Vec::with_capacity(128);
    push_decimal(asked.nr.into(), &mut line);
    line.push(b'\t');
    for (at, key) in asked.keys().iter().enumerate() {
        if at > 0 {
            line.push(b',');
        }
        push_hexadecimal(*key, &mut line);
    }
    if asked.keys().is_empty() {
        line.push(b'-');
    }
    line.push(b'\t');
    push_decimal(errno.into(), &mut line);
    line.push(b'\t');
    escape(text.unwrap_or_default(), &mut line);
    line
}

/// FNV-1a with 64 bits: with all the records we keep, two share a hash once in 10^10 runs.
fn hash(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix);
    hash ^ (hash >> 32)
}
