//! A tar file as a set of files: staged under numbers, hashed on the way.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use lupine_store::{At, Staging, Store};

use super::{Layout, blob_name, malformed, read_document};
use crate::blob::{self, Hashing};
use crate::layer::{self, Bounded};
use crate::tarball::{Members, What};
use crate::{ImageError, Limits, path};

/// The files of a tar, staged under numbers.
pub(super) struct Archive {
    pub place: String,
    staging: Staging,
    files: BTreeMap<Vec<u8>, Staged>,
}

#[derive(Clone)]
pub(super) struct Staged {
    number: usize,
    pub digest: String,
    pub bytes: u64,
}

impl Archive {
    pub fn open(store: &Store, file: &Path, limits: &Limits) -> Result<Self, ImageError> {
        let packed = std::fs::metadata(file).at("open", file)?.len();
        let mut archive = Self {
            place: file.display().to_string(),
            staging: store.staging()?,
            files: BTreeMap::new(),
        };
        let stream = layer::open(file).map_err(|e| archive.broken(&e))?;
        let mut members = Members::new(Bounded::new(stream, limits.unpacked_bytes, packed, limits));
        let mut links = Vec::new();
        while let Some(member) = members.next().map_err(|e| archive.broken(&e))? {
            // Names outside the root name nothing that a layout has.
            let Ok(name) = path::normalise(&member.path) else {
                continue;
            };
            match member.what {
                What::File => archive.stage(name, &mut members)?,
                What::HardLink => links.extend(path::normalise(&member.link).map(|to| (name, to))),
                What::Symlink => {
                    let to = path::join(path::parent(&name), &member.link);
                    links.extend(path::normalise(&to).map(|to| (name, to)));
                }
                _ => {}
            }
            if archive.files.len() as u64 + links.len() as u64 > limits.entries {
                return Err(ImageError::TooMuch {
                    place: archive.place,
                    what: "entries",
                    limit: limits.entries,
                });
            }
        }
        // Old docker save stores a layer once and links to it from the others.
        for (name, to) in links {
            if let Some(staged) = archive.files.get(&to).cloned() {
                archive.files.entry(name).or_insert(staged);
            }
        }
        Ok(archive)
    }

    fn broken(&self, error: &io::Error) -> ImageError {
        match layer::exceeded(error) {
            Some(exceeded) => ImageError::TooMuch {
                place: self.place.clone(),
                what: exceeded.what,
                limit: exceeded.limit,
            },
            None => malformed("the archive", &self.place, error),
        }
    }

    fn stage(&mut self, name: Vec<u8>, data: &mut impl Read) -> Result<(), ImageError> {
        let number = self.files.len();
        let path = self.path(number);
        let mut file = File::create(&path).at("make", &path)?;
        let mut data = Hashing::new(data);
        let mut buffer = vec![0; 1 << 17];
        loop {
            let read = data.read(&mut buffer).map_err(|e| self.broken(&e))?;
            if read == 0 {
                break;
            }
            io::Write::write_all(&mut file, &buffer[..read]).at("write", &path)?;
        }
        let staged = Staged {
            number,
            digest: data.digest(),
            bytes: data.count(),
        };
        self.files.insert(name, staged);
        Ok(())
    }

    fn path(&self, number: usize) -> PathBuf {
        self.staging.path().join(number.to_string())
    }

    pub fn staged(&self, name: &str) -> Result<&Staged, ImageError> {
        self.files
            .get(name.as_bytes())
            .ok_or_else(|| malformed("the archive", &self.place, format!("it has no {name}")))
    }

    /// Moves a staged file into the store. It may be wanted twice, under two names.
    pub fn publish(&self, store: &Store, staged: &Staged) -> Result<(), ImageError> {
        let path = self.path(staged.number);
        if blob::get(store, &staged.digest).is_none() && path.exists() {
            let file = File::open(&path).at("open", &path)?;
            file.sync_data().at("write", &path)?;
            blob::publish(store, &path, &staged.digest)?;
        }
        Ok(())
    }
}

impl Layout for Archive {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn document(&self, name: &str) -> Result<Vec<u8>, ImageError> {
        let staged = self.staged(name)?;
        read_document(
            &self.path(staged.number),
            &format!("{name} of {}", self.place),
        )
    }

    fn import(&self, store: &Store, digest: &str, _bytes: u64) -> Result<(), ImageError> {
        let staged = self.staged(&blob_name(digest, &self.place)?)?;
        if staged.digest != digest {
            return Err(ImageError::WrongDigest {
                what: format!("a blob of {}", self.place),
                expected: digest.into(),
                actual: staged.digest.clone(),
            });
        }
        self.publish(store, staged)
    }
}
