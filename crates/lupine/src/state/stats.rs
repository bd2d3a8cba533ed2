//! What was measured of a run: the JSON of `--stats` and of `inspect NAME`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What was measured of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Lifetime of the VMM's process in µs, once it has ended.
    pub vmm_us: Option<u64>,
    /// µs between two marks, by name: `vmm-start..init-start`.
    pub boot_us: BTreeMap<String, u64>,
    /// The kernel.
    pub kernel: KernelStats,
    /// The root file system.
    pub rootfs: RootfsStats,
    /// Memory.
    pub memory: MemoryStats,
    /// The accelerator.
    pub accelerator: AcceleratorStats,
    /// Virtual processors.
    pub cpus: u32,
    /// The VMM.
    pub vmm: String,
    /// Exit status of the run, once it has ended.
    pub status: Option<u8>,
}

/// A kernel, as far as a run knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelStats {
    /// Key in the cache.
    pub key: String,
    /// The vmlinux.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How many options are on.
    pub options: usize,
    /// Version, for example 6.12.90.
    pub version: String,
}

/// A root file system, as far as a run knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootfsStats {
    /// Key in the cache.
    pub key: String,
    /// Its file.
    pub path: PathBuf,
    /// ext2, ext4, erofs, squashfs or cpio.
    pub format: String,
    /// Its size.
    pub bytes: u64,
}

/// Memory of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryStats {
    /// What the guest has, in MiB.
    pub mem_mib: u32,
    /// Greatest resident size of the VMM in KiB, where it was seen.
    pub vmm_rss_kib: Option<u64>,
}

/// The accelerator of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceleratorStats {
    /// kvm or tcg; empty until it is chosen.
    pub kind: String,
    /// Why this one.
    pub why: String,
}
