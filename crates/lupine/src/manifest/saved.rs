//! Manifests that were made here, one for each image and command.
//!
//! ```text
//! STATE/manifests/KEY.toml    KEY is of the image's digest and the command line
//! STATE/manifests/learning.lock    held while something is found out behind a run
//! STATE/manifests/KEY.request what shall be found out; KEY.log, what came of it
//! STATE/manifests/KEY.failed  why it could not be found out
//! STATE/manifests/KEY.trials  trials of a minimisation that has not come to its end
//! ```

use std::fs::{self, File};
use std::path::PathBuf;

use lupine_store::{At, StoreError, write_atomically};
use miette::{Result, WrapErr};
use sha2::{Digest, Sha256};

use super::Manifest;
use crate::state::State;

/// Hexadecimal digits of a key.
const DIGITS: usize = 32;

/// Where manifests are kept.
#[derive(Debug, Clone)]
pub struct Saved {
    dir: PathBuf,
}

impl Saved {
    /// Those of this state directory.
    pub fn of(state: &State) -> Self {
        Self {
            dir: state.root().join("manifests"),
        }
    }

    /// The name of an application: an image and what it runs.
    pub fn key(digest: &str, argv: &[String]) -> String {
        let mut hash = Sha256::new();
        for part in std::iter::once(digest).chain(argv.iter().map(String::as_str)) {
            hash.update(part);
            hash.update([0]);
        }
        let mut key = format!("{:x}", hash.finalize());
        key.truncate(DIGITS);
        key
    }

    fn path(&self, key: &str) -> PathBuf {
        self.dir.join(format!("{key}.toml"))
    }

    /// Where something else about this key lies, or would.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn file(&self, key: &str, what: &str) -> Result<PathBuf, StoreError> {
        fs::create_dir_all(&self.dir).at("make", &self.dir)?;
        Ok(self.dir.join(format!("{key}.{what}")))
    }

    /// The manifest of this key, if there is one.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn find(&self, key: &str) -> Result<Option<Manifest>> {
        let path = self.path(key);
        if !path.exists() {
            return Ok(None);
        }
        let manifest = Manifest::read(&path);
        manifest
            .map(Some)
            .wrap_err("cannot use what was found out earlier")
    }

    /// Keeps a manifest, in place of an older one of this key.
    ///
    /// # Errors
    /// When it cannot be written; the older one stays.
    pub fn keep(&self, key: &str, manifest: &Manifest) -> Result<PathBuf, StoreError> {
        // What failed before has gone well now.
        let _ = fs::remove_file(self.file(key, "failed")?);
        let path = self.path(key);
        write_atomically(&path, manifest.to_toml().as_bytes())?;
        Ok(path)
    }

    /// Held while something is found out behind a run; `None` when something else is. One at a
    /// time is enough for a host that also has guests to serve.
    ///
    /// # Errors
    /// When the lock cannot be made.
    pub fn try_lock(&self) -> Result<Option<File>, StoreError> {
        let path = self.file("learning", "lock")?;
        let file = File::create(&path).at("make", &path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error).at("lock", &path),
        }
    }
}
