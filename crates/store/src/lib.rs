//! The on-disk store that every stage shares: entries by kind and key that are
//! either whole or absent, whatever is killed when.
//!
//! ```text
//! ROOT/KIND/KEY     an entry, a file or a directory, never changed once there
//! ROOT/locks/NAME   a lock file; two processes that make one entry take turns
//! ROOT/tmp/XXXX     staging of a live process, on the same file system as the entries
//! ```
//!
//! What a killed process left in `tmp` is swept by the next one that opens the store.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A file operation in the store that failed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot {what} {}: {source}", path.display())]
#[diagnostic(help("{}", hint(source, path)))]
pub struct StoreError {
    /// What was tried, as an infinitive.
    pub what: &'static str,
    /// Where.
    pub path: PathBuf,
    /// What the kernel said.
    pub source: io::Error,
}

fn hint(source: &io::Error, path: &Path) -> String {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full: free space, for example with: lupine cache prune".into()
        }
        io::ErrorKind::PermissionDenied => format!(
            "make {} writable, or set LUPINE_CACHE and LUPINE_STATE to directories that are",
            path.display()
        ),
        io::ErrorKind::NotFound => "nothing is there: check the spelling of the path".into(),
        _ => "check the path and the disk".into(),
    }
}

/// Attaches what was tried and where to an I/O error.
pub trait At<T> {
    /// `what` is an infinitive, for example `write`.
    ///
    /// # Errors
    /// The same error, with its context.
    fn at(self, what: &'static str, path: impl AsRef<Path>) -> Result<T, StoreError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, what: &'static str, path: impl AsRef<Path>) -> Result<T, StoreError> {
        self.map_err(|source| StoreError {
            what,
            path: path.as_ref().into(),
            source,
        })
    }
}

/// A store below one root directory.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// Holds a lock until dropped, also when the process is killed.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// A private directory to make an entry in; removed when dropped.
#[derive(Debug)]
pub struct Staging {
    dir: PathBuf,
    _lock: File,
}

impl Store {
    /// Opens or makes the store at `root` and sweeps what dead processes left.
    ///
    /// # Errors
    /// When `root` cannot be made or written.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        for dir in ["locks", "tmp"] {
            let dir = root.join(dir);
            fs::create_dir_all(&dir).at("make", &dir)?;
        }
        let root = fs::canonicalize(&root).at("find", &root)?;
        let store = Self { root };
        store.sweep();
        Ok(store)
    }

    /// The root directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the entry `key` of `kind` lies, whether it exists or not.
    pub fn path(&self, kind: &str, key: &str) -> PathBuf {
        self.root.join(kind).join(key)
    }

    /// The entry, if it is there.
    pub fn get(&self, kind: &str, key: &str) -> Option<PathBuf> {
        let path = self.path(kind, key);
        path.exists().then_some(path)
    }

    /// Names of all entries of `kind`, sorted.
    ///
    /// # Errors
    /// When the directory exists and cannot be read.
    pub fn keys(&self, kind: &str) -> Result<Vec<String>, StoreError> {
        let dir = self.root.join(kind);
        let mut keys = Vec::new();
        match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => {
                for entry in other.at("list", &dir)? {
                    let name = entry.at("list", &dir)?.file_name();
                    keys.push(name.to_string_lossy().into_owned());
                }
            }
        }
        keys.sort();
        Ok(keys)
    }

    /// Waits until nobody else holds the lock `name`, then holds it.
    ///
    /// # Errors
    /// When the lock file cannot be made.
    pub fn lock(&self, name: &str) -> Result<Lock, StoreError> {
        let path = self.root.join("locks").join(name);
        let file = open_lock(&path)?;
        file.lock().at("lock", &path)?;
        Ok(Lock { _file: file })
    }

    /// Holds the lock `name`, or `None` when somebody else does.
    ///
    /// # Errors
    /// When the lock file cannot be made.
    pub fn try_lock(&self, name: &str) -> Result<Option<Lock>, StoreError> {
        let path = self.root.join("locks").join(name);
        let file = open_lock(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error).at("lock", &path),
        }
    }

    /// A private directory on the store's file system.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn staging(&self) -> Result<Staging, StoreError> {
        let tmp = self.root.join("tmp");
        // The lock lies beside the directory and is taken before the directory
        // exists, so a sweep never sees a live directory without its lock.
        let lock_file = tempfile::Builder::new()
            .suffix(".lock")
            .tempfile_in(&tmp)
            .at("write in", &tmp)?;
        let (lock, lock_path) = lock_file.keep().map_err(|e| e.error).at("keep", &tmp)?;
        lock.lock().at("lock", &lock_path)?;
        let dir = lock_path.with_extension("d");
        fs::create_dir(&dir).at("make", &dir)?;
        Ok(Staging { dir, _lock: lock })
    }

    /// Moves `from` (below a staging directory) to its place. When the entry is
    /// there already, the older one stays: equal keys mean equal contents.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn publish(&self, from: &Path, kind: &str, key: &str) -> Result<PathBuf, StoreError> {
        let to = self.path(kind, key);
        let parent = to.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).at("make", parent)?;
        match fs::rename(from, &to) {
            Err(_) if to.is_dir() => Ok(to),
            other => other.at("rename to", &to).map(|()| to),
        }
    }

    /// Removes an entry; it disappears at once, its bytes a little later.
    ///
    /// # Errors
    /// When it cannot be moved away.
    pub fn remove(&self, kind: &str, key: &str) -> Result<(), StoreError> {
        let path = self.path(kind, key);
        let staging = self.staging()?;
        fs::rename(&path, staging.path().join("removed")).at("remove", &path)
    }

    fn sweep(&self) {
        let tmp = self.root.join("tmp");
        let Ok(entries) = fs::read_dir(&tmp) else {
            return;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|ext| ext == "lock") {
                sweep_one(&path);
            }
        }
    }
}

/// Removes a staging directory whose owner holds its lock no longer. Failing
/// is harmless: the next one who opens the store tries again.
fn sweep_one(lock_path: &Path) {
    let Ok(lock) = File::open(lock_path) else {
        return;
    };
    if lock.try_lock().is_ok() && is_old(&lock) {
        discard(&lock_path.with_extension("d"), lock_path);
    }
}

/// Removes a staging directory, then its lock; one that stays keeps its lock, so that a later sweep finds it.
fn discard(dir: &Path, lock_path: &Path) {
    remove_tree(dir);
    if !dir.exists() {
        let _ = fs::remove_file(lock_path);
    }
}

/// A lock file younger than this may be about to be locked by its maker.
fn is_old(lock: &File) -> bool {
    let age = lock.metadata().and_then(|m| m.modified()).ok();
    age.and_then(|time| time.elapsed().ok())
        .is_some_and(|age| age.as_secs() >= 2)
}

/// Removes a tree even where directories lack their write bit. A tree in which
/// something is mounted stays: what lies there is not ours.
fn remove_tree(dir: &Path) {
    if has_mounts(dir) || fs::remove_dir_all(dir).is_ok() {
        return;
    }
    make_writable(dir);
    let _ = fs::remove_dir_all(dir);
}

/// Whether a file system is mounted below `dir`, by proc(5)'s mountinfo.
fn has_mounts(dir: &Path) -> bool {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    points.map(Path::new).any(|point| point.starts_with(dir))
}

fn make_writable(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let _ = fs::set_permissions(dir, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

fn open_lock(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .at("open", path)
}

impl Staging {
    /// The directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        discard(&self.dir, &self.dir.with_extension("lock"));
    }
}

/// Writes `bytes` to `path` so that a reader sees the old file or the new one.
///
/// # Errors
/// When the directory is not writable or the disk is full; the old file stays.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    use std::io::Write;
    let dir = path
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".lupine-")
        .tempfile_in(dir)
        .at("write in", dir)?;
    file.write_all(bytes).at("write", path)?;
    file.as_file().sync_data().at("write", path)?;
    file.persist(path)
        .map_err(|e| e.error)
        .at("rename to", path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        (dir, store)
    }

    #[test]
    fn an_entry_is_whole_or_absent() {
        let (_dir, store) = store();
        let staging = store.staging().unwrap();
        fs::write(staging.path().join("new"), "x").unwrap();
        assert!(store.get("things", "k").is_none());
        store
            .publish(&staging.path().join("new"), "things", "k")
            .unwrap();
        assert_eq!(fs::read(store.get("things", "k").unwrap()).unwrap(), b"x");
        assert_eq!(store.keys("things").unwrap(), ["k"]);
        store.remove("things", "k").unwrap();
        assert!(store.get("things", "k").is_none());
    }

    #[test]
    fn staging_disappears_with_its_owner_and_not_before() {
        let (_dir, store) = store();
        let staging = store.staging().unwrap();
        let path = staging.path().to_owned();
        Store::open(store.root()).unwrap();
        assert!(path.exists());
        drop(staging);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_process_left_is_swept() {
        let (_dir, store) = store();
        let tmp = store.root().join("tmp");
        fs::create_dir_all(tmp.join("dead.d/x")).unwrap();
        let lock = File::create(tmp.join("dead.lock")).unwrap();
        lock.set_modified(std::time::SystemTime::UNIX_EPOCH)
            .unwrap();
        drop(lock);
        Store::open(store.root()).unwrap();
        assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);
    }

    #[test]
    fn a_lock_is_exclusive_and_ends_with_its_holder() {
        let (_dir, store) = store();
        let held = store.lock("a").unwrap();
        assert!(store.try_lock("a").unwrap().is_none());
        drop(held);
        assert!(store.try_lock("a").unwrap().is_some());
    }

    #[test]
    fn a_failed_write_names_the_path() {
        let error = write_atomically(Path::new("/proc/nope/x"), b"").unwrap_err();
        assert!(error.to_string().contains("/proc/nope"), "{error}");
    }
}
