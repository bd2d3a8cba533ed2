//! The source from Debian's package, in a temporary directory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lupine_tool::Tool;

/// Parts of the archive that nothing is read from.
const LEFT_OUT: [&str; 9] = [
    "*/Documentation",
    "*/tools",
    "*/drivers/gpu/drm/amd",
    "*/sound/soc",
    "*/drivers/net/ethernet",
    "*/arch/arm",
    "*/arch/arm64",
    "*/arch/powerpc",
    "*/arch/mips",
];
/// How long unpacking may take.
const LIMIT: Duration = Duration::from_secs(300);

/// An unpacked source, removed with this value.
pub struct Unpacked {
    directory: tempfile::TempDir,
}

impl Unpacked {
    /// The top directory of the source.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Unpacks `/usr/src/linux-source-SERIES.tar.xz`.
pub fn unpack(series: &str) -> Result<Unpacked, String> {
    let archive = PathBuf::from(format!("/usr/src/linux-source-{series}.tar.xz"));
    if !archive.is_file() {
        return Err(format!(
            "{} is not there: apt-get install linux-source-{series}, or give --source DIR",
            archive.display()
        ));
    }
    let directory = tempfile::tempdir().map_err(|e| format!("no temporary directory: {e}"))?;
    let tar = Tool::new("tar")
        .args(["--extract", "--strip-components=1", "--no-same-owner"])
        // A star is only the archive's top directory.
        .args(["--anchored", "--no-wildcards-match-slash"])
        .args(LEFT_OUT.map(|part| format!("--exclude={part}")))
        .arg("--file")
        .arg(&archive)
        .arg("--directory")
        .arg(directory.path())
        .env("LC_ALL", "C")
        .timeout(LIMIT);
    tar.run().map_err(|e| e.to_string())?;
    Ok(Unpacked { directory })
}
