//! Which manifest a reference last meant: one small file for each reference.

use std::path::PathBuf;

use lupine_store::{At, Store, write_atomically};
use serde::{Deserialize, Serialize};

use crate::{ImageError, ImageRef, blob};

/// Directory below the store's root. Unlike entries, records change.
const KIND: &str = "references";

/// An image that was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// The reference in full, local paths absolute.
    pub reference: String,
    /// Digest of the manifest it meant, `sha256:HEX`.
    pub digest: String,
    /// Length of all layer blobs together.
    pub bytes: u64,
    /// When it was loaded, seconds since 1970.
    pub loaded_at: u64,
    /// What the source looked like then; a local source that looks different is loaded again.
    #[serde(default)]
    pub(crate) stamp: String,
}

/// The name that records of `reference` go by: local paths are made absolute.
pub(crate) fn full_name(reference: &ImageRef) -> String {
    let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let mut full = reference.clone();
    match &mut full {
        ImageRef::Docker(_) | ImageRef::Deb(_) => {}
        ImageRef::Dir(path)
        | ImageRef::Oci { dir: path, .. }
        | ImageRef::OciArchive { file: path, .. }
        | ImageRef::DockerArchive { file: path, .. } => *path = absolute(path),
    }
    full.to_string()
}

fn path(store: &Store, name: &str) -> PathBuf {
    let digest = blob::digest_of(name.as_bytes());
    let hex = digest.trim_start_matches("sha256:");
    store.path(KIND, &format!("{}.json", &hex[..32]))
}

/// The record of the reference that goes by `name`.
pub(crate) fn find(store: &Store, name: &str) -> Option<ImageRecord> {
    let bytes = std::fs::read(path(store, name)).ok()?;
    let record: ImageRecord = serde_json::from_slice(&bytes).ok()?;
    (record.reference == name).then_some(record)
}

/// Writes a record in place of the older one.
pub(crate) fn write(store: &Store, record: &ImageRecord) -> Result<(), ImageError> {
    let path = path(store, &record.reference);
    let dir = store.root().join(KIND);
    std::fs::create_dir_all(&dir).at("make", &dir)?;
    let bytes = serde_json::to_vec_pretty(record).map_err(std::io::Error::other);
    Ok(write_atomically(&path, &bytes.at("encode", &path)?)?)
}

/// All images that were loaded into `store`, by reference.
///
/// # Errors
/// [`ImageError::Store`] when the store cannot be read. A damaged record is left out.
pub fn list(store: &Store) -> Result<Vec<ImageRecord>, ImageError> {
    let mut records: Vec<ImageRecord> = store
        .keys(KIND)?
        .iter()
        .filter_map(|key| std::fs::read(store.path(KIND, key)).ok())
        .filter_map(|bytes| serde_json::from_slice(&bytes).ok())
        .collect();
    records.sort_by(|a, b| a.reference.cmp(&b.reference));
    Ok(records)
}

/// Forgets what `reference` meant; its blobs stay until the store is pruned.
/// Returns whether it was known.
///
/// # Errors
/// [`ImageError::Store`] when the record cannot be removed.
pub fn forget(store: &Store, reference: &ImageRef) -> Result<bool, ImageError> {
    let path = path(store, &full_name(reference));
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Ok(Err(error).at("remove", &path)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_listed_found_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let reference: ImageRef = "deb:a1,b1".parse().unwrap();
        let record = ImageRecord {
            reference: full_name(&reference),
            digest: blob::digest_of(b"x"),
            bytes: 1,
            loaded_at: 2,
            stamp: "s".into(),
        };
        write(&store, &record).unwrap();
        assert_eq!(record.reference, "deb:a1,b1");
        assert_eq!(list(&store).unwrap(), std::slice::from_ref(&record));
        assert_eq!(find(&store, "deb:a1,b1"), Some(record));
        assert!(forget(&store, &reference).unwrap());
        assert!(!forget(&store, &reference).unwrap());
        assert!(list(&store).unwrap().is_empty());
    }
}
