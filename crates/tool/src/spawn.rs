//! Spawning, waiting with a time limit, and killing.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::package_of;

/// Directories that Debian keeps administrators' programs in, which an
/// unprivileged user's PATH often lacks.
const SBIN: [&str; 2] = ["/usr/sbin", "/sbin"];
/// How much of a failed program's output an error quotes, in bytes.
const TAIL_BYTES: u64 = 4096;

/// Why a host program did not do its work.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ToolError {
    /// The program is not on this machine.
    #[error("{program} is not installed")]
    #[diagnostic(help("{}", missing_help(program)))]
    Missing {
        /// Name that was looked for.
        program: String,
    },
    /// The kernel refused to start it.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// Name of the program.
        program: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// It ran and failed.
    #[error("{program} failed ({status}){}", quoted(tail))]
    Failed {
        /// Name of the program.
        program: String,
        /// Its exit status.
        status: ExitStatus,
        /// The last lines it wrote to stderr, or to its log file.
        tail: String,
    },
    /// It ran longer than its limit and was killed.
    #[error("{program} did not finish within {} s and was killed{}", limit.as_secs(), quoted(tail))]
    TimedOut {
        /// Name of the program.
        program: String,
        /// The limit.
        limit: Duration,
        /// The last lines it wrote.
        tail: String,
    },
}

fn missing_help(program: &str) -> String {
    match package_of(program) {
        Some(package) => {
            format!("install it: apt-get install {package} (or: lupine doctor --fix)")
        }
        None => format!("put {program} on PATH"),
    }
}

fn quoted(tail: &str) -> String {
    let tail = tail.trim();
    if tail.is_empty() {
        return String::new();
    }
    format!(":\n{tail}")
}

/// The full path of `program`, looked for on PATH and in the sbin directories.
pub fn find(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let program = program.as_ref();
    if Path::new(program).components().count() > 1 {
        return Path::new(program).exists().then(|| program.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SBIN.iter().map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|candidate| candidate.is_file())
}

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

/// A host program about to be run. Its stdin is /dev/null unless given.
#[derive(Debug)]
pub struct Tool {
    program: OsString,
    args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    clear_env: bool,
    cwd: Option<PathBuf>,
    limit: Option<Duration>,
    log: Option<PathBuf>,
    stdin: Option<Stdio>,
    stdout: Option<Stdio>,
    outlive: bool,
}

impl Tool {
    /// `program` is a name to look for on PATH, or a path.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            envs: Vec::new(),
            clear_env: false,
            cwd: None,
            limit: None,
            log: None,
            stdin: None,
            stdout: None,
            outlive: false,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.envs.push((key.into(), value.into()));
        self
    }

    /// Starts from an empty environment; what [`Tool::env`] sets is kept.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.clear_env = true;
        self
    }

    /// Runs in `dir`.
    #[must_use]
    pub fn current_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Kills the program, and everything it started, after `limit`.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sends stderr, and stdout unless [`Tool::stdout`] was given, to `file`.
    #[must_use]
    pub fn log_to(mut self, file: impl Into<PathBuf>) -> Self {
        self.log = Some(file.into());
        self
    }

    /// Gives the program a stdin.
    #[must_use]
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.stdin = Some(stdin.into());
        self
    }

    /// Sends stdout elsewhere instead of collecting it.
    #[must_use]
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// Lets the program live on after Lupine's own death, in a new session.
    /// For the monitor of a detached guest, and nothing else.
    #[must_use]
    pub fn outlive(mut self) -> Self {
        self.outlive = true;
        self
    }

    /// The command as a person would type it, for messages and metadata.
    pub fn display(&self) -> String {
        std::iter::once(&self.program)
            .chain(&self.args)
            .map(|word| shell_word(&word.to_string_lossy()))
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn name(&self) -> String {
        Path::new(&self.program).file_name().map_or_else(
            || self.program.to_string_lossy().into(),
            |name| name.to_string_lossy().into(),
        )
    }

    /// Runs to the end; anything but exit status 0 is an error.
    ///
    /// # Errors
    /// [`ToolError`]: not installed, not startable, failed, or too slow.
    pub fn run(self) -> Result<ToolOutput, ToolError> {
        self.spawn()?.wait()
    }

    /// Starts the program; it is killed when the handle is dropped.
    ///
    /// The death of the calling *thread* also kills it, so call this from a
    /// thread that lives as long as the program should.
    ///
    /// # Errors
    /// [`ToolError::Missing`] and [`ToolError::Spawn`].
    pub fn spawn(mut self) -> Result<Running, ToolError> {
        let program = self.name();
        let spawn_error = |source| ToolError::Spawn {
            program: program.clone(),
            source,
        };
        let path = find(&self.program).ok_or_else(|| ToolError::Missing {
            program: program.clone(),
        })?;
        let mut command = self.command(&path);
        command.args(&self.args);
        if self.clear_env {
            command.env_clear();
        }
        command.envs(self.envs.drain(..));
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        command.stdin(self.stdin.take().unwrap_or_else(Stdio::null));
        let collect = match &self.log {
            Some(file) => {
                let log = File::create(file).map_err(spawn_error)?;
                let twin = log.try_clone().map_err(spawn_error)?;
                command.stdout(self.stdout.take().unwrap_or_else(|| twin.into()));
                command.stderr(log);
                false
            }
            None => {
                command.stdout(self.stdout.take().unwrap_or_else(Stdio::piped));
                command.stderr(Stdio::piped());
                true
            }
        };
        let started = Instant::now();
        let mut child = command.spawn().map_err(spawn_error)?;
        let stdout = collect.then(|| child.stdout.take()).flatten().map(drain);
        let stderr = collect.then(|| child.stderr.take()).flatten().map(drain);
        Ok(Running {
            program,
            child: Some(child),
            started,
            limit: self.limit,
            log: self.log,
            stdout,
            stderr,
        })
    }

    /// Wraps the program so that it dies with us (or is free of us).
    fn command(&self, path: &Path) -> Command {
        let wrapper = if self.outlive {
            find("setsid").map(|setsid| (setsid, Vec::new()))
        } else {
            find("setpriv").map(|setpriv| (setpriv, vec!["--pdeathsig", "TERM", "--"]))
        };
        let mut command = match wrapper {
            Some((wrapper, args)) => {
                let mut command = Command::new(wrapper);
                command.args(args).arg(path);
                command
            }
            None => Command::new(path),
        };
        if !self.outlive {
            command.process_group(0);
        }
        command
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks ends the text; the exit status tells the rest.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

/// Quotes a word for a POSIX shell where it needs it.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A program that runs. Dropping it kills its whole process group.
#[derive(Debug)]
pub struct Running {
    program: String,
    child: Option<Child>,
    started: Instant,
    limit: Option<Duration>,
    log: Option<PathBuf>,
    stdout: Option<std::thread::JoinHandle<Vec<u8>>>,
    stderr: Option<std::thread::JoinHandle<Vec<u8>>>,
}

impl Running {
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

fn join(thread: Option<std::thread::JoinHandle<Vec<u8>>>) -> Vec<u8> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_its_package() {
        let error = Tool::new("mkfs.erofs-not-here").run().unwrap_err();
        assert!(matches!(error, ToolError::Missing { .. }), "{error}");
        assert!(missing_help("mkfs.erofs").contains("apt-get install erofs-utils"));
    }

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
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        // Gone, or a zombie that nobody has reaped yet.
        assert!(state.is_err() || state.unwrap().contains(") Z "));
    }

    #[test]
    fn stdout_is_collected() {
        let output = Tool::new("echo").arg("hi").run().unwrap();
        assert_eq!(output.stdout, b"hi\n");
    }

    #[test]
    fn a_command_is_displayed_as_typed() {
        let tool = Tool::new("sh").args(["-c", "it's"]);
        assert_eq!(tool.display(), r"sh -c 'it'\''s'");
    }
}
