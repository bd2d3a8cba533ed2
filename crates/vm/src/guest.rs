//! A running virtual machine: [`boot`] and [`Guest`].

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lupine_init::{Frame, GuestSpec, encode};
use serde::{Deserialize, Serialize};

use crate::console::ConsoleWriter;
use crate::control::{Controls, Shared, StdinWriter, lock};
use crate::kernel::needed_mib;
use crate::qemu::NO_ROOT;
use crate::supervise::{Plan, supervise};
use crate::{Accelerator, End, NetworkSpec, Outcome, VmError, VmSpec, Vmm, settle_ports};

/// Random bytes for the guest.
const SEED: usize = 64;
/// Events that may wait for the caller; then the guest's output has to wait.
const EVENTS: usize = 64;

/// A moment of a guest's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// The VMM's process is about to be started.
    VmmStart,
    /// PID 1 executed its first instructions.
    InitStart,
    /// The application's exec succeeded.
    AppStart,
}

/// Something that a guest did. [`Event::End`] is the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A mark, and the time since [`Mark::VmmStart`].
    Mark(Mark, Duration),
    /// Bytes from the application's stdout.
    Stdout(Vec<u8>),
    /// Bytes from the application's stderr.
    Stderr(Vec<u8>),
    /// Bytes from the recorder, in order; lines end anywhere (see docs/recorder.md).
    Record(Vec<u8>),
    /// Something that init could not do and went on without.
    Warning(String),
    /// A line of the kernel's about something that it lacks, in the format of docs/why.md
    /// if no program of the guest has written it. At most 1024 in a guest's life.
    Refusal(String),
    /// The guest ended.
    End(End),
}

/// A running virtual machine. Dropping it kills it.
#[derive(Debug)]
pub struct Guest {
    pid: u32,
    controls: Controls,
    events: Mutex<Option<Receiver<Event>>>,
    terminal: Mutex<Receiver<UnixStream>>,
    /// Its terminal is the console of a program without init.
    bare: bool,
    outcome: Receiver<Outcome>,
}

/// Boots `spec` and makes its init run `guest`. Where `guest` has no seed or
/// (on a user network) no addresses, they are filled in.
///
/// # Errors
/// Whatever is wrong before the VMM runs; later trouble is an [`End`].
pub fn boot(
    vmm: &dyn Vmm,
    spec: &VmSpec,
    accelerator: Accelerator,
    guest: &GuestSpec,
) -> Result<Guest, VmError> {
    let spec = checked(spec)?;
    let guest = Frame::Spec(Box::new(completed(guest, &spec)?));
    encode(&guest).map_err(|error| VmError::SpecTooLarge {
        why: error.to_string(),
    })?;
    let shared = Arc::new(Shared::default());
    let (events, receiver) = sync_channel(EVENTS);
    let (terminal, terminal_receiver) = channel();
    let (outcome, outcome_receiver) = channel();
    let bare = spec.bare.is_some();
    let plan = Plan {
        tool: vmm
            .command(&spec, accelerator)?
            .log_to(spec.dir.join("vmm.log")),
        spec,
        accelerator,
        guest,
        shared: Arc::clone(&shared),
        events,
        terminal,
    };
    let pid = supervise(plan, outcome)?;
    Ok(Guest {
        pid,
        controls: Controls { shared },
        events: Mutex::new(Some(receiver)),
        terminal: Mutex::new(terminal_receiver),
        bare,
        outcome: outcome_receiver,
    })
}

/// Finds what cannot work before anything is started.
fn checked(spec: &VmSpec) -> Result<VmSpec, VmError> {
    let mut spec = spec.clone();
    // The VMM runs in its own directory.
    spec.kernel = absolute(&spec.kernel)?;
    if spec.rootfs.1 != NO_ROOT {
        spec.rootfs.0 = absolute(&spec.rootfs.0)?;
    }
    for share in &mut spec.shares {
        share.dir = absolute(&share.dir)?;
    }
    let mut needed_mib = needed_mib(&spec.kernel)?;
    if spec.rootfs.1 == "cpio" {
        let bytes = std::fs::metadata(&spec.rootfs.0).map_or(0, |data| data.len());
        needed_mib += u32::try_from(bytes >> 20).unwrap_or(u32::MAX / 2);
    }
    if spec.mem_mib < needed_mib {
        return Err(VmError::MemoryTooSmall {
            mem_mib: spec.mem_mib,
            needed_mib,
        });
    }
    if let NetworkSpec::User { publish, .. } = &mut spec.network {
        settle_ports(publish)?;
    }
    Ok(spec)
}

fn absolute(path: &Path) -> Result<std::path::PathBuf, VmError> {
    std::fs::canonicalize(path).map_err(|source| VmError::Io {
        what: "find",
        path: path.into(),
        source,
    })
}

fn completed(guest: &GuestSpec, spec: &VmSpec) -> Result<GuestSpec, VmError> {
    let mut guest = guest.clone();
    if guest.seed.is_empty() {
        guest.seed = random(SEED)?;
    }
    if guest.network.is_none() {
        guest.network = spec.network.addresses();
    }
    Ok(guest)
}

fn random(count: usize) -> Result<Vec<u8>, VmError> {
    use std::io::Read;
    const SOURCE: &str = "/dev/urandom";
    let mut bytes = vec![0; count];
    std::fs::File::open(SOURCE)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|source| VmError::Io {
            what: "read",
            path: SOURCE.into(),
            source,
        })?;
    Ok(bytes)
}

impl Guest {
    /// The VMM's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What the guest does. Take it once: a second call gives a closed channel.
    /// Whoever takes it must receive from it: a guest whose output nobody takes waits.
    pub fn events(&self) -> Receiver<Event> {
        lock(&self.events).take().unwrap_or_else(|| channel().1)
    }

    /// A handle for other threads.
    pub fn controls(&self) -> Controls {
        self.controls.clone()
    }

    /// Sends signal `number` to the application's main process.
    pub fn signal(&self, number: u8) {
        self.controls.signal(number);
    }

    /// Tells the guest the terminal's new size.
    pub fn resize(&self, rows: u16, cols: u16) {
        self.controls.resize(rows, cols);
    }

    /// Kills the VMM at once.
    pub fn kill(&self) {
        self.controls.kill();
    }

    /// The application's stdin. Without [`GuestSpec::stdin`] what is written is thrown away.
    pub fn stdin(&self) -> StdinWriter {
        StdinWriter {
            shared: Arc::clone(&self.controls.shared),
        }
    }

    /// The host's end of the guest's terminal, once; `None` without
    /// [`VmSpec::terminal`], on a second call, and when the VMM ended before
    /// it had one. Waits until the VMM has opened it.
    pub fn terminal(&self) -> Option<UnixStream> {
        if self.bare {
            return None;
        }
        lock(&self.terminal).recv().ok()
    }

    /// The input of a program without init, once; `None` with init, on a second call, and when the
    /// VMM ended before it had a console. Waits until the VMM has opened it.
    pub fn console(&self) -> Option<ConsoleWriter> {
        if !self.bare {
            return None;
        }
        let stream = lock(&self.terminal).recv().ok()?;
        Some(ConsoleWriter { stream })
    }

    /// Waits for the end. Events that nobody has taken are thrown away.
    pub fn wait(self) -> Outcome {
        let events = lock(&self.events).take();
        // The sender goes when the guest has ended.
        events.into_iter().flatten().for_each(drop);
        self.outcome.recv().unwrap_or_else(|_| lost())
    }
}

/// Only if the supervising thread itself failed.
fn lost() -> Outcome {
    Outcome {
        end: End::VmmFailed {
            status: 1,
            stderr: "its supervisor failed".into(),
        },
        vmm_us: 0,
        boot_us: std::collections::BTreeMap::new(),
        peak_rss_kib: None,
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests;
