//! Loopback and eth0, by the oldest interface there is: a socket and ioctls.

use alloc::string::String;
use alloc::vec::Vec;

use lupine_init::{GuestSpec, Network};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{Errno, Result};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::localnet;
use crate::sys::{address, ioctl};
use crate::text::failed;

const SIOCADDRT: u32 = 0x890b;
const SIOCGIFFLAGS: u32 = 0x8913;
const SIOCSIFFLAGS: u32 = 0x8914;
const SIOCSIFADDR: u32 = 0x8916;
const SIOCSIFNETMASK: u32 = 0x891c;
const AF_INET: u16 = 2;
const IFF_UP: u16 = 1;
const RTF_UP: u16 = 1;
const RTF_GATEWAY: u16 = 2;

/// `struct sockaddr_in`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Address {
    family: u16,
    port: u16,
    address: [u8; 4],
    zero: [u8; 8],
}

/// `struct ifreq` with an address.
#[repr(C)]
struct AddressRequest {
    name: [u8; 16],
    address: Address,
    rest: [u8; 8],
}

/// `struct ifreq` with flags.
#[repr(C)]
struct FlagsRequest {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// `struct rtentry`.
#[repr(C)]
struct Route {
    pad1: u64,
    destination: Address,
    gateway: Address,
    mask: Address,
    flags: u16,
    pad2: u16,
    pad3: u64,
    pad4: u64,
    metric: u16,
    device: *const core::ffi::c_void,
    mtu: u64,
    window: u64,
    round_trip: u16,
}

impl Address {
    fn new(address: [u8; 4]) -> Self {
        Self {
            family: AF_INET,
            address,
            ..Self::default()
        }
    }
}

/// Loopback up, and eth0 with its address and route. Kernels without a
/// network are silent unless one was asked for.
pub fn start(spec: &GuestSpec, warnings: &mut Vec<String>) {
    let network = spec.network.as_ref();
    let socket = socket_with(
        AddressFamily::INET,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    );
    let socket = match socket {
        Ok(socket) => socket,
        Err(error) => {
            if network.is_some() {
                warnings.push(failed(&["make a socket, so there is no network"], error));
            }
            return;
        }
    };
    if let Err(error) = up(&socket, "lo") {
        warnings.push(failed(&["bring up lo"], error));
    }
    if let Some(network) = network
        && let Err((what, error)) = eth0(&socket, network)
    {
        warnings.push(failed(&[what, " eth0"], error));
    }
    if network.is_some()
        && spec.loopback
        && let Err(error) = localnet::let_in()
    {
        warnings.push(failed(&["let in what eth0 gets for 127.0.0.1"], error));
    }
}

fn name(text: &str) -> [u8; 16] {
    let mut name = [0; 16];
    for (place, byte) in name.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    name
}

fn up(socket: &OwnedFd, device: &str) -> Result<()> {
    let mut request = FlagsRequest {
        name: name(device),
        flags: 0,
        rest: [0; 22],
    };
    ioctl(socket.as_fd(), SIOCGIFFLAGS, &mut request)?;
    request.flags |= IFF_UP;
    ioctl(socket.as_fd(), SIOCSIFFLAGS, &mut request)
}

fn set(socket: &OwnedFd, request: u32, value: [u8; 4]) -> Result<()> {
    let mut argument = AddressRequest {
        name: name("eth0"),
        address: Address::new(value),
        rest: [0; 8],
    };
    ioctl(socket.as_fd(), request, &mut argument)
}

fn eth0(socket: &OwnedFd, network: &Network) -> core::result::Result<(), (&'static str, Errno)> {
    let mask = u32::MAX
        .checked_shl(32 - u32::from(network.prefix.min(32)))
        .unwrap_or(0);
    set(socket, SIOCSIFADDR, network.address).map_err(|error| ("set the address of", error))?;
    set(socket, SIOCSIFNETMASK, mask.to_be_bytes())
        .map_err(|error| ("set the netmask of", error))?;
    up(socket, "eth0").map_err(|error| ("bring up", error))?;
    match network.gateway {
        Some(gateway) => {
            route(socket, gateway).map_err(|error| ("set the default route of", error))
        }
        None => Ok(()),
    }
}

fn route(socket: &OwnedFd, gateway: [u8; 4]) -> Result<()> {
    let device = name("eth0");
    let mut route = Route {
        pad1: 0,
        destination: Address::new([0; 4]),
        gateway: Address::new(gateway),
        mask: Address::new([0; 4]),
        flags: RTF_UP | RTF_GATEWAY,
        pad2: 0,
        pad3: 0,
        pad4: 0,
        metric: 0,
        device: address(&device),
        mtu: 0,
        window: 0,
        round_trip: 0,
    };
    ioctl(socket.as_fd(), SIOCADDRT, &mut route)
}
