//! Real guests for tests: one cache for the session, one state directory for each test.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use lupine_bundle::Bundle;
use lupine_tool::{Running, Tool};
use lupine_vm::VmSpec;
use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub const LUPINE: &str = env!("CARGO_BIN_EXE_lupine");
/// A kernel may have to be built first, by this test or by another one.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Applets of busybox that guests use.
const APPLETS: [&str; 22] = [
    "cat", "dd", "echo", "env", "false", "head", "hostname", "httpd", "id", "ls", "pwd", "sh",
    "sleep", "stty", "tail", "touch", "true", "tty", "ulimit", "wc", "yes", "mount",
];
/// One kernel for all guests that need nothing special.
pub const KERNEL: [&str; 2] = ["--profile", "general"];

/// The command with a state directory of its own.
pub struct Lupine {
    state: TempDir,
}

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Lupine {
    pub fn new() -> Self {
        Self {
            state: tempfile::tempdir().unwrap(),
        }
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(LUPINE);
        command
            .env("LUPINE_CACHE", cache())
            // A test asks for what it wants to be found out.
            .env("LUPINE_NO_LEARN", "1")
            .env("LUPINE_STATE", self.state.path())
            .timeout(PATIENCE);
        command
    }

    /// Any verb.
    pub fn lupine(&self, words: &[&str]) -> Ran {
        Ran::from(self.command().args(words).output().unwrap())
    }

    /// `lupine run FLAGS busybox-image WORDS`.
    pub fn run(&self, flags: &[&str], words: &[&str]) -> Ran {
        Ran::from(self.run_command(flags, words).output().unwrap())
    }

    /// The same, to be changed before it is run.
    pub fn run_command(&self, flags: &[&str], words: &[&str]) -> Command {
        let mut command = self.command();
        command.args(run_words(flags, words));
        command
    }

    /// The same, in the background of the test.
    pub fn start(&self, flags: &[&str], words: &[&str]) -> Running {
        self.start_lupine(run_words(flags, words))
    }

    /// Any verb, in the background of the test.
    pub fn start_lupine(&self, words: Vec<String>) -> Running {
        let stdout = fs::File::create(self.state.path().join("stdout")).unwrap();
        Tool::new(LUPINE)
            .args(words)
            .env("LUPINE_CACHE", cache())
            // A test asks for what it wants to be found out.
            .env("LUPINE_NO_LEARN", "1")
            .env("LUPINE_STATE", self.state.path())
            .stdout(stdout)
            .log_to(self.state.path().join("stderr"))
            .spawn()
            .unwrap()
    }

    /// What a started run has written so far.
    pub fn started_stdout(&self) -> String {
        fs::read_to_string(self.state.path().join("stdout")).unwrap_or_default()
    }

    /// `lupine run -d`; the guest's name.
    pub fn detach(&self, flags: &[&str], words: &[&str]) -> String {
        let ran = self.run(&[&["-d"], flags].concat(), words);
        assert_eq!(ran.status, 0, "{ran:?}");
        ran.stdout.trim().to_owned()
    }

    /// `lupine inspect NAME`.
    pub fn inspect(&self, name: &str) -> Value {
        let ran = self.lupine(&["inspect", name]);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"))
    }

    /// The guest's line of `lupine ps -a`.
    pub fn ps(&self, name: &str) -> String {
        let ran = self.lupine(&["ps", "-a"]);
        let line = ran.stdout.lines().find(|line| line.starts_with(name));
        line.unwrap_or_default().to_owned()
    }

    pub fn state(&self) -> &Path {
        self.state.path()
    }
}

impl Drop for Lupine {
    fn drop(&mut self) {
        let names = self.lupine(&["ps", "-a", "-q"]).stdout;
        for name in names.lines() {
            self.lupine(&["rm", "-f", name]);
        }
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn run_words(flags: &[&str], words: &[&str]) -> Vec<String> {
    let image = image();
    [&["run"], KERNEL.as_slice(), flags, &[image.as_str()], words]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// Kernels, images and root file systems, kept between sessions.
pub fn cache() -> PathBuf {
    match std::env::var_os("LUPINE_CACHE") {
        Some(dir) => dir.into(),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).join("lupine-cache"),
    }
}

/// `dir:` of a small image with busybox in it.
pub fn image() -> String {
    format!("dir:{}", busybox_root().display())
}

/// A small root file system with busybox in it.
pub fn busybox_root() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("busybox-image");
    if !dir.exists() {
        let staged = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fill(staged.path());
        // Another test may have been faster; both made the same.
        if fs::rename(staged.path(), &dir).is_err() {
            assert!(dir.exists());
        }
    }
    dir
}

fn fill(root: &Path) {
    for dir in ["bin", "dev", "etc", "proc", "root", "sys", "tmp"] {
        fs::create_dir(root.join(dir)).unwrap();
    }
    let busybox = lupine_tool::find("busybox").expect("busybox-static is not installed");
    fs::copy(busybox, root.join("bin/busybox")).unwrap();
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    let users = "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/tmp:/bin/sh\n";
    fs::write(root.join("etc/passwd"), users).unwrap();
    fs::write(root.join("etc/group"), "root:x:0:\napp:x:1000:\n").unwrap();
}

/// A machine for a bundle's kernel and root file system, without a network; its sockets lie in `dir`.
pub fn vm_spec(bundle: &Bundle, dir: PathBuf) -> VmSpec {
    let rootfs = (bundle.rootfs(), bundle.manifest.rootfs.format.clone());
    VmSpec::plain(bundle.kernel(), rootfs, 128, dir)
}

/// Waits until `condition` holds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the process is there and not just waiting to be reaped.
pub fn is_running(pid: &Value) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Sends a signal to a process.
pub fn signal(pid: u32, signal: nix::sys::signal::Signal) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    nix::sys::signal::kill(pid, signal).unwrap();
}

/// The number in a JSON value.
pub fn pid(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}
