//! Guests as they are found on disk.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use lupine_store::At;

use super::record::MONITOR_KILLED;
use super::{Phase, Record, StateError};

/// One guest's directory.
#[derive(Debug, Clone)]
pub struct GuestDir {
    /// Its name.
    pub name: String,
    /// The directory.
    pub path: PathBuf,
}

/// A guest as it was found.
#[derive(Debug)]
pub struct Found {
    /// Where.
    pub dir: GuestDir,
    /// Whether its monitor lives.
    pub live: bool,
    /// What its record says, corrected by `live`; an error's text if it is damaged.
    pub record: Result<Record, String>,
}

impl GuestDir {
    /// Whether the guest's monitor lives: somebody holds the lock.
    ///
    /// # Errors
    /// When the lock cannot be opened.
    pub fn is_live(&self) -> Result<bool, StateError> {
        let path = self.path.join("lock");
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other.at("open", &path)?,
        };
        // Shared, so that two observers do not take each other for a monitor.
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(fs::TryLockError::WouldBlock) => Ok(true),
            Err(fs::TryLockError::Error(error)) => Err(error).at("lock", &path)?,
        }
    }

    /// The private directory of the virtual machine.
    pub fn run_dir(&self) -> PathBuf {
        self.path.join("run")
    }

    /// What the kernel said.
    pub fn kernel_log(&self) -> PathBuf {
        self.run_dir().join("kernel.log")
    }
}

impl Found {
    /// The record, or that it is damaged.
    ///
    /// # Errors
    /// [`StateError::Damaged`].
    pub fn record(&self) -> Result<&Record, StateError> {
        self.record.as_ref().map_err(|why| StateError::Damaged {
            name: self.dir.name.clone(),
            why: why.clone(),
        })
    }

    /// Whether it may make room for a guest of the same name: its monitor was
    /// killed, or it never came to run, or it was to be removed.
    pub(super) fn is_replaceable(&self) -> bool {
        let ended = |record: &Record| {
            let end = record.end.as_ref();
            let killed = end.is_some_and(|end| end.kind == MONITOR_KILLED);
            record.remove || killed || record.started_ms.is_none()
        };
        !self.live && self.record.as_ref().is_ok_and(ended)
    }

    /// What it does, after "a guest that".
    pub(super) fn doing(&self) -> String {
        match (&self.record, self.live) {
            (_, true) => "is running".into(),
            (Ok(record), false) => match record.phase {
                Phase::Exited => "has exited".into(),
                _ => "is dead".into(),
            },
            (Err(_), false) => "has a damaged record".into(),
        }
    }
}
