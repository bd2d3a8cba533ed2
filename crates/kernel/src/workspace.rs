//! The working place of one source and one compiler, `builds/KEY` in the store.
//!
//! ```text
//! builds/KEY/linux/               hard links to the source tree
//! builds/KEY/linux/lupine-conf/   where Kconfig runs
//! builds/KEY/linux/lupine-out/    objects of the last build
//! builds/KEY/NAME.dirty           somebody works, or was killed while working, in NAME
//! ```
//!
//! Building in a direct subdirectory makes kbuild name every source by `..`, so that no
//! absolute path reaches a compiler, an object or ccache. Objects stay from one kernel
//! to the next: kbuild compiles again what a changed option concerns. A directory in
//! which somebody was killed is thrown away; ccache has its objects.

use std::fs;
use std::path::{Path, PathBuf};

use lupine_store::{At, Lock, Store, StoreError};
use lupine_tool::Progress;

use crate::identity::Key;
use crate::source::SourceTree;
use crate::toolchain::Toolchain;
use crate::{KernelError, tree};

/// Store kind of working places.
const BUILDS: &str = "builds";

/// Takes the lock `name`; the step `waiting` begins when somebody else holds it.
pub(crate) fn lock(
    store: &Store,
    name: &str,
    waiting: &str,
    progress: &dyn Progress,
) -> Result<Lock, StoreError> {
    match store.try_lock(name)? {
        Some(lock) => Ok(lock),
        None => {
            progress.step(waiting);
            store.lock(name)
        }
    }
}

/// A build directory that nobody else uses while this value lives.
pub(crate) struct OutDir {
    /// `builds/KEY`.
    pub(crate) base: PathBuf,
    /// The directory to build in; `../` is the source.
    pub(crate) dir: PathBuf,
    /// Every process of a build holds a lock on this file, so that it is known
    /// when the last one of a killed build is gone.
    pub(crate) alive: PathBuf,
    dirty: PathBuf,
    _lock: Lock,
}

/// Takes the build directory `name` of a source and a compiler, making it if need be.
pub(crate) fn open(
    store: &Store,
    source: &SourceTree,
    toolchain: &Toolchain,
    name: &str,
    progress: &dyn Progress,
) -> Result<OutDir, KernelError> {
    let key = Key::new("build")
        .field("source", &source.key)
        .field("tools", toolchain.key());
    let key = key.finish();
    let base = linked(store, source, &key, progress)?;
    let waiting = "waiting for another process that builds from this source";
    let held = self::lock(store, &format!("build-{key}-{name}"), waiting, progress)?;
    let dirty = base.join(format!("{name}.dirty"));
    let dir = base.join("linux").join(format!("lupine-{name}"));
    if dirty.exists() {
        // What is left of a killed build finds no source any more and ends.
        throw_away(store, &dir)?;
    }
    let alive = format!("build-{key}-{name}-alive");
    let waiting = "waiting for the last processes of a build that was killed";
    drop(self::lock(store, &alive, waiting, progress)?);
    fs::create_dir_all(&dir).at("make", &dir)?;
    fs::write(&dirty, "").at("write", &dirty)?;
    let alive = store.root().join("locks").join(alive);
    Ok(OutDir {
        base,
        dir,
        alive,
        dirty,
        _lock: held,
    })
}

impl OutDir {
    /// Says that the directory is sound: nobody works in it any more.
    pub(crate) fn done(&self) -> Result<(), StoreError> {
        fs::remove_file(&self.dirty).at("remove", &self.dirty)
    }

    /// A file in the directory.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// `builds/KEY` with its hard links.
fn linked(
    store: &Store,
    source: &SourceTree,
    key: &str,
    progress: &dyn Progress,
) -> Result<PathBuf, KernelError> {
    if let Some(bad) = forbidden(store.root()) {
        return Err(bad);
    }
    let waiting = "waiting for another process that prepares this source";
    let _lock = lock(store, &format!("build-{key}"), waiting, progress)?;
    if let Some(base) = store.get(BUILDS, key) {
        return Ok(base);
    }
    let staging = store.staging()?;
    let base = staging.path().join("base");
    tree::link(&source.dir, &base.join("linux"))?;
    Ok(store.publish(&base, BUILDS, key)?)
}

/// What make cannot have in a path.
fn forbidden(root: &Path) -> Option<KernelError> {
    let text = root.to_string_lossy();
    let bad = |c: char| c.is_whitespace() || ":#%$".contains(c);
    text.contains(bad)
        .then(|| KernelError::Path { path: root.into() })
}

fn throw_away(store: &Store, dir: &Path) -> Result<(), StoreError> {
    if !dir.exists() {
        return Ok(());
    }
    let staging = store.staging()?;
    fs::rename(dir, staging.path().join("dirty")).at("remove", dir)
}
