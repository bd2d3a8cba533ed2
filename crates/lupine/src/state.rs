//! Records of guests: one directory each below the state directory.
//!
//! ```text
//! STATE/lock                one process at a time adds or removes guests
//! STATE/guests/NAME/lock    held by the guest's monitor for its whole life
//! STATE/guests/NAME/        guest.json, launch.json, log.jsonl, requests/, run/
//! STATE/guests/.new-*       a guest being made, .gone-* one being removed
//! ```
//!
//! Whether a guest lives is decided by its lock alone, which the kernel gives
//! back whatever kills the monitor; `guest.json` says the rest.

mod found;
mod log;
mod name;
mod record;
mod refusals;
mod request;
mod stats;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use lupine_store::{At, StoreError};

pub use found::{Found, GuestDir};
pub use log::{Entry, LogReader, LogWriter, Stream};
pub use record::{EndRecord, Phase, Record, now_ms};
pub use refusals::{Refusals, read_refusals};
pub use request::{Request, read_requests, send_request};
pub use stats::{KernelStats, RootfsStats, Stats};

/// Why the state directory could not do what was asked.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum StateError {
    /// A file operation failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] StoreError),
    /// Docker refuses this too, also for guests that have ended.
    #[error("the name {name} is in use by a guest that {doing}")]
    #[diagnostic(help("choose another name, or remove it: lupine rm {}{name}", if *live { "-f " } else { "" }))]
    NameInUse {
        /// The name.
        name: String,
        /// What that guest is doing, for a sentence.
        doing: String,
        /// Whether it runs.
        live: bool,
    },
    /// There is no such guest.
    #[error("no guest is named {name}")]
    #[diagnostic(help("lupine ps -a lists the guests there are"))]
    NoSuchGuest {
        /// The name.
        name: String,
    },
    /// A guest's record is damaged.
    #[error("the record of guest {name} is damaged: {why}")]
    #[diagnostic(help("remove it: lupine rm {name}"))]
    Damaged {
        /// The guest.
        name: String,
        /// What the parser said.
        why: String,
    },
    /// It runs, and what was asked needs one that does not.
    #[error("guest {name} is running")]
    #[diagnostic(help(
        "stop it first: lupine stop {name}, or remove it at once: lupine rm -f {name}"
    ))]
    Running {
        /// The guest.
        name: String,
    },
    /// It has ended, and what was asked needs one that runs.
    #[error("guest {name} is not running")]
    #[diagnostic(help("lupine ps -a shows how it ended"))]
    NotRunning {
        /// The guest.
        name: String,
    },
}

/// The state directory.
#[derive(Debug, Clone)]
pub struct State {
    root: PathBuf,
}

/// A new guest.
#[derive(Debug)]
pub struct Created {
    /// Its directory.
    pub dir: GuestDir,
    /// Its lock, held.
    pub lock: File,
    /// Its record.
    pub record: Record,
    /// Whether a guest of this name, whose monitor was killed, made room for it.
    pub replaced: bool,
}

impl State {
    /// Opens or makes `LUPINE_STATE`, or the place where such things lie.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open() -> Result<Self, StateError> {
        Self::at(&directory("LUPINE_STATE", "XDG_STATE_HOME", ".local/state"))
    }

    /// Opens or makes the state directory `root`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn at(root: &Path) -> Result<Self, StateError> {
        let guests = root.join("guests");
        // What guests write and are given is their owner's business alone.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&guests)
            .at("make", &guests)?;
        let root = fs::canonicalize(root).at("find", root)?;
        Ok(Self { root })
    }

    /// The directory, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn guests(&self) -> PathBuf {
        self.root.join("guests")
    }

    fn guest_dir(&self, name: &str) -> GuestDir {
        GuestDir {
            name: name.into(),
            path: self.guests().join(name),
        }
    }

    /// Makes the directory of a new guest, with its lock held by the caller
    /// from before anybody can see it. `record` is called with the name.
    ///
    /// # Errors
    /// [`StateError::NameInUse`], and file errors.
    pub fn create(
        &self,
        name: Option<&str>,
        record: impl FnOnce(&str) -> Record,
    ) -> Result<Created, StateError> {
        let _turn = self.turn()?;
        self.sweep();
        let replaced = match name {
            Some(name) => self.make_room(name)?,
            None => false,
        };
        let name = name.map_or_else(
            || name::free_name(|name| self.guests().join(name).exists()),
            str::to_owned,
        );
        let new = tempfile::Builder::new()
            .prefix(".new-")
            .tempdir_in(self.guests())
            .at("make a directory in", self.guests())?;
        let lock = lock_file(new.path())?;
        lock.lock().at("lock", new.path())?;
        for part in ["run", "requests"] {
            fs::create_dir(new.path().join(part)).at("make", new.path().join(part))?;
        }
        let record = record(&name);
        record.write(new.path())?;
        let dir = self.guest_dir(&name);
        fs::rename(new.keep(), &dir.path).at("rename to", &dir.path)?;
        Ok(Created {
            dir,
            lock,
            record,
            replaced,
        })
    }

    /// Whether a guest may be called this.
    ///
    /// # Errors
    /// [`StateError::NameInUse`].
    pub fn check_free(&self, name: &str) -> Result<(), StateError> {
        if !self.guests().join(name).exists() {
            return Ok(());
        }
        let found = self.observe(self.guest_dir(name))?;
        if found.is_replaceable() {
            return Ok(());
        }
        Err(StateError::NameInUse {
            name: name.into(),
            doing: found.doing(),
            live: found.live,
        })
    }

    /// Removes a guest of this name that was killed with its monitor: the
    /// same command again shall work.
    fn make_room(&self, name: &str) -> Result<bool, StateError> {
        self.check_free(name)?;
        let dir = self.guest_dir(name);
        let there = dir.path.exists();
        if there {
            self.discard(&dir)?;
        }
        Ok(there)
    }

    /// All guests by name; those that disappear meanwhile are left out.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> Result<Vec<Found>, StateError> {
        let guests = self.guests();
        let mut names = Vec::new();
        for entry in fs::read_dir(&guests).at("list", &guests)? {
            let name = entry.at("list", &guests)?.file_name();
            let name = name.to_string_lossy().into_owned();
            if !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort();
        Ok(names
            .iter()
            .filter_map(|name| self.observe(self.guest_dir(name)).ok())
            .collect())
    }

    /// The guest `name`.
    ///
    /// # Errors
    /// [`StateError::NoSuchGuest`].
    pub fn find(&self, name: &str) -> Result<Found, StateError> {
        let dir = self.guest_dir(name);
        let safe = crate::cli::values::guest_name(name).is_ok();
        if !safe || !dir.path.is_dir() {
            return Err(StateError::NoSuchGuest { name: name.into() });
        }
        self.observe(dir)
    }

    fn observe(&self, dir: GuestDir) -> Result<Found, StateError> {
        // The lock is looked at first: a guest that ends in between is then
        // seen alive with its last record, never dead with an early one.
        let live = dir.is_live()?;
        let record = Record::read(&dir.path).map(|record| record.corrected(live));
        Ok(Found { dir, live, record })
    }

    /// Removes a guest that has ended.
    ///
    /// # Errors
    /// [`StateError::Running`], and file errors.
    pub fn remove(&self, dir: &GuestDir) -> Result<(), StateError> {
        let _turn = self.turn()?;
        if dir.is_live()? {
            return Err(StateError::Running {
                name: dir.name.clone(),
            });
        }
        self.discard(dir)
    }

    /// Removes a guest whose lock the caller holds.
    ///
    /// # Errors
    /// File errors.
    pub fn remove_own(&self, dir: &GuestDir) -> Result<(), StateError> {
        let _turn = self.turn()?;
        self.discard(dir)
    }

    fn discard(&self, dir: &GuestDir) -> Result<(), StateError> {
        let gone = self
            .guests()
            .join(format!(".gone-{}-{}", dir.name, now_ms()));
        match fs::rename(&dir.path, &gone) {
            // Somebody else removed it first: it is gone, as was asked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.at("remove", &dir.path)?,
        }
        // What cannot be removed now is tried again by the next sweep.
        let _ = fs::remove_dir_all(&gone);
        Ok(())
    }

    /// Waits for this process's turn to add or remove guests.
    fn turn(&self) -> Result<File, StateError> {
        let lock = lock_file(&self.root)?;
        lock.lock().at("lock", self.root.join("lock"))?;
        Ok(lock)
    }

    /// Removes what killed processes left: half-made and half-removed guests,
    /// and dead ones that were to be removed at their end.
    fn sweep(&self) {
        for entry in fs::read_dir(self.guests()).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let dir = self.guest_dir(&name);
            if name.starts_with(".gone-") || name.starts_with(".new-") {
                // Under the state lock nobody else makes or removes one.
                let _ = fs::remove_dir_all(&dir.path);
            } else if matches!(dir.is_live(), Ok(false)) {
                let remove = Record::read(&dir.path).is_ok_and(|record| record.remove);
                if remove {
                    let _ = self.discard(&dir);
                }
            }
        }
    }
}

fn lock_file(dir: &Path) -> Result<File, StateError> {
    let path = dir.join("lock");
    Ok(OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(&path)
        .at("open", &path)?)
}

/// `$own`, or `lupine` below `$xdg` or the home directory's `fallback`.
pub fn directory(own: &str, xdg: &str, fallback: &str) -> PathBuf {
    let set = |key: &str| std::env::var_os(key).filter(|value| !value.is_empty());
    if let Some(dir) = set(own) {
        return dir.into();
    }
    let base = set(xdg).map(PathBuf::from).unwrap_or_else(|| {
        std::env::home_dir()
            .unwrap_or_else(|| "/".into())
            .join(fallback)
    });
    base.join("lupine")
}

#[cfg(test)]
mod tests;
