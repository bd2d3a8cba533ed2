//! Names and numbers of signals.

use std::fmt;
use std::str::FromStr;

use nix::sys::signal::Signal;

/// A signal number of Linux on x86-64, from 1 to 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalNumber(pub u8);

impl SignalNumber {
    /// SIGKILL, which no application can catch.
    pub const KILL: Self = Self(9);
    /// SIGTERM.
    pub const TERM: Self = Self(15);
}

impl FromStr for SignalNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(number @ 1..=64) = text.parse::<u8>() {
            return Ok(Self(number));
        }
        let upper = text.to_ascii_uppercase();
        let name = format!("SIG{}", upper.strip_prefix("SIG").unwrap_or(&upper));
        Signal::from_str(&name)
            .ok()
            .and_then(|signal| u8::try_from(signal as i32).ok())
            .map(Self)
            .ok_or_else(|| "expected a signal such as TERM, SIGINT or 15".into())
    }
}

impl fmt::Display for SignalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Signal::try_from(i32::from(self.0)) {
            Ok(signal) => f.write_str(signal.as_str()),
            Err(_) => write!(f, "signal {}", self.0),
        }
    }
}
