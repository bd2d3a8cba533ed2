//! Groups that exchange messages, as hackbench does: in each, every sender writes to every receiver.

use crate::call::Result;
use crate::measure::{Bench, numbered};
use crate::round_trips::socket_pair;
use crate::sys;
use crate::workers::{Kind, Workers};

/// Senders of a group, and receivers.
const SIDE: usize = 4;
/// Bytes of a message.
const MESSAGE: usize = 100;

/// `groups` groups of processes.
pub fn processes(bench: &Bench, groups: u64) -> Result<()> {
    messaging(bench, b"processes", groups, Kind::Processes)
}

/// `groups` groups of threads.
pub fn threads(bench: &Bench, groups: u64) -> Result<()> {
    messaging(bench, b"threads", groups, Kind::Threads)
}

fn messaging(bench: &Bench, name: &[u8], groups: u64, kind: Kind) -> Result<()> {
    let mut workers = Workers::new(kind)?;
    for _ in 0..groups {
        group(&mut workers)?;
    }
    let each = groups * (SIDE * SIDE) as u64;
    bench.measure(numbered(name, groups).bytes(), each, |count| {
        workers.work(count)
    })
}

/// Descriptors stay open until this program ends: a group has few.
fn group(workers: &mut Workers) -> Result<()> {
    let mut writers = [0; SIDE];
    for writer in &mut writers {
        let [reader, other] = socket_pair()?;
        *writer = other;
        workers.add(receive, reader)?;
    }
    for _ in 0..SIDE {
        workers.add(send, writers)?;
    }
    Ok(())
}

/// To each receiver `count` messages.
fn send(receivers: [usize; SIDE], count: u64) -> Result<()> {
    let message = [0; MESSAGE];
    for _ in 0..count {
        for receiver in receivers {
            let mut sent = 0;
            while sent < MESSAGE {
                sent += sys::write(receiver, &message[sent..])?;
            }
        }
    }
    Ok(())
}

/// From each sender `count` messages.
fn receive(from: usize, count: u64) -> Result<()> {
    let mut message = [0; MESSAGE];
    for _ in 0..count * SIDE as u64 {
        let mut got = 0;
        while got < MESSAGE {
            got += sys::read(from, &mut message[got..])?;
        }
    }
    Ok(())
}
