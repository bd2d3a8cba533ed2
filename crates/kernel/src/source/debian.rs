//! Debian's source package: installed, or downloaded without being installed.

use std::fs;
use std::path::{Path, PathBuf};

use lupine_store::{At, Store};
use lupine_tool::{Progress, Tool, ToolError};

use super::download::{DOWNLOADS, entry_name};
use crate::identity::{Key, recall, remember, sha256_file};
use crate::{KernelError, Pin, failure, workspace};

/// The package's archive.
pub(super) fn archive(
    store: &Store,
    pin: &Pin,
    progress: &dyn Progress,
) -> Result<PathBuf, KernelError> {
    if pin.file.is_file() {
        return Ok(pin.file.clone());
    }
    let waiting = format!("waiting for another process that downloads {}", pin.package);
    let _lock = workspace::lock(
        store,
        &format!("download-{}", pin.package),
        &waiting,
        progress,
    )?;
    let key = Key::new("debian").field("package", &pin.package).finish();
    if let Some(path) = recall(store, &key).and_then(|name| store.get(DOWNLOADS, &name)) {
        return Ok(path);
    }
    progress.step(&format!("downloading Debian's {}", pin.package));
    let staging = store.staging()?;
    let file = download(staging.path(), pin)?;
    let name = entry_name(&pin.file.to_string_lossy(), &sha256_file(&file)?);
    let path = store.publish(&file, DOWNLOADS, &name)?;
    remember(store, &key, &name)?;
    Ok(path)
}

/// `apt-get download` needs no root, and neither does unpacking a package beside the system.
fn download(dir: &Path, pin: &Pin) -> Result<PathBuf, KernelError> {
    let failed = |error: ToolError| match failure::of_tool(error, dir) {
        KernelError::Tool(ToolError::Failed { tail, .. }) => no_source(pin, tail.trim()),
        KernelError::Tool(ToolError::Missing { program }) => {
            no_source(pin, &format!("{program} is not installed"))
        }
        other => other,
    };
    let apt = Tool::new("apt-get").args(["download", "--quiet", &pin.package]);
    apt.env("LC_ALL", "C")
        .current_dir(dir)
        .run()
        .map_err(failed)?;
    let deb = fs::read_dir(dir)
        .at("list", dir)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|e| e == "deb"))
        .ok_or_else(|| no_source(pin, "apt-get left no package"))?;
    let root = dir.join("root");
    Tool::new("dpkg-deb")
        .arg("-x")
        .arg(&deb)
        .arg(&root)
        .run()
        .map_err(failed)?;
    let file = root.join(pin.file.strip_prefix("/").unwrap_or(&pin.file));
    if !file.is_file() {
        return Err(no_source(pin, "the package holds no archive"));
    }
    Ok(file)
}

fn no_source(pin: &Pin, why: &str) -> KernelError {
    let why = why.lines().last().unwrap_or("no reason given");
    KernelError::NoDebianSource {
        package: pin.package.clone(),
        why: why.into(),
    }
}
