//! Running a kernel that has the program in it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use lupine_init::{GuestSpec, Mount, Network};
use lupine_link::{Linked, encode};
use lupine_store::At;
use lupine_vm::{NO_ROOT, NetworkSpec};
use miette::{Result, miette};

use super::base::Base;
use crate::cli::RunOptions;
use crate::monitor::NetworkPlan;
use crate::pipeline::MEM_MIB;
use crate::state::{KernelStats, RootfsStats, Stats};

/// The one that such kernels have.
const ROOT: &str = "ext2";
/// What init would mount first.
const SYSTEM: [[&str; 4]; 2] = [
    ["devtmpfs", "dev", "/dev", "rw"],
    ["proc", "proc", "/proc", "rw"],
];
/// As init mounts a shared directory.
const SHARED: &str = "trans=virtio,version=9p2000.L,cache=mmap";

impl Base {
    /// The kernel `place`, started with `arguments` or its own.
    ///
    /// # Errors
    /// Flags that this kernel cannot do; a file that cannot be read.
    pub fn of_linked(
        place: &str,
        linked: &Linked,
        arguments: &[String],
        options: &RunOptions,
    ) -> Result<Self> {
        check(place, linked, options)?;
        let path = fs::canonicalize(place).at("find", place)?;
        let bytes = fs::metadata(&path).at("read", &path)?.len();
        let spec = GuestSpec {
            // Its own name stands in the kernel.
            argv: [&[String::new()], arguments].concat(),
            stdin: options.interactive,
            ..GuestSpec::default()
        };
        Ok(Self {
            image: place.into(),
            // The kernel knows what to start.
            bare: Some(Vec::new()),
            linked: true,
            mem_mib: MEM_MIB,
            network: linked.network,
            spec,
            stats: Stats {
                kernel: KernelStats {
                    path,
                    bytes,
                    options: linked.options,
                    version: linked.version.clone(),
                    ..KernelStats::default()
                },
                rootfs: rootfs(options.rootfs.as_deref())?,
                vmm: "qemu".into(),
                ..Stats::default()
            },
            ..Self::default()
        })
    }
}

fn check(place: &str, linked: &Linked, options: &RunOptions) -> Result<()> {
    if let Some(flag) = super::check::work_of_init(options, &["-v", "-e"]) {
        return Err(miette!(
            help = format!("leave out {flag}"),
            "{flag} is init's work, and a kernel with a program in it has no init"
        ));
    }
    let volume = !options.app.volume.is_empty();
    let ports = !options.publish.is_empty();
    let lacking = [
        ("--cpus", "--cpus N", options.build.cpus > linked.cpus),
        ("-v", "--with volumes", volume && !linked.volumes),
        ("-p", "without --with no-network", ports && !linked.network),
    ];
    match lacking.into_iter().find(|(_, _, lacks)| *lacks) {
        None => Ok(()),
        Some((flag, with, _)) => Err(miette!(
            help = format!("link it again: lupine link {with} ..."),
            "{place} was linked with a kernel that cannot do {flag}"
        )),
    }
}

/// A file that `lupine rootfs` packed, or none.
fn rootfs(file: Option<&Path>) -> Result<RootfsStats> {
    let Some(file) = file else {
        return Ok(RootfsStats {
            format: NO_ROOT.into(),
            ..RootfsStats::default()
        });
    };
    let path = fs::canonicalize(file).at("find", file)?;
    let bytes = fs::metadata(&path).at("read", &path)?.len();
    if !is_ext2(&path) {
        return Err(miette!(
            help = "make one: lupine rootfs IMAGE --fs ext2 -o FILE",
            "{} is no ext2 file system, which is the one that such kernels have",
            path.display()
        ));
    }
    Ok(RootfsStats {
        path,
        format: ROOT.into(),
        bytes,
        ..RootfsStats::default()
    })
}

/// The magic number is in the superblock, which begins at 1 KiB.
fn is_ext2(path: &PathBuf) -> bool {
    let mut magic = [0; 2];
    let read = File::open(path).and_then(|file| file.read_exact_at(&mut magic, 0x438));
    read.is_ok() && u16::from_le_bytes(magic) == 0xef53
}

/// The guest's address: the VMM's network has one for it, on a tap device it was told.
pub fn address(plan: &NetworkPlan, told: Option<&Network>) -> Option<Network> {
    let (publish, loopback) = (Vec::new(), false);
    match plan {
        NetworkPlan::User(_) => NetworkSpec::User { publish, loopback }.addresses(),
        NetworkPlan::Tap(_) | NetworkPlan::None => told.cloned(),
    }
}

/// Parameters of the kernel that stand in for init: the card's address, environment, mounts, and the
/// program's arguments where some were given.
pub fn parameters(spec: &GuestSpec, network: Option<&Network>) -> Result<Vec<String>> {
    let mut all: Vec<String> = network.into_iter().map(card).collect();
    all.push(encode("ukl_env", &spec.env));
    all.extend(SYSTEM.iter().map(|mount| encode("ukl_mount", mount)));
    for mount in &spec.mounts {
        all.push(share(mount)?);
    }
    let arguments = spec.argv.get(1..).unwrap_or_default();
    if !arguments.is_empty() {
        all.push(encode("ukl", arguments));
    }
    Ok(all)
}

/// The kernel has nothing to bind a single file with.
fn share(mount: &Mount) -> Result<String> {
    let mode = if mount.read_only { "ro" } else { "rw" };
    let (tag, target) = (mount.tag.as_str(), mount.target.as_str());
    match mount.file {
        None => Ok(encode("ukl_mount", &["9p", tag, target, mode, SHARED])),
        Some(_) => Err(miette!(
            help = "share the directory that it is in",
            "-v: a kernel with a program in it mounts directories, and {target} is a file"
        )),
    }
}

/// By this parameter the kernel gives its card an address and a route.
fn card(network: &Network) -> String {
    let text = |bytes: [u8; 4]| std::net::Ipv4Addr::from(bytes).to_string();
    let gateway = network.gateway.map(text).unwrap_or_default();
    let mask = u32::MAX.checked_shl(32 - u32::from(network.prefix));
    let mask = std::net::Ipv4Addr::from(mask.unwrap_or_default());
    let own = text(network.address);
    format!("ip={own}::{gateway}:{mask}::eth0:off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vmms_network_has_an_address_for_the_guest_and_others_are_told() {
        let told = Network {
            address: [10, 9, 0, 2],
            prefix: 24,
            gateway: None,
            dns: Vec::new(),
        };
        let own = address(&NetworkPlan::User(Vec::new()), None).unwrap();
        assert_eq!(own.address, [10, 0, 2, 15]);
        let tap = NetworkPlan::Tap("tap0".into());
        assert_eq!(address(&tap, Some(&told)), Some(told));
        assert_eq!(address(&NetworkPlan::None, None), None);
    }

    #[test]
    fn an_address_becomes_a_parameter() {
        let network = Network {
            address: [10, 0, 2, 15],
            prefix: 24,
            gateway: Some([10, 0, 2, 2]),
            dns: Vec::new(),
        };
        let with = "ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off";
        assert_eq!(card(&network), with);
        let without = Network {
            gateway: None,
            prefix: 32,
            ..network
        };
        assert_eq!(card(&without), "ip=10.0.2.15:::255.255.255.255::eth0:off");
    }
}
