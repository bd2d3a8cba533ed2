//! Running the kernel's `make`: clean environment, log, progress.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lupine_store::{At, Store};
use lupine_tool::{Tool, find};

use crate::workspace::OutDir;
use crate::{KernelError, failure};

/// Where ccache keeps its objects, below the store's root.
const CCACHE: &str = "ccache";
/// How much ccache may keep; a kernel's objects take about 10 MB compressed.
const CCACHE_MAX: &str = "2G";
/// Only objects of the kernel go through ccache. What Kconfig and kbuild try out about
/// the compiler does not: there, a compiler that is fed preprocessed text answers
/// differently, and the configuration would change.
const CC_SCRIPT: &str = "\
#!/bin/sh
case $1 in -Wp,-MMD,*) exec ccache gcc \"$@\" ;; *) exec gcc \"$@\" ;; esac
";
/// A disk with less room than this is called full when a build has failed.
const FULL_BYTES: u64 = 4 << 20;
/// How often the log is looked at.
const POLL: Duration = Duration::from_millis(100);

/// What every build has in its environment, and nothing else but `PATH`.
/// These also make the result independent of time, place and person.
pub(crate) const ENVIRONMENT: [(&str, &str); 6] = [
    ("LC_ALL", "C"),
    ("TZ", "UTC"),
    ("KBUILD_BUILD_TIMESTAMP", "Thu Jan  1 00:00:00 UTC 1970"),
    ("KBUILD_BUILD_USER", "lupine"),
    ("KBUILD_BUILD_HOST", "lupine"),
    ("KBUILD_BUILD_VERSION", "1"),
];

/// Arguments of every build. No kernel of ours has Rust or BTF in it: whether these tools
/// happen to be installed, and which versions, must not change a configuration.
pub(crate) const ARGUMENTS: [&str; 6] = [
    "-f",
    "../Makefile",
    "ARCH=x86_64",
    "LOCALVERSION=",
    "RUSTC=none",
    "PAHOLE=none",
];

/// One run of make in a build directory.
pub(crate) struct Make<'a> {
    out: &'a OutDir,
    args: Vec<String>,
    envs: Vec<(String, String)>,
    /// Where its output goes.
    pub(crate) log: PathBuf,
}

impl<'a> Make<'a> {
    /// `name` is the log's.
    pub(crate) fn new(out: &'a OutDir, jobs: usize, name: &str) -> Self {
        let args = ARGUMENTS.iter().map(|a| (*a).to_owned());
        let mut envs: Vec<_> = ENVIRONMENT
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        for inherited in ["PATH", "TMPDIR"] {
            if let Ok(value) = std::env::var(inherited) {
                envs.push((inherited.to_owned(), value));
            }
        }
        Self {
            out,
            args: args.chain([format!("-j{}", jobs.max(1))]).collect(),
            envs,
            log: out.base.join(format!("{name}.log")),
        }
    }

    /// Adds an argument: a target or a variable.
    pub(crate) fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds to the environment.
    pub(crate) fn env(mut self, key: &str, value: impl Into<String>) -> Self {
        self.envs.push((key.into(), value.into()));
        self
    }

    /// Compiles through ccache where it is installed. `stats` is a file that will tell
    /// what ccache did.
    ///
    /// Its direct mode never hits here, because every configuration has its own
    /// `autoconf.h`; so it hashes what the preprocessor makes of a source, and the
    /// compiler gets that very text. The user's own settings are left out: what they
    /// ignore could make two kernels differ.
    ///
    /// # Errors
    /// When the script that calls ccache cannot be written.
    pub(crate) fn ccache(mut self, store: &Store, stats: &Path) -> Result<Self, KernelError> {
        if find("ccache").is_none() {
            return Ok(self);
        }
        let dir = store.root().join(CCACHE);
        let settings = [
            ("CCACHE_DIR", dir.to_string_lossy().into_owned()),
            (
                "CCACHE_CONFIGPATH",
                dir.join("ccache.conf").to_string_lossy().into_owned(),
            ),
            ("CCACHE_STATSLOG", stats.to_string_lossy().into_owned()),
            ("CCACHE_MAXSIZE", CCACHE_MAX.into()),
            ("CCACHE_NODIRECT", "1".into()),
            ("CCACHE_NOHASHDIR", "1".into()),
            ("CCACHE_NOCPP2", "1".into()),
        ];
        self.envs
            .extend(settings.map(|(key, value)| (key.to_owned(), value)));
        let script = self.out.base.join("cc");
        fs::write(&script, CC_SCRIPT).at("write", &script)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).at("write", &script)?;
        Ok(self.arg(format!("CC={}", script.display())))
    }

    /// Runs make; `line` gets each line of its output soon after it was written.
    ///
    /// # Errors
    /// As [`KernelError::Tool`] when it cannot run; `Ok(false)` when it failed.
    pub(crate) fn run(self, line: &mut dyn FnMut(&str)) -> Result<bool, KernelError> {
        // flock opens the file itself and hands it down to every process of the build.
        let mut tool = Tool::new("flock")
            .arg("--no-fork")
            .arg(&self.out.alive)
            .arg("make");
        tool = tool
            .args(&self.args)
            .current_dir(&self.out.dir)
            .env_clear()
            .log_to(&self.log);
        for (key, value) in &self.envs {
            tool = tool.env(key, value);
        }
        let mut running = tool.spawn()?;
        let mut tail = Tail::open(&self.log)?;
        let status = loop {
            let status = running.try_status()?;
            tail.read(line)?;
            match status {
                Some(status) => break status,
                None => std::thread::sleep(POLL),
            }
        };
        Ok(status.success())
    }
}

/// Follows a file that grows.
struct Tail {
    file: File,
    path: PathBuf,
    rest: Vec<u8>,
}

impl Tail {
    fn open(path: &Path) -> Result<Self, KernelError> {
        let file = File::open(path).at("open", path)?;
        Ok(Self {
            file,
            path: path.into(),
            rest: Vec::new(),
        })
    }

    fn read(&mut self, line: &mut dyn FnMut(&str)) -> Result<(), KernelError> {
        self.file
            .read_to_end(&mut self.rest)
            .at("read", &self.path)?;
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let whole: Vec<u8> = self.rest.drain(..=end).collect();
            line(String::from_utf8_lossy(&whole).trim_end());
        }
        Ok(())
    }
}

/// The object of the kernel that a line of make's output announces.
pub(crate) fn object_of(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("  CC ")
        .or_else(|| line.strip_prefix("  AS "))?;
    Some(rest.trim())
}

/// Turns the log of a failed make into an error and keeps the log as `logs/NAME.log`.
/// Says also whether the build directory is still sound.
pub(crate) fn failed(
    store: &Store,
    log: &Path,
    name: &str,
    kind: fn(Vec<String>, PathBuf) -> KernelError,
) -> (KernelError, bool) {
    let text = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    // On a full disk the log may have no room for the reason.
    if failure::is_disk_full(&text) || is_full(store.root()) {
        return (
            KernelError::DiskFull {
                path: store.root().into(),
            },
            false,
        );
    }
    let kept = keep(store, log, name).unwrap_or_else(|_| log.to_owned());
    if failure::was_killed(&text) {
        return (KernelError::Killed { log: kept }, false);
    }
    (kind(failure::errors(&text), kept), true)
}

/// Whether a file system has so little room that programs fail in odd ways.
fn is_full(dir: &Path) -> bool {
    nix::sys::statvfs::statvfs(dir).is_ok_and(|stat| {
        let free = stat.blocks_available() * stat.fragment_size();
        free < FULL_BYTES
    })
}

fn keep(store: &Store, log: &Path, name: &str) -> Result<PathBuf, KernelError> {
    let dir = store.root().join("logs");
    fs::create_dir_all(&dir).at("make", &dir)?;
    let kept = dir.join(format!("{name}.log"));
    fs::rename(log, &kept).at("rename to", &kept)?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_told_from_other_steps() {
        assert_eq!(object_of("  CC      init/main.o"), Some("init/main.o"));
        assert_eq!(
            object_of("  AS      arch/x86/entry/entry_64.o"),
            Some("arch/x86/entry/entry_64.o")
        );
        assert_eq!(object_of("  HOSTCC  scripts/basic/fixdep"), None);
        assert_eq!(object_of("  AR      built-in.a"), None);
    }
}
