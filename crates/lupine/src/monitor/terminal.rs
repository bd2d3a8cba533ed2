//! The terminal of this process, and stdin.

use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;

use miette::{IntoDiagnostic, Result};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

/// Bytes read from stdin at once.
const CHUNK: usize = 16 << 10;

/// Keeps the terminal raw until dropped, also by a panic.
pub struct RawMode {
    before: Termios,
}

impl RawMode {
    /// Makes the terminal at stdin raw; `None` when there is none.
    pub fn enter() -> Option<Self> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        let before = tcgetattr(&stdin).ok()?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(&stdin, SetArg::TCSANOW, &raw).ok()?;
        Some(Self { before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.before);
    }
}

/// Rows and columns of the terminal at stdin.
pub fn size() -> Option<(u16, u16)> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&stdin).ok()?;
    Some((size.ws_row, size.ws_col))
}

/// Copies stdin to the guest's terminal.
///
/// # Errors
/// When the socket cannot be shared.
pub fn pump_into(terminal: &UnixStream) -> Result<()> {
    let mut terminal = terminal.try_clone().into_diagnostic()?;
    thread::spawn(move || copy(&mut terminal));
    Ok(())
}

/// Copies stdin to the application's; its end is passed on.
pub fn pump_stdin(mut writer: impl Write + Send + 'static) {
    thread::spawn(move || copy(&mut writer));
}

/// Ends with stdin or with the guest.
fn copy(to: &mut impl Write) {
    let mut stdin = io::stdin().lock();
    let mut buffer = [0; CHUNK];
    loop {
        match stdin.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                if to
                    .write_all(&buffer[..length])
                    .and_then(|()| to.flush())
                    .is_err()
                {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
