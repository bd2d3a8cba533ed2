//! Running a kernel that has the program in it.

use std::fs;

use lupine_init::{GuestSpec, Network};
use lupine_store::At;
use miette::{Result, miette};

use super::base::Base;
use crate::cli::RunOptions;
use crate::monitor::NetworkPlan;
use crate::pipeline::MEM_MIB;
use crate::state::{KernelStats, RootfsStats, Stats};

/// What the VMM is told in place of a root file system's format.
const NO_ROOT: &str = "none";

impl Base {
    /// The kernel `place`, started with `arguments` or its own.
    ///
    /// # Errors
    /// Flags that are init's work; a file that cannot be read.
    pub fn of_linked(place: &str, arguments: &[String], options: &RunOptions) -> Result<Self> {
        check(options)?;
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
            bare: Some(arguments.to_vec()),
            mem_mib: MEM_MIB,
            network: true,
            spec,
            stats: Stats {
                kernel: KernelStats {
                    path,
                    bytes,
                    ..KernelStats::default()
                },
                rootfs: RootfsStats {
                    format: NO_ROOT.into(),
                    ..RootfsStats::default()
                },
                vmm: "qemu".into(),
                ..Stats::default()
            },
            ..Self::default()
        })
    }

    /// Whether the kernel starts a program of its own.
    pub fn is_linked(&self) -> bool {
        self.stats.rootfs.format == NO_ROOT
    }
}

fn check(options: &RunOptions) -> Result<()> {
    match super::check::work_of_init(options) {
        None => Ok(()),
        Some(flag) => Err(miette!(
            help = format!("leave out {flag}"),
            "{flag} is init's work, and a kernel with a program in it has no init"
        )),
    }
}

/// Parameters of the kernel that stand in for init: the card's address, and the program's arguments
/// where some were given. `address` is that on a tap device.
pub fn parameters(base: &Base, plan: &NetworkPlan, address: Option<&Network>) -> Vec<String> {
    let user = matches!(plan, NetworkPlan::User(_)).then(|| {
        let (publish, loopback) = (Vec::new(), false);
        lupine_vm::NetworkSpec::User { publish, loopback }.addresses()
    });
    let address = address.cloned().or(user.flatten());
    let arguments = base.bare.as_ref().filter(|words| !words.is_empty());
    let arguments = arguments.map(|words| lupine_link::encode(words));
    address.iter().map(self::address).chain(arguments).collect()
}

/// By this parameter the kernel gives its card an address and a route.
fn address(network: &Network) -> String {
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
    fn an_address_becomes_a_parameter() {
        let network = Network {
            address: [10, 0, 2, 15],
            prefix: 24,
            gateway: Some([10, 0, 2, 2]),
            dns: Vec::new(),
        };
        let with = "ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off";
        assert_eq!(address(&network), with);
        let without = Network {
            gateway: None,
            prefix: 32,
            ..network
        };
        assert_eq!(
            address(&without),
            "ip=10.0.2.15:::255.255.255.255::eth0:off"
        );
    }
}
