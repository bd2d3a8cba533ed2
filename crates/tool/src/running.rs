//! A program that runs: waiting with a time limit, and killing.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::ToolError;

/// How much of a failed program's output an error quotes, in bytes.
const TAIL_BYTES: u64 = 4096;

/// What a finished program left.
#[derive(Debug)]
pub struct ToolOutput {
    /// All of its stdout, unless that went to a file.
    pub stdout: Vec<u8>,
    /// All of its stderr, unless that went to a log file.
    pub stderr: Vec<u8>,
    /// How long it ran.
    pub took: Duration,
}

/// A program that runs. Dropping it kills its whole process group.
#[derive(Debug)]
pub struct Running {
    program: String,
    child: Option<Child>,
    started: Instant,
    limit: Option<Duration>,
    log: Option<PathBuf>,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    /// Takes care of a child; what it writes is collected unless it goes to `log`.
    pub(crate) fn new(
        program: String,
        mut child: Child,
        started: Instant,
        limit: Option<Duration>,
        log: Option<PathBuf>,
    ) -> Self {
        let collect = log.is_none();
        let stdout = collect.then(|| child.stdout.take()).flatten().map(drain);
        let stderr = collect.then(|| child.stderr.take()).flatten().map(drain);
        Self {
            program,
            child: Some(child),
            started,
            limit,
            log,
            stdout,
            stderr,
        }
    }

    /// The process id; the program leads a process group of the same number.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// The exit status, if it has ended.
    ///
    /// # Errors
    /// [`ToolError::Spawn`] when the kernel cannot be asked.
    pub fn try_status(&mut self) -> Result<Option<ExitStatus>, ToolError> {
        let Some(child) = self.child.as_mut() else {
            return Ok(None);
        };
        child.try_wait().map_err(|source| ToolError::Spawn {
            program: self.program.clone(),
            source,
        })
    }

    /// Waits for the end and returns the exit status, whatever it is.
    ///
    /// # Errors
    /// [`ToolError::Spawn`] when the kernel cannot be asked.
    pub fn status(&mut self) -> Result<ExitStatus, ToolError> {
        let program = self.program.clone();
        let Some(child) = self.child.as_mut() else {
            return Err(ToolError::Spawn {
                program,
                source: io::Error::other("already reaped"),
            });
        };
        child
            .wait()
            .map_err(|source| ToolError::Spawn { program, source })
    }

    /// Kills the program and everything in its process group.
    pub fn kill(&mut self) {
        if let Some(child) = self.child.as_mut() {
            kill_group(child);
        }
    }

    /// Waits for the end; anything but exit status 0 is an error.
    ///
    /// # Errors
    /// [`ToolError::Failed`] and [`ToolError::TimedOut`], with the last lines it wrote.
    pub fn wait(mut self) -> Result<ToolOutput, ToolError> {
        let status = self.wait_within_limit()?;
        let took = self.started.elapsed();
        self.child = None;
        let stdout = join(self.stdout.take());
        let stderr = join(self.stderr.take());
        let program = self.program.clone();
        let tail = || self.tail(&stderr);
        match status {
            None => Err(ToolError::TimedOut {
                program,
                limit: self.limit.unwrap_or_default(),
                tail: tail(),
            }),
            Some(status) if !status.success() => Err(ToolError::Failed {
                program,
                status,
                tail: tail(),
            }),
            Some(_) => Ok(ToolOutput {
                stdout,
                stderr,
                took,
            }),
        }
    }

    /// `None` means that the limit passed and the group was killed.
    fn wait_within_limit(&mut self) -> Result<Option<ExitStatus>, ToolError> {
        let Some(limit) = self.limit else {
            return self.status().map(Some);
        };
        while self.started.elapsed() < limit {
            if let Some(status) = self.try_status()? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill();
        Ok(None)
    }

    fn tail(&self, stderr: &[u8]) -> String {
        let bytes = match &self.log {
            Some(file) => tail_of(file).unwrap_or_default(),
            None => stderr[stderr.len().saturating_sub(TAIL_BYTES as usize)..].to_vec(),
        };
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

fn kill_group(child: &mut Child) {
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    let group = Pid::from_raw(child.id().cast_signed());
    // ESRCH only says that it is gone already; outliving programs lead no group of ours.
    if killpg(group, Signal::SIGKILL).is_err() {
        let _ = child.kill();
    }
    let _ = child.wait();
}

fn join(thread: Option<JoinHandle<Vec<u8>>>) -> Vec<u8> {
    thread
        .and_then(|thread| thread.join().ok())
        .unwrap_or_default()
}

fn tail_of(file: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(file)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks ends the text; the exit status tells the rest.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tool;

    #[test]
    fn a_failure_quotes_stderr() {
        let error = Tool::new("sh")
            .args(["-c", "echo why >&2; exit 3"])
            .run()
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("exit status: 3") && text.contains("why"),
            "{text}"
        );
    }

    #[test]
    fn a_slow_program_and_its_children_are_killed() {
        let dir = tempfile::tempdir().unwrap();
        let pid_file = dir.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", pid_file.display());
        let error = Tool::new("sh")
            .args(["-c", &script])
            .timeout(Duration::from_millis(500))
            .run()
            .unwrap_err();
        assert!(matches!(error, ToolError::TimedOut { .. }), "{error}");
        let pid = std::fs::read_to_string(pid_file).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        // Gone, or a zombie that nobody has reaped yet: soon, as a signal has arrived before its process is gone.
        let is_gone =
            || std::fs::read_to_string(&stat).map_or(true, |state| state.contains(") Z "));
        let start = Instant::now();
        while !is_gone() {
            assert!(start.elapsed() < Duration::from_secs(10), "{stat}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
