//! The sockets of a run directory, on which we listen before the VMM starts.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::VmError;

/// Milliseconds between two looks at whether the VMM still lives.
const LOOK_MS: u8 = 20;

/// One socket that the VMM will connect to.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Listens on `name` in `dir`.
    pub(crate) fn listen(dir: &Path, name: &str) -> Result<Self, VmError> {
        let path = dir.join(name);
        let failed = |source| VmError::Io {
            what: "listen on",
            path: path.clone(),
            source,
        };
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        // A socket's path has room for 108 bytes, so the directory goes by its number.
        let directory = File::open(dir).map_err(failed)?;
        let short = format!("/proc/self/fd/{}/{name}", directory.as_raw_fd());
        let listener = UnixListener::bind(short).map_err(failed)?;
        Ok(Self { listener, path })
    }

    /// Waits for the VMM; `None` when `is_alive` says that it will not come.
    pub(crate) fn accept(self, mut is_alive: impl FnMut() -> bool) -> Option<UnixStream> {
        loop {
            let mut fds = [PollFd::new(self.listener.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::from(LOOK_MS)) {
                Ok(0) if is_alive() => {}
                Ok(0) => return None,
                Ok(_) => return self.listener.accept().ok().map(|(stream, _)| stream),
                Err(nix::Error::EINTR) => {}
                Err(_) => return None,
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A name that is left harms nobody: the next run removes it.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_may_have_a_long_name() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(200));
        std::fs::create_dir(&deep).unwrap();
        let socket = Socket::listen(&deep, "x.sock").unwrap();
        assert!(deep.join("x.sock").exists());
        assert!(socket.accept(|| false).is_none());
        assert!(!deep.join("x.sock").exists());
    }
}
