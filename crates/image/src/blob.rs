//! Content-addressed blobs in the store: verified before they appear.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use lupine_store::{At, Staging, Store};
use sha2::{Digest as _, Sha256};

use crate::ImageError;

/// The store's kind of blobs.
pub(crate) const KIND: &str = "blobs";

/// `sha256:HEX` of `bytes`.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    named(Sha256::digest(bytes).as_slice())
}

/// `sha256:HEX` of a finished hash.
pub(crate) fn named(hash: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in hash {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// The hexadecimal part of a `sha256:` digest, `None` for anything else.
pub(crate) fn hex(digest: &str) -> Option<&str> {
    let hex = digest.strip_prefix("sha256:")?;
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (hex.len() == 64 && hex.bytes().all(digit)).then_some(hex)
}

/// The store's key of a blob.
///
/// # Errors
/// [`ImageError::Malformed`] for a digest that is not sha256.
pub(crate) fn key(digest: &str, place: &str) -> Result<String, ImageError> {
    let hex = hex(digest).ok_or_else(|| ImageError::Malformed {
        what: "a digest",
        place: place.into(),
        why: format!("{digest:?} is no sha256 digest"),
    })?;
    Ok(format!("sha256-{hex}"))
}

/// The blob, if it is there.
pub(crate) fn get(store: &Store, digest: &str) -> Option<PathBuf> {
    store.get(KIND, &format!("sha256-{}", hex(digest)?))
}

/// The whole blob, if it is there and readable.
pub(crate) fn read(store: &Store, digest: &str) -> Option<Vec<u8>> {
    std::fs::read(get(store, digest)?).ok()
}

/// Puts small `bytes` into the store and returns their digest.
pub(crate) fn put(store: &Store, bytes: &[u8]) -> Result<String, ImageError> {
    let digest = digest_of(bytes);
    if get(store, &digest).is_none() {
        let mut writer = BlobWriter::new(store)?;
        writer.write_all(bytes).at("write", writer.path.clone())?;
        writer.finish()?;
    }
    Ok(digest)
}

/// What a copied blob must turn out to be.
pub(crate) struct Expected<'a> {
    /// `sha256:HEX`.
    pub digest: &'a str,
    /// Length in bytes, where the descriptor has it.
    pub bytes: u64,
    /// Where it comes from, for messages.
    pub place: &'a str,
}

/// Copies a blob into the store unless it is there, and verifies it.
pub(crate) fn copy(
    store: &Store,
    reader: impl Read,
    expected: &Expected<'_>,
) -> Result<(), ImageError> {
    key(expected.digest, expected.place)?;
    if get(store, expected.digest).is_some() {
        return Ok(());
    }
    let mut writer = BlobWriter::new(store)?;
    let path = writer.path.clone();
    // One byte more than promised is enough to know that it is too long.
    let mut limited = reader.take(expected.bytes.saturating_add(1));
    io::copy(&mut limited, &mut writer).at("copy to", &path)?;
    let (digest, staged) = writer.close()?;
    if digest != expected.digest {
        return Err(ImageError::WrongDigest {
            what: format!("a blob of {}", expected.place),
            expected: expected.digest.into(),
            actual: digest,
        });
    }
    publish(store, &staged.path().join("blob"), &digest)
}

/// Moves a verified file into the store under its digest.
pub(crate) fn publish(store: &Store, from: &Path, digest: &str) -> Result<(), ImageError> {
    store.publish(from, KIND, &key(digest, "the store")?)?;
    Ok(())
}

/// Writes a blob whose digest is known only at its end.
pub(crate) struct BlobWriter<'a> {
    store: &'a Store,
    staging: Staging,
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
}

impl<'a> BlobWriter<'a> {
    /// Starts an empty blob.
    pub fn new(store: &'a Store) -> Result<Self, ImageError> {
        let staging = store.staging()?;
        let path = staging.path().join("blob");
        let file = File::create(&path).at("make", &path)?;
        Ok(Self {
            store,
            staging,
            path,
            file: BufWriter::with_capacity(1 << 17, file),
            hash: Sha256::new(),
        })
    }

    fn close(self) -> Result<(String, Staging), ImageError> {
        let file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .at("write", &self.path)?;
        file.sync_data().at("write", &self.path)?;
        Ok((named(&self.hash.finalize()), self.staging))
    }

    /// Publishes the blob and returns its digest.
    pub fn finish(self) -> Result<String, ImageError> {
        let (store, path) = (self.store, self.path.clone());
        let (digest, staging) = self.close()?;
        publish(store, &path, &digest)?;
        drop(staging);
        Ok(digest)
    }
}

impl Write for BlobWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Hashes and counts what is read through it.
pub(crate) struct Hashing<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Hashing<R> {
    /// Wraps `inner`.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            bytes: 0,
        }
    }

    /// `sha256:HEX` of everything read so far.
    pub fn digest(&self) -> String {
        named(&self.hash.clone().finalize())
    }

    /// How many bytes were read so far.
    pub fn count(&self) -> u64 {
        self.bytes
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_with_a_wrong_digest_never_appears() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let digest = digest_of(b"right");
        let expected = Expected {
            digest: &digest,
            bytes: 5,
            place: "test",
        };
        let error = copy(&store, &b"wrong"[..], &expected).unwrap_err();
        assert!(matches!(error, ImageError::WrongDigest { .. }), "{error}");
        assert!(get(&store, &digest).is_none());
        copy(&store, &b"right"[..], &expected).unwrap();
        assert_eq!(read(&store, &digest).unwrap(), b"right");
        assert_eq!(put(&store, b"right").unwrap(), digest);
    }

    #[test]
    fn only_sha256_names_a_blob() {
        for bad in ["", "sha256:", "sha512:00", "sha256:../../etc/passwd", "x"] {
            assert!(key(bad, "test").is_err(), "{bad}");
        }
    }
}
