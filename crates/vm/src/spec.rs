//! What the caller wants: [`VmSpec`].

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use lupine_init::Network;

use crate::VmError;

/// A virtual machine to boot. Nothing in it knows an image or a bundle.
#[derive(Debug, Clone)]
pub struct VmSpec {
    /// The kernel, an ELF vmlinux with a PVH note.
    pub kernel: PathBuf,
    /// The root file system and its kind: `ext2`, `ext4`, `erofs`, `squashfs` or `cpio`; never written.
    /// Or `none`, for a kernel that has its program in it.
    pub rootfs: (PathBuf, String),
    /// Guest memory in MiB.
    pub mem_mib: u32,
    /// Virtual processors.
    pub cpus: u32,
    /// The guest's network.
    pub network: NetworkSpec,
    /// Host directories offered to the guest; [`lupine_init::Mount`] says where they go.
    pub shares: Vec<Share>,
    /// Offer [`crate::Guest::terminal`].
    pub terminal: bool,
    /// Parameters of the kernel that Lupine adds by itself.
    pub parameters: Parameters,
    /// How long the guest may take until PID 1 runs; `None` for as long as the accelerator usually needs at most.
    pub boot_limit: Option<Duration>,
    /// Appended to the VMM's command line.
    pub vmm_args: Vec<String>,
    /// Appended to the kernel's command line.
    pub kernel_args: Vec<String>,
    /// A private directory of this run: sockets, `kernel.log`, `vmm.log`.
    pub dir: PathBuf,
    /// No init: the kernel starts this program itself, whose words must be
    /// plain (see [`VmError::BareWord`]); output comes as [`crate::Event::Stdout`]. Without words
    /// the kernel knows by itself what to start.
    pub bare: Option<Vec<String>>,
    /// The kernel of such a program has no terminals (`CONFIG_X86_PORT_CONSOLE`): output leaves by an I/O port.
    pub port_console: bool,
}

impl VmSpec {
    /// One processor, no network, nothing shared; `rootfs` and `mem_mib` as in the fields.
    pub fn plain(kernel: PathBuf, rootfs: (PathBuf, String), mem_mib: u32, dir: PathBuf) -> Self {
        Self {
            kernel,
            rootfs,
            mem_mib,
            cpus: 1,
            network: NetworkSpec::None,
            shares: Vec::new(),
            terminal: false,
            parameters: Parameters::default(),
            boot_limit: None,
            vmm_args: Vec::new(),
            kernel_args: Vec::new(),
            dir,
            bare: None,
            port_console: false,
        }
    }

    /// Whether a stream leads to the guest's console.
    pub(crate) fn has_terminal(&self) -> bool {
        self.terminal || self.bare.is_some()
    }
}

/// Parameters of the kernel that Lupine adds by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Parameters {
    /// With those that make booting quicker.
    #[default]
    Quick,
    /// Without: what a kernel does when nobody tells it. For measurements.
    Plain,
}

/// The guest's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkSpec {
    /// Through the VMM's own sockets; needs no privilege.
    User {
        /// Ports of the guest that the host answers for.
        publish: Vec<Publish>,
        /// TCP ports lead to the guest's 127.0.0.1, which servers also answer that listen there
        /// only, and which [`lupine_init::GuestSpec::loopback`] lets in. (Answers over UDP would come from another
        /// address than was asked.)
        loopback: bool,
    },
    /// A tap device that exists already.
    Tap {
        /// Its name.
        device: String,
    },
    /// No network but loopback.
    None,
}

impl NetworkSpec {
    /// The addresses that the VMM's user network gives a guest; `None` where
    /// the caller has to know them (tap) or there are none.
    pub fn addresses(&self) -> Option<Network> {
        match self {
            Self::User { .. } => Some(Network {
                address: [10, 0, 2, 15],
                prefix: 24,
                gateway: Some([10, 0, 2, 2]),
                dns: vec![[10, 0, 2, 3]],
            }),
            Self::Tap { .. } | Self::None => None,
        }
    }
}

/// One published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish {
    /// Host address to listen on.
    pub ip: Ipv4Addr,
    /// Host port; 0 asks [`settle_ports`] for a free one.
    pub host_port: u16,
    /// Guest port.
    pub guest_port: u16,
    /// UDP instead of TCP.
    pub udp: bool,
}

/// One host directory offered to the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its name for the guest, at most 31 bytes.
    pub tag: String,
    /// The directory.
    pub dir: PathBuf,
    /// The guest must not write there.
    pub read_only: bool,
}

/// Replaces host port 0 by a free port and checks that the others are free.
///
/// # Errors
/// [`VmError::PortInUse`] names the port.
pub fn settle_ports(publish: &mut [Publish]) -> Result<(), VmError> {
    // All sockets stay open until all ports are known, so that no two are the same.
    let mut held = Vec::new();
    for entry in publish {
        let socket = Held::bind(entry).map_err(|source| VmError::PortInUse {
            ip: entry.ip,
            port: entry.host_port,
            protocol: if entry.udp { "udp" } else { "tcp" },
            source,
        })?;
        entry.host_port = socket.port().unwrap_or(entry.host_port);
        held.push(socket);
    }
    Ok(())
}

enum Held {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Held {
    fn bind(entry: &Publish) -> std::io::Result<Self> {
        let address = (entry.ip, entry.host_port);
        if entry.udp {
            UdpSocket::bind(address).map(Self::Udp)
        } else {
            TcpListener::bind(address).map(Self::Tcp)
        }
    }

    fn port(&self) -> Option<u16> {
        let address = match self {
            Self::Tcp(socket) => socket.local_addr(),
            Self::Udp(socket) => socket.local_addr(),
        };
        address.ok().map(|address| address.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(host_port: u16) -> Publish {
        Publish {
            ip: Ipv4Addr::LOCALHOST,
            host_port,
            guest_port: 80,
            udp: false,
        }
    }

    #[test]
    fn port_zero_becomes_distinct_free_ports() {
        let mut ports = [publish(0), publish(0)];
        settle_ports(&mut ports).unwrap();
        assert_ne!(ports[0].host_port, 0);
        assert_ne!(ports[0].host_port, ports[1].host_port);
    }

    #[test]
    fn a_port_in_use_is_named() {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = holder.local_addr().unwrap().port();
        let error = settle_ports(&mut [publish(port)]).unwrap_err();
        assert!(
            error.to_string().contains(&format!("127.0.0.1:{port}")),
            "{error}"
        );
    }
}
