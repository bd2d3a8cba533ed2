//! `-p` and `--network`.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::Parsed;

/// One published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    /// Address on the host.
    pub ip: Ipv4Addr,
    /// Port on the host; 0 means that a free one is picked.
    pub host_port: u16,
    /// Port in the guest.
    pub guest_port: u16,
    /// UDP instead of TCP.
    pub udp: bool,
}

/// `[[IP:]HOST:]GUEST[/tcp|/udp]`.
pub fn publish(text: &str) -> Parsed<Publish> {
    let expected = "expected [IP:]HOST:GUEST[/udp], for example 8080:80";
    let (ports, udp) = match text.split_once('/') {
        None => (text, false),
        Some((ports, "tcp")) => (ports, false),
        Some((ports, "udp")) => (ports, true),
        Some((_, other)) => return Err(format!("'{other}' is neither tcp nor udp")),
    };
    if ports.contains('[') {
        return Err("only IPv4 addresses can be published on".into());
    }
    if ports.contains('-') {
        return Err("ranges are not understood: write one -p for each port".into());
    }
    let parts: Vec<_> = ports.split(':').collect();
    let (ip, host, guest) = match parts[..] {
        [guest] => ("", "", guest),
        [host, guest] => ("", host, guest),
        [ip, host, guest] => (ip, host, guest),
        _ => return Err(expected.into()),
    };
    let ip = match ip {
        "" => Ipv4Addr::LOCALHOST,
        _ => ip
            .parse()
            .map_err(|_| format!("'{ip}' is no IPv4 address of this host; 0.0.0.0 means all"))?,
    };
    Ok(Publish {
        ip,
        host_port: if host.is_empty() { 0 } else { port(host)? },
        guest_port: match port(guest)? {
            0 => return Err("the guest's port cannot be 0".into()),
            guest => guest,
        },
        udp,
    })
}

fn port(text: &str) -> Parsed<u16> {
    text.parse().map_err(|_| {
        format!("'{text}' is no port: expected a number up to 65535, for example 8080:80")
    })
}

/// How the guest is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// Through the VMM, without root.
    User,
    /// A tap device made for the guest, or one that is there.
    Tap(Option<TapAddress>),
    /// Not at all.
    None,
}

/// A tap device that is there, and the guest's address on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapAddress {
    /// Device.
    pub device: String,
    /// Address and prefix of the guest.
    pub address: Option<(Ipv4Addr, u8)>,
    /// Default gateway of the guest.
    pub gateway: Option<Ipv4Addr>,
}

/// `user`, `none`, `tap` or `tap=DEV[,ip=A/P][,gw=G]`.
pub fn network(text: &str) -> Parsed<Network> {
    match text {
        "user" => return Ok(Network::User),
        "none" => return Ok(Network::None),
        "tap" => return Ok(Network::Tap(None)),
        _ => {}
    }
    let expected = "expected user, none, tap, or tap=DEV,ip=ADDRESS/PREFIX,gw=GATEWAY";
    let tap = text.strip_prefix("tap=").ok_or(expected)?;
    let mut parts = tap.split(',');
    let device = parts.next().unwrap_or_default();
    // The kernel's IFNAMSIZ is 16 with the terminating zero.
    if device.is_empty() || device.len() > 15 || device.contains(['/', ' ']) {
        return Err(format!("'{device}' is no name of a network device"));
    }
    let mut result = TapAddress {
        device: device.into(),
        address: None,
        gateway: None,
    };
    for part in parts {
        match part.split_once('=') {
            Some(("ip", value)) => result.address = Some(address(value)?),
            Some(("gw", value)) => {
                result.gateway = Some(
                    value
                        .parse()
                        .map_err(|_| format!("'{value}' is no IPv4 address"))?,
                );
            }
            _ => return Err(expected.into()),
        }
    }
    Ok(Network::Tap(Some(result)))
}

fn address(text: &str) -> Parsed<(Ipv4Addr, u8)> {
    let expected = || format!("'{text}' is no address with prefix such as 192.0.2.2/24");
    let (ip, prefix) = text.split_once('/').ok_or_else(expected)?;
    let prefix = prefix.parse().ok().filter(|prefix| *prefix <= 32);
    match (ip.parse(), prefix) {
        (Ok(ip), Some(prefix)) => Ok((ip, prefix)),
        _ => Err(expected()),
    }
}
