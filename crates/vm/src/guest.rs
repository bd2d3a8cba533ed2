//! A running virtual machine: [`boot`] and [`Guest`].

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use lupine_init::GuestSpec;
use serde::{Deserialize, Serialize};

use crate::{Accelerator, End, Outcome, VmError, VmSpec, Vmm};

/// A moment of a guest's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// The VMM's process is about to be started.
    VmmStart,
    /// PID 1 executed its first instruction.
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
    /// Something that init could not do and went on without.
    Warning(String),
    /// The guest ended.
    End(End),
}

/// A running virtual machine. Dropping it kills it.
#[derive(Debug)]
pub struct Guest {
    controls: Controls,
}

/// What can be done to a running guest, from any thread.
#[derive(Debug, Clone)]
pub struct Controls {}

/// Writes the application's stdin; blocks while the guest has a full window
/// outstanding, and fails with `BrokenPipe` when the guest has ended.
/// Dropping it ends the application's stdin.
#[derive(Debug)]
pub struct StdinWriter {}

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
    let _ = (vmm.command(spec, accelerator)?, guest);
    Ok(Guest {
        controls: Controls {},
    })
}

impl Guest {
    /// The VMM's process id.
    pub fn pid(&self) -> u32 {
        0
    }

    /// What the guest does. Take it once: a second call gives a closed channel.
    pub fn events(&self) -> Receiver<Event> {
        std::sync::mpsc::channel().1
    }

    /// A handle for other threads.
    pub fn controls(&self) -> Controls {
        self.controls.clone()
    }

    /// The application's stdin; ended at once unless [`GuestSpec::stdin`] was set.
    pub fn stdin(&self) -> StdinWriter {
        StdinWriter {}
    }

    /// The host's end of the guest's terminal, once; `None` without
    /// [`VmSpec::terminal`] and on a second call.
    pub fn terminal(&self) -> Option<UnixStream> {
        None
    }

    /// Waits for the end. Events need not have been received.
    pub fn wait(self) -> Outcome {
        Outcome {
            end: End::VmmKilled { signal: 9 },
            vmm_us: 0,
            boot_us: std::collections::BTreeMap::new(),
            peak_rss_kib: None,
        }
    }
}

impl Controls {
    /// Sends signal `number` to the application's main process.
    pub fn signal(&self, number: u8) {
        let _ = number;
    }

    /// Tells the guest the terminal's new size.
    pub fn resize(&self, rows: u16, cols: u16) {
        let _ = (rows, cols);
    }

    /// Kills the VMM at once.
    pub fn kill(&self) {}
}

impl Write for StdinWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
