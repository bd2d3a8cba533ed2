//! What other commands ask of a guest's monitor.
//!
//! A request is an empty file in the guest's `requests` directory whose name
//! says everything; SIGURG to the monitor is the doorbell. By default SIGURG
//! is ignored, so ringing at a process id that was reused does no harm.

use std::fs::{self, OpenOptions};
use std::path::Path;

use lupine_store::At;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{GuestDir, StateError};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Send the application this signal.
    Signal(u8),
    /// Kill the virtual machine.
    Kill,
}

/// Asks the monitor of `dir`, whose process is `monitor`.
///
/// # Errors
/// When the request cannot be written.
pub fn send_request(
    dir: &GuestDir,
    monitor: Option<u32>,
    request: Request,
) -> Result<(), StateError> {
    let time = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let what = match request {
        Request::Signal(number) => format!("signal-{number}"),
        Request::Kill => "kill".into(),
    };
    let path = dir
        .path
        .join("requests")
        .join(format!("{time:024}-{}-{what}", std::process::id()));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .at("write", &path)?;
    if let Some(pid) = monitor.and_then(|pid| i32::try_from(pid).ok()) {
        // A monitor that has just ended needs no bell.
        let _ = kill(Pid::from_raw(pid), Signal::SIGURG);
    }
    Ok(())
}

/// Takes the requests that lie in a guest's directory, oldest first.
pub fn read_requests(guest: &Path) -> Vec<Request> {
    let dir = guest.join("requests");
    let mut names: Vec<_> = fs::read_dir(&dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
        .iter()
        .filter(|name| fs::remove_file(dir.join(name)).is_ok())
        .filter_map(|name| parse(name))
        .collect()
}

fn parse(name: &str) -> Option<Request> {
    let what = name.splitn(3, '-').nth(2)?;
    match what.split_once('-') {
        None if what == "kill" => Some(Request::Kill),
        Some(("signal", number)) => number.parse().ok().map(Request::Signal),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_arrive_once_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("requests")).unwrap();
        fs::write(dir.path().join("requests/what"), "").unwrap();
        let guest = GuestDir {
            name: "g".into(),
            path: dir.path().into(),
        };
        send_request(&guest, None, Request::Signal(15)).unwrap();
        send_request(&guest, None, Request::Kill).unwrap();
        let expected = vec![Request::Signal(15), Request::Kill];
        assert_eq!(read_requests(dir.path()), expected);
        assert!(read_requests(dir.path()).is_empty());
    }
}
