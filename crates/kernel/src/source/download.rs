//! Archives from the network, by the digest that they must have.

use std::path::{Path, PathBuf};

use lupine_store::Store;
use lupine_tool::{Progress, Tool, ToolError, find};

use crate::identity::sha256_file;
use crate::{KernelError, failure, workspace};

/// Store kind of downloaded archives, by sha256.
pub(super) const DOWNLOADS: &str = "downloads";

/// The archive at `url`, downloaded once.
pub(super) fn archive(
    store: &Store,
    url: &str,
    expected: &str,
    progress: &dyn Progress,
) -> Result<PathBuf, KernelError> {
    let name = entry_name(url, expected);
    let waiting = format!("waiting for another process that downloads {url}");
    let _lock = workspace::lock(store, &format!("download-{expected}"), &waiting, progress)?;
    if let Some(path) = store.get(DOWNLOADS, &name) {
        return Ok(path);
    }
    progress.step(&format!("downloading {url}"));
    let staging = store.staging()?;
    let file = staging.path().join("archive");
    fetch(url, &file)?;
    let actual = sha256_file(&file)?;
    if actual != expected {
        return Err(KernelError::WrongDigest {
            what: url.into(),
            expected: expected.into(),
            actual,
        });
    }
    Ok(store.publish(&file, DOWNLOADS, &name)?)
}

/// The digest, and the ending that tells how it is compressed.
pub(super) fn entry_name(url: &str, digest: &str) -> String {
    let ending = url
        .rsplit('/')
        .next()
        .and_then(|file| file.rsplit_once('.'));
    let ending = ending
        .map(|(_, e)| e)
        .filter(|e| e.len() <= 5 && e.bytes().all(|b| b.is_ascii_alphanumeric()));
    format!("{digest}.tar.{}", ending.unwrap_or("bin"))
}

fn fetch(url: &str, file: &Path) -> Result<(), KernelError> {
    let tool = if find("curl").is_some() || find("wget").is_none() {
        let options = [
            "--fail",
            "--location",
            "--silent",
            "--show-error",
            "--retry",
            "2",
        ];
        Tool::new("curl")
            .args(options)
            .args(["--connect-timeout", "30"])
            .arg("--output")
    } else {
        Tool::new("wget").args([
            "--no-verbose",
            "--tries=3",
            "--timeout=30",
            "--output-document",
        ])
    };
    match tool.arg(file).arg("--").arg(url).run() {
        Ok(_) => Ok(()),
        Err(error) => match failure::of_tool(error, file) {
            KernelError::Tool(ToolError::Failed { tail, .. }) => {
                let why = tail.lines().last().unwrap_or("no reason given").to_owned();
                Err(KernelError::Download {
                    url: url.into(),
                    why,
                })
            }
            other => Err(other),
        },
    }
}
