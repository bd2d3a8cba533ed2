//! Digests: of bytes, of files, of lists of things.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use lupine_store::{At, Store, StoreError};
use sha2::{Digest, Sha256};

/// Changed when the same inputs begin to give other bytes; part of every key.
const RECIPE: &str = "1";
/// Store kind of remembered facts.
pub(crate) const REQUESTS: &str = "requests";

/// A key made of named fields; neither order nor length can be confused.
pub(crate) struct Key(Sha256);

impl Key {
    /// A key of this kind of thing.
    pub(crate) fn new(kind: &str) -> Self {
        Self(Sha256::new())
            .field("recipe", RECIPE)
            .field("kind", kind)
    }

    /// Adds a field.
    pub(crate) fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        for part in [name.as_bytes(), value.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// 40 hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        let mut text = hex(&self.0.finalize());
        text.truncate(40);
        text
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// sha256 of bytes, hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// sha256 of a file, hexadecimal.
pub(crate) fn sha256_file(path: &Path) -> Result<String, StoreError> {
    let mut file = File::open(path).at("open", path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = file.read(&mut buffer).at("read", path)?;
        if count == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..count]);
    }
}

/// sha256 of a file, remembered as long as neither its place, size nor times change.
pub(crate) fn remembered_sha256(store: &Store, path: &Path) -> Result<String, StoreError> {
    let path = &fs::canonicalize(path).at("find", path)?;
    let meta = fs::metadata(path).at("read", path)?;
    let stamp = stamp(&meta);
    let key = Key::new("file")
        .field("path", path.as_os_str().as_encoded_bytes())
        .field("stamp", stamp)
        .finish();
    if let Some(digest) = recall(store, &key) {
        return Ok(digest);
    }
    let digest = sha256_file(path)?;
    remember(store, &key, &digest)?;
    Ok(digest)
}

/// What changes when a file's contents change, as far as `stat` tells.
pub(crate) fn stamp(meta: &fs::Metadata) -> String {
    format!(
        "{} {} {}.{} {}.{} {:o}",
        meta.ino(),
        meta.size(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
        meta.mode()
    )
}

/// What was remembered under a key.
pub(crate) fn recall(store: &Store, key: &str) -> Option<String> {
    let text = fs::read_to_string(store.get(REQUESTS, key)?).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Remembers one line under a key; a newer line replaces an older one.
pub(crate) fn remember(store: &Store, key: &str, line: &str) -> Result<(), StoreError> {
    let path = store.path(REQUESTS, key);
    let dir = store.root().join(REQUESTS);
    fs::create_dir_all(&dir).at("make", &dir)?;
    lupine_store::write_atomically(&path, format!("{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_cannot_be_confused() {
        let key = |a: &str, b: &str| Key::new("t").field("x", a).field("x", b).finish();
        assert_ne!(key("ab", "c"), key("a", "bc"));
        assert_eq!(key("a", "b").len(), 40);
    }

    #[test]
    fn a_changed_file_has_a_changed_digest() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("s")).unwrap();
        let file = dir.path().join("f");
        fs::write(&file, "abc").unwrap();
        let first = remembered_sha256(&store, &file).unwrap();
        assert_eq!(first, sha256(b"abc"));
        assert_eq!(remembered_sha256(&store, &file).unwrap(), first);
        fs::write(&file, "abcd").unwrap();
        assert_eq!(remembered_sha256(&store, &file).unwrap(), sha256(b"abcd"));
    }
}
