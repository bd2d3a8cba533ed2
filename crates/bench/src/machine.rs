//! Where something was measured: [`Machine`].

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

/// The host, as far as it decides about numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// How many of it.
    pub cpus: u32,
    /// Its memory.
    pub mem_mib: u64,
    /// `kvm` or `tcg`.
    pub accelerator: String,
    /// Release of the host's kernel.
    pub host_kernel: String,
    /// The VMM's version.
    pub vmm: String,
    /// Load averages of 1, 5 and 15 minutes when the run began.
    pub load: [f64; 3],
    /// What the host's kernel does against each hardware vulnerability.
    pub mitigations: BTreeMap<String, String>,
    /// Version of Lupine.
    pub lupine: String,
}

/// Above this load for each processor, wall times say little.
const LOADED: f64 = 0.5;

impl Machine {
    /// This host. What it does not tell stays empty.
    pub fn of_host(accelerator: &str, vmm: &str) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            cpu: field("/proc/cpuinfo", "model name"),
            cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
            mem_mib: memory(&field("/proc/meminfo", "MemTotal")),
            accelerator: accelerator.into(),
            host_kernel: read("/proc/sys/kernel/osrelease"),
            vmm: vmm.into(),
            load: load(),
            mitigations: mitigations(),
            lupine: env!("CARGO_PKG_VERSION").into(),
        }
    }

    /// How busy the host was with other things before the run, per processor, if that is too much.
    pub fn noise(&self) -> Option<f64> {
        let load = self.load[0] / f64::from(self.cpus.max(1));
        (load > LOADED).then_some(load)
    }

    /// Whether results from both may go into one file.
    pub fn is_same(&self, other: &Self) -> bool {
        let identity = |m: &Self| {
            let kept = (&m.cpu, &m.accelerator, &m.host_kernel, &m.vmm);
            format!("{kept:?} {} {:?}", m.cpus, m.mitigations)
        };
        identity(self) == identity(other)
    }
}

/// The host's load averages of 1, 5 and 15 minutes; zeros where it tells none.
pub fn load() -> [f64; 3] {
    let text = read("/proc/loadavg");
    let mut numbers = text.split(' ').map(|word| word.parse().unwrap_or(0.0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0.0))
}

fn read(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().to_owned()
}

/// The first value of `name` in a file of `name : value` lines.
fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    let found = pairs.find(|(key, _)| key.trim() == name);
    found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

/// MiB of `12345 kB`.
fn memory(text: &str) -> u64 {
    let kib = text.split(' ').next().and_then(|word| word.parse().ok());
    kib.unwrap_or(0_u64) / 1024
}

fn mitigations() -> BTreeMap<String, String> {
    const DIR: &str = "/sys/devices/system/cpu/vulnerabilities";
    let entries = fs::read_dir(DIR).into_iter().flatten().flatten();
    let pair = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, read(&entry.path().to_string_lossy()))
    };
    entries.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_says_what_it_is() {
        let machine = Machine::of_host("tcg", "QEMU");
        assert!(machine.cpus > 0 && machine.mem_mib > 0, "{machine:?}");
        assert!(!machine.host_kernel.is_empty());
        assert!(machine.is_same(&Machine {
            load: [9.0; 3],
            ..machine.clone()
        }));
        assert!(!machine.is_same(&Machine::of_host("kvm", "QEMU")));
    }

    #[test]
    fn a_loaded_machine_is_told() {
        let of = |load| Machine {
            cpus: 2,
            load: [load, 0.0, 0.0],
            ..Machine::default()
        };
        assert_eq!(of(0.2).noise(), None);
        assert_eq!(of(3.0).noise(), Some(1.5));
    }
}
