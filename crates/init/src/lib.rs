//! What host and guest say to each other: [`GuestSpec`] and [`Frame`].
//!
//! `no_std`, because the guest's PID 1 (`guest/init`) shares it; encoded with
//! postcard, because PID 1 shall stay below 64 KiB. With the feature `embed`
//! (the default) it carries PID 1 itself as [`INIT`].
#![no_std]

extern crate alloc;

mod account;
mod bytes;
mod codec;
mod environment;

pub use account::{Account, account};
pub use codec::{BODY_MAX, Decoder, FrameError, decode_spec, encode, encode_spec};
pub use environment::{candidates, environment};

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// I/O port of the mark that PID 1 writes first (QEMU's isa-debugcon).
pub const MARK_PORT: u16 = 0xe9;
/// The byte that says init-start at [`MARK_PORT`].
pub const MARK_INIT_START: u8 = b'I';
/// The guest's end of the control port.
pub const CONTROL_PORT: &str = "/dev/vport0p1";
/// The guest's terminal for `-t`.
pub const TERMINAL: &str = "/dev/hvc0";
/// Where the default [`GuestSpec`] lies in a root file system.
pub const SPEC_PATH: &str = "/.lupine/spec";
/// Where PID 1 lies in a root file system.
pub const INIT_PATH: &str = "/.lupine/init";
/// Bytes of stdin that the host may have under way before a [`Frame::StdinTaken`].
pub const STDIN_WINDOW: usize = 64 * 1024;

/// `guest/init`, built for the guest: a static ELF without libc.
#[cfg(feature = "embed")]
pub static INIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lupine-guest-init"));

/// How PID 1 shall run the application.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GuestSpec {
    /// Program and arguments; a program without a slash is looked for on PATH.
    pub argv: Vec<String>,
    /// `KEY=VALUE`; HOME is added from /etc/passwd where it is absent.
    pub env: Vec<String>,
    /// Working directory, made if it is absent; empty means `/`.
    pub cwd: String,
    /// `user[:group]`, names or numbers, resolved in the guest; empty means root.
    pub user: String,
    /// Host name; empty leaves the kernel's.
    pub hostname: String,
    /// Give the application `/dev/hvc0` as its controlling terminal.
    pub terminal: bool,
    /// The host will send stdin; otherwise the application reads /dev/null.
    pub stdin: bool,
    /// The network, if there is one.
    pub network: Option<Network>,
    /// Let in what eth0 gets for 127.0.0.1, for servers that listen there only.
    pub loopback: bool,
    /// Host directories to mount.
    pub mounts: Vec<Mount>,
    /// The root file system cannot be written: put a tmpfs overlay over it.
    pub overlay: bool,
    /// Random bytes credited to the kernel's pool.
    #[serde(with = "bytes")]
    pub seed: Vec<u8>,
    /// Resource limits.
    pub rlimits: Vec<Rlimit>,
    /// Terminal size, rows and columns; zero where unknown.
    pub winsize: (u16, u16),
    /// Record what the application asks of the kernel.
    #[serde(default)]
    pub recording: Option<Recording>,
}

/// A recorder between PID 1 and the application (docs/recorder.md).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recording {
    /// The recorder itself, an ELF for the guest.
    #[serde(with = "bytes")]
    pub program: Vec<u8>,
    /// What it refuses, as it reads rules: with numbers only.
    pub rules: Vec<String>,
    /// Record also calls that every kernel has.
    pub every: bool,
}

/// Static IPv4 addresses for eth0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The guest's address.
    pub address: [u8; 4],
    /// Length of the network prefix in bits.
    pub prefix: u8,
    /// Default gateway.
    pub gateway: Option<[u8; 4]>,
    /// Name servers, written to /etc/resolv.conf.
    pub dns: Vec<[u8; 4]>,
}

/// One shared host directory or file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// 9p mount tag.
    pub tag: String,
    /// Mount point in the guest, made if absent.
    pub target: String,
    /// Mount read-only.
    pub read_only: bool,
    /// When the host's source is a file: its name below the shared directory.
    pub file: Option<String>,
}

/// One resource limit, numbers as in `getrlimit(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rlimit {
    /// `RLIMIT_*`.
    pub resource: u32,
    /// Soft limit.
    pub soft: u64,
    /// Hard limit.
    pub hard: u64,
}

/// One message on the control port, in either direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Frame {
    /// Host: how to run the application. Always the first frame.
    Spec(Box<GuestSpec>),
    /// Host: bytes for the application's stdin, within [`STDIN_WINDOW`].
    Stdin(#[serde(with = "bytes")] Vec<u8>),
    /// Host: stdin has ended.
    StdinEnd,
    /// Host: send this signal number to the application.
    Signal(u8),
    /// Host: the terminal's new size, rows and columns.
    Winsize(u16, u16),
    /// Host: I have read [`Frame::Exited`], [`Frame::Killed`] or [`Frame::Refused`], and so all
    /// that came before it; the guest may power off. Without it the VMM could end with bytes unread.
    PowerOff,
    /// Guest: bytes from the application's stdout.
    Stdout(#[serde(with = "bytes")] Vec<u8>),
    /// Guest: bytes from the application's stderr.
    Stderr(#[serde(with = "bytes")] Vec<u8>),
    /// Guest: this many bytes of stdin went into the application's pipe.
    StdinTaken(u32),
    /// Guest: the application has been started (its exec succeeded).
    Started,
    /// Guest: a thing that init could not do and went on without, for a person.
    Warning(String),
    /// Guest: the application could not be started; 126 or 127 and why (125: the recorder could not).
    Refused(u8, String),
    /// Guest: the application exited with this status.
    Exited(u8),
    /// Guest: a signal of this number killed the application.
    Killed(u8),
    /// Guest: bytes from the recorder, in order; all of them come before [`Frame::Exited`] and its kin.
    Record(#[serde(with = "bytes")] Vec<u8>),
}

#[cfg(all(test, feature = "embed"))]
mod tests {
    #[test]
    fn pid_1_is_a_program_below_64_kib() {
        assert!(super::INIT.len() < 64 * 1024, "{} bytes", super::INIT.len());
        assert_eq!(&super::INIT[..4], b"\x7fELF");
    }
}
