//! Starts the recorder in the application's place, which runs the application below itself.

use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;

use lupine_init::{Account, Recording};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{FdFlags, Result, fcntl_setfd};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::files::write_all;
use crate::text::{c_string, number};

/// Where the program lies until it runs: /dev can be written whatever the root is.
const PATH: &str = "/dev/.lupine-recorder";

/// A recorder that can be executed.
pub struct Recorder<'a> {
    recording: &'a Recording,
    /// Our end of its records, until somebody takes it.
    records: Option<OwnedFd>,
    records_end: OwnedFd,
}

impl<'a> Recorder<'a> {
    /// Writes the program to a file.
    pub fn place(recording: &'a Recording) -> Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let file = openat(CWD, PATH, flags, Mode::from_raw_mode(0o700))?;
        write_all(&file, &recording.program);
        let (records, records_end) = pipe_with(PipeFlags::CLOEXEC)?;
        rustix::fs::fcntl_setfl(&records, OFlags::NONBLOCK)?;
        Ok(Self {
            recording,
            records: Some(records),
            records_end,
        })
    }

    /// Our end of what it writes, which nothing waits for; once.
    pub fn take_records(&mut self) -> Option<OwnedFd> {
        self.records.take()
    }

    /// In the child: its command line, for an application of this user. It inherits its
    /// descriptors from here on, and keeps them from the application.
    pub fn command(
        &self,
        application: &[CString],
        account: &Account,
        report: &OwnedFd,
    ) -> Result<Vec<CString>> {
        let mut words = Vec::from([
            c_string(PATH),
            c"--output".into(),
            inherited(self.records_end.as_fd())?,
            c"--report".into(),
            inherited(report.as_fd())?,
            c"--user".into(),
            c_string(&user(account)),
        ]);
        if self.recording.every {
            words.push(c"--every".into());
        }
        for rule in &self.recording.rules {
            words.extend([c"--refuse".into(), c_string(rule)]);
        }
        words.push(c"--".into());
        words.extend_from_slice(application);
        Ok(words)
    }
}

impl Drop for Recorder<'_> {
    /// The application shall not see the file; whoever executes it has it.
    fn drop(&mut self) {
        let _ = rustix::fs::unlink(PATH);
    }
}

/// The number of a descriptor that stays open in the next program.
fn inherited(fd: BorrowedFd<'_>) -> Result<CString> {
    fcntl_setfd(fd, FdFlags::empty())?;
    Ok(c_string(&number(fd.as_raw_fd().unsigned_abs())))
}

/// `UID:GID:GROUP,GROUP...`
fn user(account: &Account) -> String {
    let groups: Vec<String> = account.groups.iter().map(|group| number(*group)).collect();
    let ids = [number(account.uid), number(account.gid), groups.join(",")];
    ids.join(":")
}
