//! What a monitor has to know to boot a guest; `launch.json` of a detached one.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use lupine_init::GuestSpec;
use lupine_needs::Need;
use lupine_vm::{AccelChoice, NetworkSpec, Share, VmSpec};
use serde::{Deserialize, Serialize};

use crate::application::Application;
use crate::cli::OnMissing;
use crate::cli::values::Publish;
use crate::manifest::{CheckPart, ImagePart, MachinePart, Manifest, NeedPart, VERSION};

/// Everything a monitor has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The vmlinux.
    pub kernel: PathBuf,
    /// Root file system and its format.
    pub rootfs: (PathBuf, String),
    /// Memory.
    pub mem_mib: u32,
    /// Virtual processors.
    pub cpus: u32,
    /// Network.
    pub network: NetworkPlan,
    /// Shared directories.
    pub shares: Vec<SharePlan>,
    /// Arguments for the VMM.
    pub vmm_args: Vec<String>,
    /// Arguments for the kernel.
    pub kernel_args: Vec<String>,
    /// A program that the kernel starts directly.
    pub bare: Option<Vec<String>>,
    /// Which accelerator.
    pub accel: AccelChoice,
    /// What the guest's init does.
    pub guest: GuestSpec,
    /// Where measurements go.
    pub stats_file: Option<PathBuf>,
    /// Whether `run -d` waits until ports answer.
    pub wait_ready: bool,
    /// What to do when the guest is refused something that its kernel lacks.
    pub on_missing: OnMissing,
    /// What the general kernel has, on which a guest that fails may be started again.
    pub general: BTreeSet<String>,
    /// Nothing is known of the application yet.
    pub unknown: bool,
    /// Options that it is known to do without.
    pub dispensable: BTreeSet<String>,
    /// How to make its kernel, unless that came from a bundle.
    pub application: Option<Application>,
    /// What its kernel was made for, the machine apart.
    pub needs: Vec<Need>,
}

/// The guest's network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkPlan {
    /// Through the VMM.
    User(Vec<Publish>),
    /// A device that exists when the guest boots.
    Tap(String),
    /// None.
    None,
}

/// One shared directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharePlan {
    /// Its name for the guest.
    pub tag: String,
    /// The host's directory.
    pub dir: PathBuf,
    /// Whether the guest may only read.
    pub read_only: bool,
}

impl Launch {
    /// The virtual machine whose private directory is `dir`.
    pub fn vm_spec(&self, dir: &Path) -> VmSpec {
        VmSpec {
            kernel: self.kernel.clone(),
            rootfs: self.rootfs.clone(),
            mem_mib: self.mem_mib,
            cpus: self.cpus,
            network: match &self.network {
                NetworkPlan::User(ports) => NetworkSpec::User {
                    publish: ports.iter().copied().map(Into::into).collect(),
                    loopback: self.guest.loopback,
                },
                NetworkPlan::Tap(device) => NetworkSpec::Tap {
                    device: device.clone(),
                },
                NetworkPlan::None => NetworkSpec::None,
            },
            shares: self.shares.iter().map(SharePlan::share).collect(),
            terminal: self.guest.terminal,
            parameters: lupine_vm::Parameters::Quick,
            boot_limit: None,
            vmm_args: self.vmm_args.clone(),
            kernel_args: self.kernel_args.clone(),
            dir: dir.into(),
            bare: self.bare.clone(),
        }
    }

    /// What is known of the application, before runs have shown anything.
    pub fn manifest(&self, application: &Application) -> Manifest {
        Manifest {
            version: VERSION,
            image: ImagePart {
                reference: application.image.clone(),
                command: application.command.clone(),
                entrypoint: application.build.entrypoint.clone(),
                ..ImagePart::default()
            },
            machine: MachinePart::default(),
            check: CheckPart::default(),
            kernel: None,
            needs: self.needs.iter().map(NeedPart::from).collect(),
        }
    }

    /// Whether somebody wants to know when the application answers.
    pub fn probes_ready(&self) -> bool {
        (self.wait_ready || self.stats_file.is_some()) && !self.tcp_ports().is_empty()
    }

    /// Where the application's TCP ports are reached from the host.
    pub fn tcp_ports(&self) -> Vec<SocketAddr> {
        let NetworkPlan::User(ports) = &self.network else {
            return Vec::new();
        };
        ports
            .iter()
            .filter(|publish| !publish.udp)
            .map(|publish| {
                let ip = match publish.ip {
                    Ipv4Addr::UNSPECIFIED => Ipv4Addr::LOCALHOST,
                    ip => ip,
                };
                SocketAddr::new(IpAddr::V4(ip), publish.host_port)
            })
            .collect()
    }
}

impl SharePlan {
    fn share(&self) -> Share {
        Share {
            tag: self.tag.clone(),
            dir: self.dir.clone(),
            read_only: self.read_only,
        }
    }
}

impl From<Publish> for lupine_vm::Publish {
    fn from(publish: Publish) -> Self {
        Self {
            ip: publish.ip,
            host_port: publish.host_port,
            guest_port: publish.guest_port,
            udp: publish.udp,
        }
    }
}

impl From<lupine_vm::Publish> for Publish {
    fn from(publish: lupine_vm::Publish) -> Self {
        Self {
            ip: publish.ip,
            host_port: publish.host_port,
            guest_port: publish.guest_port,
            udp: publish.udp,
        }
    }
}
