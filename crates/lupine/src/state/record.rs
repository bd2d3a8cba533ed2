//! `guest.json`: what is known about one guest.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use lupine_store::{StoreError, write_atomically};
use serde::{Deserialize, Serialize};

use super::stats::Stats;
use crate::cli::values::Publish;

/// Version of the record's format.
const VERSION: u32 = 1;

/// Kind of the end of a guest whose monitor is gone without a word.
pub const MONITOR_KILLED: &str = "monitor-killed";

/// How far a guest has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Not booted yet.
    Created,
    /// Booted.
    Running,
    /// The application ended by itself or by a signal.
    Exited,
    /// Something else ended it.
    Dead,
}

/// How a guest ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndRecord {
    /// For programs: exited, killed, refused, out-of-memory, kernel-panic, ...
    pub kind: String,
    /// Exit status of `lupine run` and `lupine wait`.
    pub status: u8,
    /// For people.
    pub text: String,
}

/// What is known about one guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of this format.
    pub version: u32,
    /// Name.
    pub name: String,
    /// Image or bundle as the user named it.
    pub image: String,
    /// Digest of the image's manifest.
    pub digest: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// How far it has come.
    pub phase: Phase,
    /// How it ended.
    pub end: Option<EndRecord>,
    /// Unix time in ms when it was made.
    pub created_ms: u64,
    /// Unix time in ms when PID 1 started.
    pub started_ms: Option<u64>,
    /// Unix time in ms of its end.
    pub finished_ms: Option<u64>,
    /// Process that supervises it.
    pub monitor_pid: Option<u32>,
    /// Process of the virtual machine.
    pub vmm_pid: Option<u32>,
    /// Published ports.
    pub ports: Vec<Publish>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// What was measured.
    pub stats: Stats,
    /// A kernel that it failed on for want of an option, before it was started again on another.
    #[serde(default)]
    pub failed_kernel: Option<std::path::PathBuf>,
    /// Files that the guest uses and that must stay while it runs.
    pub uses: Vec<std::path::PathBuf>,
    /// Processors.
    pub cpus: u32,
    /// user, none or tap=DEV.
    pub network: String,
    /// Guest's address, where the host can reach it.
    pub address: Option<String>,
    /// A tap device that was made for it and goes with it.
    pub tap: Option<String>,
    /// Whether it runs without a shell.
    pub detached: bool,
    /// Whether the record goes at the end.
    pub remove: bool,
    /// Signal that asks the application to stop.
    pub stop_signal: u8,
}

impl Record {
    /// An empty record of a guest that is made now.
    pub fn new(name: &str) -> Self {
        Self {
            version: VERSION,
            name: name.into(),
            image: String::new(),
            digest: String::new(),
            command: Vec::new(),
            phase: Phase::Created,
            end: None,
            created_ms: now_ms(),
            started_ms: None,
            finished_ms: None,
            monitor_pid: None,
            vmm_pid: None,
            ports: Vec::new(),
            failed_kernel: None,
            labels: BTreeMap::new(),
            stats: Stats::default(),
            uses: Vec::new(),
            cpus: 1,
            network: String::new(),
            address: None,
            tap: None,
            detached: false,
            remove: false,
            stop_signal: 15,
        }
    }

    /// Reads the record in a guest's directory.
    ///
    /// # Errors
    /// Why it cannot be read, as text: one damaged record must not keep
    /// others from being listed.
    pub fn read(dir: &Path) -> Result<Self, String> {
        let path = dir.join("guest.json");
        let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let record: Self =
            serde_json::from_slice(&bytes).map_err(|e| format!("{}: {e}", path.display()))?;
        if record.version != VERSION {
            return Err(format!(
                "{}: version {} is not {VERSION}",
                path.display(),
                record.version
            ));
        }
        Ok(record)
    }

    /// Writes the record into a guest's directory, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), StoreError> {
        let path = dir.join("guest.json");
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        write_atomically(&path, &text)
    }

    /// A monitor that is gone without an end was killed.
    pub(super) fn corrected(mut self, live: bool) -> Self {
        if !live && matches!(self.phase, Phase::Created | Phase::Running) {
            self.phase = Phase::Dead;
            self.end = Some(EndRecord {
                kind: MONITOR_KILLED.into(),
                status: 137,
                text: "monitor killed".into(),
            });
        }
        self
    }
}

/// Unix time in ms.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_millis() as u64)
}
