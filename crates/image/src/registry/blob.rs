//! One blob: what is there already, the rest by range, the digest at the end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lupine_store::{At, Store};
use lupine_tool::Progress;
use sha2::{Digest as _, Sha256};
use ureq::Body;
use ureq::http::Response;

use super::client::Client;
use super::retry::{Failure, retry};
use crate::{ImageError, RegistryError, blob};

/// Directory of interrupted transfers, below the store's root.
const PARTIAL: &str = "partial";

/// A blob to pull.
pub(crate) struct Wanted {
    /// `sha256:HEX`, checked.
    pub digest: String,
    /// Its length in bytes, as the manifest has it.
    pub bytes: u64,
}

/// Bytes of all transfers of one image together.
pub(crate) struct Counter<'a> {
    progress: &'a dyn Progress,
    done: AtomicU64,
    total: u64,
}

impl<'a> Counter<'a> {
    /// Starts at nothing of `total`.
    pub fn new(progress: &'a dyn Progress, total: u64) -> Self {
        let done = AtomicU64::new(0);
        Self {
            progress,
            done,
            total,
        }
    }

    fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.progress
            .advance(done.min(self.total), Some(self.total));
    }

    /// A transfer starts over: what it brought does not count.
    fn take_back(&self, bytes: u64) {
        self.done.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Brings one blob into the store unless it is there.
pub(crate) fn pull(
    store: &Store,
    client: &Client,
    wanted: &Wanted,
    counter: &Counter<'_>,
    stop: &AtomicBool,
) -> Result<(), ImageError> {
    let key = blob::key(&wanted.digest, &client.name())?;
    // Two processes that want one blob take turns; the second one finds it there.
    let _lock = if blob::get(store, &wanted.digest).is_none() {
        Some(store.lock(&format!("blob-{}", &key[7..39]))?)
    } else {
        None
    };
    if blob::get(store, &wanted.digest).is_some() {
        counter.add(wanted.bytes);
        return Ok(());
    }
    let path = store.path(PARTIAL, &key);
    let mut transfer = Transfer::open(&path, wanted, counter)?;
    retry(|| transfer.attempt(client, stop))?;
    transfer.file.sync_data().at("write", &path)?;
    blob::publish(store, &path, &wanted.digest)
}

/// A transfer under way and what is known of the bytes that are there.
struct Transfer<'a> {
    path: PathBuf,
    file: File,
    wanted: &'a Wanted,
    counter: &'a Counter<'a>,
    /// Hash of all bytes in the file.
    hash: Sha256,
    have: u64,
    /// The most that any attempt had.
    best: u64,
    /// Whether some bytes in the file are from an earlier answer.
    pieced: bool,
}

impl<'a> Transfer<'a> {
    fn open(path: &Path, wanted: &'a Wanted, counter: &'a Counter<'a>) -> Result<Self, ImageError> {
        let dir = path.parent().unwrap_or(path);
        fs::create_dir_all(dir).at("make", dir)?;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .at("open", path)?;
        let mut hash = Sha256::new();
        let have = io::copy(&mut file, &mut hash).at("read", path)?;
        counter.add(have);
        let mut transfer = Self {
            path: path.into(),
            file,
            wanted,
            counter,
            hash,
            have,
            best: have,
            pieced: have > 0,
        };
        if have > wanted.bytes {
            transfer.start_over()?;
        }
        Ok(transfer)
    }

    fn start_over(&mut self) -> Result<(), ImageError> {
        self.file.set_len(0).at("empty", &self.path)?;
        self.counter.take_back(self.have);
        self.hash = Sha256::new();
        self.have = 0;
        self.pieced = false;
        Ok(())
    }

    fn attempt(&mut self, client: &Client, stop: &AtomicBool) -> Result<(), Failure> {
        self.pieced |= self.have > 0;
        if self.have < self.wanted.bytes || self.wanted.bytes == 0 {
            let answer = client.blob(&self.wanted.digest, self.have)?;
            self.receive(client, answer, stop)?;
        }
        let digest = blob::named(&self.hash.clone().finalize());
        if digest == self.wanted.digest {
            return Ok(());
        }
        let error = ImageError::WrongDigest {
            what: format!("blob of {}", client.name()),
            expected: self.wanted.digest.clone(),
            actual: digest,
        };
        let pieced = self.pieced;
        self.start_over()?;
        if pieced {
            // The older piece may have been wrong: once more, from the start.
            return Err(Failure::passing(error));
        }
        fs::remove_file(&self.path).at("remove", &self.path)?;
        Err(Failure::Final(error))
    }

    fn receive(
        &mut self,
        client: &Client,
        answer: Response<Body>,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        let status = answer.status().as_u16();
        let what = format!("blob {}", self.wanted.digest);
        if status == 416 || status == 206 && range_start(&answer) != Some(self.have) {
            self.start_over()?;
            return Err(Failure::passing(RegistryError::Unexpected {
                registry: client.registry().into(),
                what,
                why: "a range that was not asked for".into(),
            }));
        }
        if status == 200 && self.have > 0 {
            self.start_over()?;
        }
        self.drain(client, answer, stop)
    }

    /// Keeps everything up to the end of the answer.
    fn drain(
        &mut self,
        client: &Client,
        answer: Response<Body>,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        let what = format!("blob {}", self.wanted.digest);
        let mut body = answer.into_body().into_reader();
        let mut buffer = vec![0; 1 << 17];
        loop {
            let broken = |why: &dyn ToString, progressed| Failure::Retry {
                error: client.broken(&what, &why.to_string()).into(),
                after: None,
                progressed,
            };
            if stop.load(Ordering::Relaxed) {
                return Err(Failure::from(client.broken(&what, &"another blob failed")));
            }
            let read = match body.read(&mut buffer) {
                Ok(0) if self.have < self.wanted.bytes => {
                    let why = format!("{} of {} bytes came", self.have, self.wanted.bytes);
                    return Err(broken(&why, self.gained()));
                }
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) => return Err(broken(&error, self.gained())),
            };
            self.keep(&buffer[..read])?;
            if self.have > self.wanted.bytes {
                // More than promised cannot have the right digest.
                return Ok(());
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), ImageError> {
        self.file.write_all(bytes).at("write", &self.path)?;
        self.hash.update(bytes);
        self.have += bytes.len() as u64;
        self.counter.add(bytes.len() as u64);
        Ok(())
    }

    /// Whether this attempt came further than those before it.
    fn gained(&mut self) -> bool {
        let gained = self.have > self.best;
        self.best = self.best.max(self.have);
        gained
    }
}

/// Where a partial answer starts.
fn range_start(answer: &Response<Body>) -> Option<u64> {
    let range = answer.headers().get("content-range")?.to_str().ok()?;
    let rest = range.trim().strip_prefix("bytes ")?;
    rest.split('-').next()?.trim().parse().ok()
}
