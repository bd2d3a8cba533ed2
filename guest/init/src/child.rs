//! Starts the application.

use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;

use lupine_init::{Account, GuestSpec, TERMINAL, account, candidates, environment};
use lupine_recorder::{
    NO_PROGRAM, NO_USER, NOT_TRACED, REPORT, RUNS, decode_report, encode_report,
};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Gid, Mode, OFlags, Uid, openat};
use rustix::io::{Errno, Result, read};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, waitpid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::termios::Winsize;
use rustix::thread::{
    CapabilitySet, CapabilitySets, configure_capability_in_ambient_set, set_capabilities,
    set_keep_capabilities, set_thread_gid, set_thread_groups, set_thread_uid,
};

use crate::files::{read_text, write_all};
use crate::link::open_device;
use crate::mounts::make_dirs;
use crate::recorder::Recorder;
use crate::sys;
use crate::text::{c_string, reason};

/// Makes a terminal the controlling one.
const TIOCSCTTY: u32 = 0x540e;
/// Exit status for what cannot be run, and for what cannot be found.
const NOT_RUNNABLE: u8 = 126;
const NOT_FOUND: u8 = 127;
/// Exit status for what the recorder could not do.
const NOT_RECORDED: u8 = 125;

/// The application's main process, and our ends of its pipes.
#[derive(Default)]
pub struct Child {
    pub pid: i32,
    pub stdin: Option<OwnedFd>,
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
    pub records: Option<OwnedFd>,
    pub terminal: Option<OwnedFd>,
}

/// What comes from the application, or from its recorder.
#[derive(Clone, Copy)]
pub enum Stream {
    Stdout,
    Stderr,
    Records,
}

pub const STREAMS: [Stream; 3] = [Stream::Stdout, Stream::Stderr, Stream::Records];

impl Child {
    /// Our end of this pipe, as long as it is open.
    pub fn output(&mut self, stream: Stream) -> &mut Option<OwnedFd> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
            Stream::Records => &mut self.records,
        }
    }
}

/// Exit status 125, 126 or 127, and why.
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

/// How far the child came: what a recorder reports, and what comes before it.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Step {
    Limits = b'l',
    Terminal = b's',
    Directory = b'd',
    User = NO_USER,
    Recorder = NOT_TRACED,
    Exec = NO_PROGRAM,
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
    let recorder = spec.recording.as_ref().map(Recorder::place);
    let mut recorder = recorder.transpose().map_err(refuse("place the recorder"))?;
    let (report, report_end) = pipe_with(PipeFlags::CLOEXEC).map_err(refuse("make a pipe"))?;
    let Some(pid) = sys::fork().map_err(refuse("fork"))? else {
        let Err((step, error)) = in_child(spec, &plan, &stdio, recorder.as_ref(), &report_end);
        let error = error.raw_os_error().unsigned_abs();
        write_all(report_end, &encode_report(step as u8, error));
        rustix::runtime::exit_group(127)
    };
    drop((report_end, stdio));
    child.pid = pid;
    child.records = recorder.as_mut().and_then(Recorder::take_records);
    let told = match read_report(&report) {
        // Its exec closed the pipe.
        None if recorder.is_none() => return Ok(child),
        Some((RUNS, _)) => return Ok(child),
        told => told,
    };
    // It ends at once; the event loop does not run yet.
    let _ = waitpid(Pid::from_raw(pid), WaitOptions::empty());
    Err(refusal(spec, &plan, told))
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
fn in_child(
    spec: &GuestSpec,
    plan: &Plan,
    stdio: &Stdio,
    recorder: Option<&Recorder<'_>>,
    report: &OwnedFd,
) -> core::result::Result<Infallible, (Step, Errno)> {
    let at = |step| move |error| (step, error);
    limits(spec).map_err(at(Step::Limits))?;
    attach(stdio).map_err(at(Step::Terminal))?;
    rustix::process::chdir(plan.cwd.as_c_str()).map_err(at(Step::Directory))?;
    let _ = sys::unblock_all();
    if let Some(recorder) = recorder {
        // It stays root, and looks for the program as `exec` does.
        let command = recorder.command(&plan.argv, &plan.account, report);
        let command = command.map_err(at(Step::Recorder))?;
        let program = command.get(..1).unwrap_or_default();
        return Err((Step::Recorder, exec(program, &command, &plan.env)));
    }
    become_user(&plan.account).map_err(at(Step::User))?;
    Err((Step::Exec, exec(&plan.programs, &plan.argv, &plan.env)))
}

const PAGE: u64 = 4096;
/// `RLIMIT_STACK`, what it is at first, and no limit.
const STACK: (u32, u64, u64) = (3, 8 << 20, u64::MAX);

/// glibc gives each thread as much address space as the stack may take. Where that is most of the memory, the kernel
/// takes a single thread for an obvious overcommitment.
fn limits(spec: &GuestSpec) -> Result<()> {
    let (stack, usual, hard) = STACK;
    let quarter = rustix::system::sysinfo().totalram / 4 / PAGE * PAGE;
    if quarter < usual {
        sys::set_limit(stack, quarter, hard)?;
    }
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
    if account.uid == 0 {
        return allowed(set_thread_uid(Uid::ROOT));
    }
    set_keep_capabilities(true)?;
    set_thread_uid(Uid::from_raw(account.uid))?;
    keep_ports()
}

/// Any user may listen on any port, as in containers, where a sysctl says so: a kernel may have
/// no sysctl, and capabilities are in every one that has users.
fn keep_ports() -> Result<()> {
    let ports = CapabilitySet::NET_BIND_SERVICE;
    let sets = CapabilitySets {
        effective: ports,
        permitted: ports,
        inheritable: ports,
    };
    set_capabilities(None, sets)?;
    configure_capability_in_ambient_set(ports, true)
}

/// Tries the candidates in turn, as execvp does: what is there and cannot be
/// run is remembered while others are tried.
fn exec(programs: &[CString], argv: &[CString], env: &[CString]) -> Errno {
    let pointers = |list: &[CString]| -> Vec<*const u8> {
        let pointers = list.iter().map(|text| text.as_ptr().cast());
        pointers.chain([core::ptr::null()]).collect()
    };
    let (argv, env) = (pointers(argv), pointers(env));
    let mut found = Errno::NOENT;
    for program in programs {
        // SAFETY: both lists end with a null pointer and point at strings that outlive the call.
        match unsafe { rustix::runtime::execve(program, argv.as_ptr(), env.as_ptr()) } {
            Errno::NOENT | Errno::NOTDIR => {}
            Errno::ACCESS => found = Errno::ACCESS,
            error => return error,
        }
    }
    found
}

/// What the child or the recorder said; `None` when the child's exec succeeded.
fn read_report(report: &OwnedFd) -> Option<(u8, u32)> {
    let mut bytes = [0_u8; REPORT];
    loop {
        match read(report, &mut bytes) {
            Ok(REPORT) => return Some(decode_report(bytes)),
            Err(Errno::INTR) => {}
            _ => return None,
        }
    }
}

/// Says why there is no application, for a person.
fn refusal(spec: &GuestSpec, plan: &Plan, told: Option<(u8, u32)>) -> Refusal {
    let Some((step, error)) = told else {
        let why = "the recorder failed; are its rules encoded?";
        return (NOT_RECORDED, why.into());
    };
    let error = Errno::from_raw_os_error(error as i32);
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
    if step == Step::Recorder as u8 {
        let why = ["cannot record: ", reason(error).as_str()].concat();
        return (NOT_RECORDED, why);
    }
    if error != Errno::NOENT {
        return because(&["cannot run ", program]);
    }
    (NOT_FOUND, not_found(program, plan))
}

fn not_found(program: &str, plan: &Plan) -> String {
    let exists =
        |path: &&CString| rustix::fs::access(path.as_c_str(), rustix::fs::Access::EXISTS).is_ok();
    match plan.programs.iter().find(exists) {
        Some(path) => [
            &path.to_string_lossy(),
            " is there, but the interpreter that it names is not",
        ]
        .concat(),
        None if program.contains('/') => ["there is no ", program, " in the image"].concat(),
        None => ["there is no ", program, " on PATH in the image"].concat(),
    }
}
