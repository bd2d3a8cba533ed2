//! Finding and spawning.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::ToolError;
use crate::running::{Running, ToolOutput};

/// Directories that Debian keeps administrators' programs in, which an
/// unprivileged user's PATH often lacks.
const SBIN: [&str; 2] = ["/usr/sbin", "/sbin"];

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
        self.streams(&mut command).map_err(spawn_error)?;
        let started = Instant::now();
        let child = command.spawn().map_err(spawn_error)?;
        Ok(Running::new(program, child, started, self.limit, self.log))
    }

    /// Output goes to the log file, where there is one, and is collected otherwise.
    fn streams(&mut self, command: &mut Command) -> io::Result<()> {
        command.stdin(self.stdin.take().unwrap_or_else(Stdio::null));
        let (stdout, stderr) = match &self.log {
            Some(file) => {
                let log = File::create(file)?;
                (log.try_clone()?.into(), log.into())
            }
            None => (Stdio::piped(), Stdio::piped()),
        };
        command.stdout(self.stdout.take().unwrap_or(stdout));
        command.stderr(stderr);
        Ok(())
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

/// Quotes a word for a POSIX shell where it needs it.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
