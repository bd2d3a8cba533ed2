//! Small files: /etc/resolv.conf and its kin, and the seed of the random pool.

use alloc::string::String;
use alloc::vec::Vec;

use lupine_init::{GuestSpec, Network};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, Result, read, write};

use crate::sys::ioctl;
use crate::text::number;

/// Greatest file that is read: /etc/passwd of a large site.
const FILE_MAX: usize = 4 * 1024 * 1024;
/// Adds to the random pool and credits it.
const RNDADDENTROPY: u32 = 0x4008_5203;
/// Greatest seed that is credited.
const SEED_MAX: usize = 512;

/// A whole file; empty when it cannot be read.
pub fn read_all(path: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Ok(file) = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) else {
        return bytes;
    };
    let mut portion = [0_u8; 1024];
    while bytes.len() < FILE_MAX {
        match read(&file, &mut portion) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(portion.get(..count).unwrap_or_default()),
            Err(Errno::INTR) => {}
            Err(_) => break,
        }
    }
    bytes
}

/// As [`read_all`], as text.
pub fn read_text(path: &str) -> String {
    String::from_utf8_lossy(&read_all(path)).into_owned()
}

/// Writes as much as the kernel takes.
pub fn write_all(fd: impl AsFd, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match write(&fd, bytes) {
            Ok(count) if count > 0 => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            _ => return,
        }
    }
}

/// Writes to the console that the kernel opened for PID 1, if it did.
pub fn console(text: &str) {
    // SAFETY: file 2 is open since `fill_stdio`, and nothing closes it.
    write_all(unsafe { rustix::stdio::stderr() }, text.as_bytes());
}

fn create(path: &str) -> Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::from_raw_mode(0o644))
}

/// Replaces a file where that is possible. A symbolic link into nowhere, as
/// resolvconf leaves it, becomes a file.
fn replace(path: &str, text: &str) {
    let file = create(path).or_else(|_| {
        rustix::fs::unlink(path)?;
        create(path)
    });
    if let Ok(file) = file {
        write_all(file, text.as_bytes());
    }
}

/// What the application reads about its name and its network. An image that
/// cannot be written keeps what it has.
pub fn etc(spec: &GuestSpec) {
    // Fine when it exists, and on a read-only root nothing below works either.
    let _ = rustix::fs::mkdir("/etc", Mode::from_raw_mode(0o755));
    let mut hosts =
        String::from("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    if !spec.hostname.is_empty() {
        replace("/etc/hostname", &[&spec.hostname, "\n"].concat());
        let address = spec
            .network
            .as_ref()
            .map_or([127, 0, 1, 1], |network| network.address);
        hosts.push_str(&[&dotted(address), "\t", &spec.hostname, "\n"].concat());
    }
    replace("/etc/hosts", &hosts);
    if let Some(network) = &spec.network {
        resolver(network);
    }
}

fn resolver(network: &Network) {
    let lines: Vec<String> = network
        .dns
        .iter()
        .map(|server| ["nameserver ", &dotted(*server), "\n"].concat())
        .collect();
    if !lines.is_empty() {
        replace("/etc/resolv.conf", &lines.concat());
    }
}

fn dotted(address: [u8; 4]) -> String {
    let parts: Vec<String> = address.iter().map(|part| number((*part).into())).collect();
    parts.join(".")
}

#[repr(C)]
struct Entropy {
    bits: i32,
    bytes: i32,
    buffer: [u8; SEED_MAX],
}

/// Credits the host's random bytes to the kernel's pool.
pub fn seed(seed: &[u8]) -> Result<()> {
    let seed = seed.get(..SEED_MAX).unwrap_or(seed);
    if seed.is_empty() {
        return Ok(());
    }
    let mut entropy = Entropy {
        bits: seed.len() as i32 * 8,
        bytes: seed.len() as i32,
        buffer: [0; SEED_MAX],
    };
    for (place, byte) in entropy.buffer.iter_mut().zip(seed) {
        *place = *byte;
    }
    let file = openat(
        CWD,
        "/dev/urandom",
        OFlags::WRONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    ioctl(file.as_fd(), RNDADDENTROPY, &mut entropy)
}
