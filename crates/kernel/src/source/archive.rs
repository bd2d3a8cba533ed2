//! Unpacking with the host's `tar`, which knows every compression.

use std::fs;
use std::path::Path;

use lupine_store::At;
use lupine_tool::{Tool, ToolError, find};

use crate::{KernelError, failure};

/// Endings of compressed archives and the program that `tar` calls for them.
const COMPRESSORS: [(&str, &str); 4] = [
    ("xz", "xz"),
    ("zst", "zstd"),
    ("gz", "gzip"),
    ("bz2", "bzip2"),
];

/// Unpacks the contents of an archive's top directory into the new directory `dir`.
pub(super) fn unpack(archive: &Path, dir: &Path) -> Result<(), KernelError> {
    let ending = archive
        .extension()
        .map(|e| e.to_string_lossy())
        .unwrap_or_default();
    let compressor = COMPRESSORS.iter().find(|(e, _)| *e == ending);
    if let Some((_, program)) = compressor.filter(|(_, program)| find(program).is_none()) {
        let program = (*program).to_owned();
        return Err(ToolError::Missing { program }.into());
    }
    fs::create_dir_all(dir).at("make", dir)?;
    let tar = Tool::new("tar")
        .args([
            "--extract",
            "--strip-components=1",
            "--no-same-owner",
            "--file",
        ])
        .arg(archive)
        .arg("--directory")
        .arg(dir)
        .env("LC_ALL", "C");
    match tar.run() {
        Ok(_) => Ok(()),
        Err(error) => match failure::of_tool(error, dir) {
            KernelError::Tool(ToolError::Failed { tail, .. }) => {
                let why = tail.lines().next().unwrap_or("tar failed").to_owned();
                Err(KernelError::NoKernel {
                    path: archive.into(),
                    why,
                })
            }
            other => Err(other),
        },
    }
}
