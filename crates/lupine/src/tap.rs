//! Tap devices that are made for a guest and go with it.

use std::net::Ipv4Addr;
use std::path::Path;

use lupine_init::Network;
use lupine_tool::{Tool, ToolError};
use miette::{Report, Result, miette};

/// Devices are called this and a number below 256.
const PREFIX: &str = "lupine";

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

    /// The first one that no guest in `taken` has.
    pub fn first_free(taken: &[String]) -> Option<Self> {
        (0..=u8::MAX)
            .map(Self::numbered)
            .find(|tap| !taken.contains(&tap.device))
    }

    /// The one whose device is called this.
    pub fn named(device: &str) -> Option<Self> {
        let number = device.strip_prefix(PREFIX)?.parse().ok()?;
        Some(Self::numbered(number))
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

    /// Makes the device. One of this name that is there was left by a killed
    /// guest, because names are given out under the state's lock.
    ///
    /// # Errors
    /// When `ip` is missing or refuses.
    pub fn make(&self) -> Result<(), ToolError> {
        if exists(&self.device) {
            remove(&self.device);
        }
        let host = format!("{}/30", self.host);
        ip(&["tuntap", "add", "dev", &self.device, "mode", "tap"])?;
        let made = ip(&["addr", "add", &host, "dev", &self.device])
            .and_then(|()| ip(&["link", "set", &self.device, "up"]));
        if made.is_err() {
            remove(&self.device);
        }
        made
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
    Path::new("/sys/class/net").join(device).exists()
}

/// Removes a device; one that is gone already is no trouble.
pub fn remove(device: &str) {
    let _ = ip(&["link", "del", device]);
}

fn ip(args: &[&str]) -> Result<(), ToolError> {
    Tool::new("ip").args(args.iter().copied()).run().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_free_device_has_its_own_network() {
        let tap = Tap::first_free(&["lupine0".into(), "lupine2".into()]).unwrap();
        assert_eq!(tap.device, "lupine1");
        assert_eq!(tap.host, Ipv4Addr::new(172, 30, 1, 1));
        assert_eq!(tap.network().address, [172, 30, 1, 2]);
    }
}
