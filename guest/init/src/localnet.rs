//! What comes by eth0 for 127.0.0.1 is let in: `route_localnet`, by netlink, since a kernel may have no sysctl.

use alloc::vec::Vec;

use rustix::io::{Errno, Result};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};

const RTM_SETLINK: u16 = 19;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const IFLA_IFNAME: u16 = 3;
const IFLA_AF_SPEC: u16 = 26;
const AF_INET: u16 = 2;
const IFLA_INET_CONF: u16 = 1;
const IPV4_DEVCONF_ROUTE_LOCALNET: u16 = 26;

/// `struct nlmsghdr`, `struct ifinfomsg`, and attributes: the device's name, and its one setting
/// three levels deep (`inet_set_link_af` of the kernel).
const REQUEST: [u32; 16] = [
    64,
    pair(RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK),
    0,
    0,
    0,
    0,
    0,
    0,
    pair(12, IFLA_IFNAME),
    u32::from_ne_bytes(*b"eth0"),
    0,
    pair(20, IFLA_AF_SPEC),
    pair(16, AF_INET),
    pair(12, IFLA_INET_CONF),
    pair(8, IPV4_DEVCONF_ROUTE_LOCALNET),
    1,
];
/// The answer's header and, behind it, the error's number with a minus.
const ANSWER: usize = 20;

/// An attribute's length and type, or a message's type and flags.
const fn pair(first: u16, second: u16) -> u32 {
    first as u32 | (second as u32) << 16
}

/// # Errors
/// What the kernel answers.
pub fn let_in() -> Result<()> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let request: Vec<u8> = REQUEST.iter().flat_map(|word| word.to_ne_bytes()).collect();
    send(&socket, &request, SendFlags::empty())?;
    let mut answer = [0; ANSWER];
    recv(&socket, &mut answer, RecvFlags::empty())?;
    let [.., a, b, c, d] = answer;
    match i32::from_ne_bytes([a, b, c, d]) {
        0 => Ok(()),
        error => Err(Errno::from_raw_os_error(-error)),
    }
}
