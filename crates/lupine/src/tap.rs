//! Tap devices that are made for a guest and go with it.
//!
//! A device's alias names the directory of its guest, so that one whose guest
//! was killed is recognised, whichever state directory the guest was in.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use lupine_init::Network;
use lupine_store::At;
use lupine_tool::{Tool, ToolError};
use miette::{Report, Result, miette};

use crate::state::GuestDir;

/// Devices are called this and a number below 256.
const PREFIX: &str = "lupine";
/// One process at a time makes or sweeps devices on this host.
const LOCK: &str = "/run/lupine-tap.lock";
/// Where the kernel lists network devices.
const DEVICES: &str = "/sys/class/net";

/// A tap device's name, and the addresses at its two ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap {
    /// Device on the host.
    pub device: String,
    /// The host's address.
    pub host: Ipv4Addr,
    /// The guest's address.
    pub guest: Ipv4Addr,
}

impl Tap {
    fn numbered(number: u8) -> Self {
        Self {
            device: format!("{PREFIX}{number}"),
            host: Ipv4Addr::new(172, 30, number, 1),
            guest: Ipv4Addr::new(172, 30, number, 2),
        }
    }

    /// Makes a device for the guest in `dir`, and sweeps those of dead guests.
    ///
    /// # Errors
    /// When `ip` is missing or refuses, or all 256 devices are in use.
    pub fn make(dir: &GuestDir) -> Result<Self> {
        let _turn = turn()?;
        sweep_locked();
        let tap = (0..=u8::MAX)
            .map(Self::numbered)
            .find(|tap| !exists(&tap.device))
            .ok_or_else(|| miette!("all 256 tap devices of lupine are in use"))?;
        let device = tap.device.as_str();
        ip(&["tuntap", "add", "dev", device, "mode", "tap"])?;
        let alias = dir.path.display().to_string();
        let host = format!("{}/30", tap.host);
        let made = ip(&["link", "set", "dev", device, "alias", &alias])
            .and_then(|()| ip(&["addr", "add", &host, "dev", device]))
            .and_then(|()| ip(&["link", "set", "dev", device, "up"]));
        if let Err(error) = made {
            remove(device);
            return Err(error.into());
        }
        Ok(tap)
    }

    /// What the guest is told.
    pub fn network(&self) -> Network {
        Network {
            address: self.guest.octets(),
            prefix: 30,
            gateway: Some(self.host.octets()),
            dns: Vec::new(),
        }
    }
}

/// Making a device is the administrator's.
///
/// # Errors
/// When this user is not root.
pub fn check_root() -> Result<(), Report> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    Err(miette!(
        help = "run it with sudo, use --network user, or give a device that is there: --network tap=DEV,ip=ADDRESS/PREFIX,gw=GATEWAY",
        "making a tap device needs root"
    ))
}

/// Whether the device is there.
pub fn exists(device: &str) -> bool {
    Path::new(DEVICES).join(device).exists()
}

/// Removes a device; one that is gone already is no trouble.
pub fn remove(device: &str) {
    let _ = ip(&["link", "del", device]);
}

/// Removes the devices of dead guests, if this user may.
pub fn sweep() {
    if nix::unistd::geteuid().is_root()
        && let Ok(_turn) = turn()
    {
        sweep_locked();
    }
}

fn sweep_locked() {
    for entry in fs::read_dir(DEVICES).into_iter().flatten().flatten() {
        let device = entry.file_name().to_string_lossy().into_owned();
        let number = device.strip_prefix(PREFIX).map(str::parse::<u8>);
        if matches!(number, Some(Ok(_))) && is_left(&entry.path().join("ifalias")) {
            remove(&device);
        }
    }
}

/// Without an alias its maker was killed, because making is done under the lock.
fn is_left(alias: &Path) -> bool {
    let Ok(text) = fs::read_to_string(alias) else {
        return false;
    };
    let path = PathBuf::from(text.trim_end());
    let guest = GuestDir {
        name: String::new(),
        path,
    };
    matches!(guest.is_live(), Ok(false))
}

fn turn() -> Result<File> {
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(LOCK)
        .at("open", LOCK)?;
    lock.lock().at("lock", LOCK)?;
    Ok(lock)
}

fn ip(args: &[&str]) -> Result<(), ToolError> {
    Tool::new("ip").args(args.iter().copied()).run().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Record, State};

    #[test]
    fn each_device_has_its_own_network() {
        let tap = Tap::numbered(7);
        assert_eq!(tap.device, "lupine7");
        assert_eq!(tap.host, Ipv4Addr::new(172, 30, 7, 1));
        assert_eq!(tap.network().address, [172, 30, 7, 2]);
    }

    #[test]
    fn a_device_is_left_when_its_guest_is_dead() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::at(dir.path()).unwrap();
        let guest = state.create(Some("one"), Record::new).unwrap();
        let alias = dir.path().join("ifalias");
        fs::write(&alias, format!("{}\n", guest.dir.path.display())).unwrap();
        assert!(!is_left(&alias));
        drop(guest);
        assert!(is_left(&alias));
        fs::write(&alias, "\n").unwrap();
        assert!(is_left(&alias));
        assert!(!is_left(&dir.path().join("no-such-device")));
    }
}
