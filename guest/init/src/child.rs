//! Starts the application.

use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;

use lupine_init::{Account, GuestSpec, TERMINAL, account, candidates, environment};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Gid, Mode, OFlags, Uid, openat};
use rustix::io::{Errno, Result, read};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, waitpid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::termios::Winsize;
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use crate::files::{read_text, write_all};
use crate::link::open_device;
use crate::mounts::make_dirs;
use crate::sys;
use crate::text::{c_string, reason};

/// Makes a terminal the controlling one.
const TIOCSCTTY: u32 = 0x540e;
/// Exit status for what cannot be run, and for what cannot be found.
const NOT_RUNNABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// The application's main process, and our ends of its pipes.
#[derive(Default)]
pub struct Child {
    pub pid: i32,
    pub stdin: Option<OwnedFd>,
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
    pub terminal: Option<OwnedFd>,
}

/// Exit status 126 or 127, and why.
pub type Refusal = (u8, String);

/// What the child's stdin, stdout and stderr become.
struct Stdio {
    files: Option<[OwnedFd; 3]>,
    terminal: bool,
}

/// Everything that exec needs, made before the fork.
struct Plan {
    programs: Vec<CString>,
    argv: Vec<CString>,
    env: Vec<CString>,
    cwd: CString,
    account: Account,
}

/// How far the child came.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Step {
    Limits,
    Terminal,
    Directory,
    User,
    Exec,
}

/// Starts the application; returns once its exec succeeded. `framed` says that
/// its output goes through pipes and not to the console.
pub fn start(spec: &GuestSpec, framed: bool) -> core::result::Result<Child, Refusal> {
    let plan = plan(spec)?;
    let refuse = |what: &'static str| {
        move |error| {
            (
                NOT_RUNNABLE,
                ["cannot ", what, ": ", &reason(error)].concat(),
            )
        }
    };
    let (mut child, stdio) =
        stdio(spec, framed, &plan.account).map_err(refuse("make its standard streams"))?;
    let (report, report_end) = pipe_with(PipeFlags::CLOEXEC).map_err(refuse("make a pipe"))?;
    let Some(pid) = sys::fork().map_err(refuse("fork"))? else {
        let (step, error) = become_application(spec, &plan, &stdio);
        let [a, b, c, d] = error.raw_os_error().to_le_bytes();
        write_all(report_end, &[step as u8, a, b, c, d]);
        rustix::runtime::exit_group(127)
    };
    drop((report_end, stdio));
    child.pid = pid;
    match read_report(&report) {
        None => Ok(child),
        Some((step, error)) => {
            // It ends at once; the event loop does not run yet.
            let _ = waitpid(Pid::from_raw(pid), WaitOptions::empty());
            Err(refusal(spec, &plan, step, error))
        }
    }
}

fn plan(spec: &GuestSpec) -> core::result::Result<Plan, Refusal> {
    let program = spec.argv.first().map_or("", String::as_str);
    if program.is_empty() {
        return Err((NOT_FOUND, "there is no command to run".into()));
    }
    let account = account(
        &spec.user,
        &read_text("/etc/passwd"),
        &read_text("/etc/group"),
    )
    .map_err(|why| (NOT_RUNNABLE, why))?;
    let env = environment(spec, &account.home);
    let cwd = if spec.cwd.is_empty() { "/" } else { &spec.cwd };
    // If this fails, entering it fails as well and says so.
    let _ = make_dirs(cwd);
    let strings = |list: &[String]| list.iter().map(|text| c_string(text)).collect();
    Ok(Plan {
        programs: strings(&candidates(program, &env)),
        argv: strings(&spec.argv),
        env: strings(&env),
        cwd: c_string(cwd),
        account,
    })
}

/// The terminal, or pipes, or the console that we have.
fn stdio(spec: &GuestSpec, framed: bool, account: &Account) -> Result<(Child, Stdio)> {
    let mut child = Child::default();
    let mut stdio = Stdio {
        files: None,
        terminal: false,
    };
    if spec.terminal && framed {
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let terminal = open_device(TERMINAL, flags).ok_or(Errno::NODEV)?;
        own(&terminal, account);
        let (rows, cols) = spec.winsize;
        set_size(&terminal, rows, cols);
        child.terminal = Some(terminal);
        stdio.terminal = true;
    } else if framed {
        stdio.files = Some(pipes(spec.stdin, &mut child, account)?);
    }
    Ok((child, stdio))
}

/// The application's ends of its pipes; ours go into `child`.
fn pipes(stdin: bool, child: &mut Child, account: &Account) -> Result<[OwnedFd; 3]> {
    let pipe = || -> Result<(OwnedFd, OwnedFd)> {
        let ends = pipe_with(PipeFlags::CLOEXEC)?;
        own(&ends.0, account);
        Ok(ends)
    };
    let (stdout, stdout_end) = pipe()?;
    let (stderr, stderr_end) = pipe()?;
    child.stdout = Some(non_blocking(stdout)?);
    child.stderr = Some(non_blocking(stderr)?);
    let stdin_end = if stdin {
        let (end, stdin) = pipe()?;
        child.stdin = Some(non_blocking(stdin)?);
        end
    } else {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        openat(CWD, "/dev/null", flags, Mode::empty())?
    };
    Ok([stdin_end, stdout_end, stderr_end])
}

/// Gives a stream to the application's user, who may not be root and yet
/// opens /dev/stdout anew, as many images' log files do.
fn own(stream: &OwnedFd, account: &Account) {
    let (uid, gid) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
    // Where there are no users, there is nobody to keep out either.
    let _ = rustix::fs::fchown(stream, Some(uid), Some(gid));
}

/// Makes our end non-blocking; the application's end is another description and stays as it is.
fn non_blocking(pipe: OwnedFd) -> Result<OwnedFd> {
    rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
    Ok(pipe)
}

/// Tells the terminal its size, and the programs on it that it changed.
pub fn set_size(terminal: &OwnedFd, rows: u16, cols: u16) {
    if rows == 0 || cols == 0 {
        return;
    }
    let size = Winsize {
        ws_row: rows,
        ws_col: cols,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let _ = rustix::termios::tcsetwinsize(terminal, size);
}

/// In the child: returns only if something failed.
fn become_application(spec: &GuestSpec, plan: &Plan, stdio: &Stdio) -> (Step, Errno) {
    if let Err(error) = limits(spec) {
        return (Step::Limits, error);
    }
    if let Err(error) = attach(stdio) {
        return (Step::Terminal, error);
    }
    if let Err(error) = rustix::process::chdir(plan.cwd.as_c_str()) {
        return (Step::Directory, error);
    }
    if let Err(error) = become_user(&plan.account) {
        return (Step::User, error);
    }
    let _ = sys::unblock_all();
    (Step::Exec, exec(plan))
}

fn limits(spec: &GuestSpec) -> Result<()> {
    spec.rlimits
        .iter()
        .try_for_each(|limit| sys::set_limit(limit.resource, limit.soft, limit.hard))
}

fn attach(stdio: &Stdio) -> Result<()> {
    rustix::process::setsid()?;
    if stdio.terminal {
        let terminal = openat(CWD, TERMINAL, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        sys::ioctl_number(terminal.as_fd(), TIOCSCTTY, 0)?;
        dup2_stdin(&terminal)?;
        dup2_stdout(&terminal)?;
        dup2_stderr(&terminal)?;
    } else if let Some([stdin, stdout, stderr]) = &stdio.files {
        dup2_stdin(stdin)?;
        dup2_stdout(stdout)?;
        dup2_stderr(stderr)?;
    }
    Ok(())
}

/// A kernel without users (CONFIG_MULTIUSER) knows root alone, and needs not be told.
fn become_user(account: &Account) -> Result<()> {
    let is_root = account.uid == 0 && account.gid == 0;
    let allowed = |result: Result<()>| match result {
        Err(Errno::NOSYS) if is_root => Ok(()),
        other => other,
    };
    let groups: Vec<Gid> = account.groups.iter().copied().map(Gid::from_raw).collect();
    allowed(set_thread_groups(&groups))?;
    allowed(set_thread_gid(Gid::from_raw(account.gid)))?;
    allowed(set_thread_uid(Uid::from_raw(account.uid)))
}

/// Tries the candidates in turn, as execvp does: what is there and cannot be
/// run is remembered while others are tried.
fn exec(plan: &Plan) -> Errno {
    let pointers = |list: &[CString]| -> Vec<*const u8> {
        let pointers = list.iter().map(|text| text.as_ptr().cast());
        pointers.chain([core::ptr::null()]).collect()
    };
    let (argv, env) = (pointers(&plan.argv), pointers(&plan.env));
    let mut found = Errno::NOENT;
    for program in &plan.programs {
        // SAFETY: both lists end with a null pointer and point at strings that outlive the call.
        match unsafe { rustix::runtime::execve(program, argv.as_ptr(), env.as_ptr()) } {
            Errno::NOENT | Errno::NOTDIR => {}
            Errno::ACCESS => found = Errno::ACCESS,
            error => return error,
        }
    }
    found
}

/// What the child said before it could not exec; `None` when it could.
fn read_report(report: &OwnedFd) -> Option<(u8, Errno)> {
    let mut bytes = [0_u8; 5];
    loop {
        match read(report, &mut bytes) {
            Ok(5) => {
                let [step, a, b, c, d] = bytes;
                return Some((
                    step,
                    Errno::from_raw_os_error(i32::from_le_bytes([a, b, c, d])),
                ));
            }
            Err(Errno::INTR) => {}
            _ => return None,
        }
    }
}

fn refusal(spec: &GuestSpec, plan: &Plan, step: u8, error: Errno) -> Refusal {
    let program = spec.argv.first().map_or("", String::as_str);
    let because = |what: &[&str]| {
        (
            NOT_RUNNABLE,
            [&what.concat(), ": ", reason(error).as_str()].concat(),
        )
    };
    if step == Step::Limits as u8 {
        return because(&["cannot set its resource limits"]);
    }
    if step == Step::Terminal as u8 {
        return because(&["cannot give it the terminal"]);
    }
    if step == Step::Directory as u8 {
        return because(&["cannot enter its working directory ", &spec.cwd]);
    }
    if step == Step::User as u8 {
        return because(&["cannot become user `", &spec.user, "`"]);
    }
    if error != Errno::NOENT {
        return because(&["cannot run ", program]);
    }
    let exists =
        |path: &&CString| rustix::fs::access(path.as_c_str(), rustix::fs::Access::EXISTS).is_ok();
    let why = match plan.programs.iter().find(exists) {
        Some(path) => [
            &path.to_string_lossy(),
            " is there, but the interpreter that it names is not",
        ]
        .concat(),
        None if program.contains('/') => ["there is no ", program, " in the image"].concat(),
        None => ["there is no ", program, " on PATH in the image"].concat(),
    };
    (NOT_FOUND, why)
}
