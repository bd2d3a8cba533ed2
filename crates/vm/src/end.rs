//! How a guest ended: [`End`].

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How a guest ended. `Display` is a sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The application exited with this status.
    Exited(u8),
    /// A signal of this number killed the application.
    Killed(u8),
    /// The application could not be started: 126 (not executable) or 127 (not found).
    Refused {
        /// Exit status that says so.
        status: u8,
        /// What init said.
        why: String,
    },
    /// The guest ran out of memory.
    OutOfMemory {
        /// Name of the process that the kernel killed, if it killed one.
        victim: String,
        /// Guest memory in MiB.
        mem_mib: u32,
    },
    /// The guest's kernel panicked.
    KernelPanic {
        /// The panic's message.
        message: String,
    },
    /// The kernel died before init for want of memory.
    MemoryTooSmall {
        /// Guest memory in MiB.
        mem_mib: u32,
    },
    /// The guest ended before init began, for no known reason.
    NeverStarted {
        /// The last lines of the kernel, if it said anything.
        log: String,
    },
    /// KVM failed at an instruction, as under a broken nested hypervisor,
    /// before init began. Booting again with TCG is likely to work.
    KvmBroken {
        /// What the VMM said.
        why: String,
    },
    /// The guest reset itself while it ran, and nobody said that the
    /// application had ended: a reboot by the application, or a triple fault.
    Reset,
    /// A signal killed the VMM.
    VmmKilled {
        /// Its number.
        signal: u8,
    },
    /// The VMM failed by itself.
    VmmFailed {
        /// Its exit status.
        status: u8,
        /// What it said.
        stderr: String,
    },
}

impl End {
    /// The exit status that a command should have after this end, as Docker
    /// and shells do it: 128 + n for a signal, 137 out of memory, 125 where
    /// Lupine or the VMM failed.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Exited(status) | Self::Refused { status, .. } => *status,
            Self::Killed(signal) => 128_u8.saturating_add(*signal),
            Self::OutOfMemory { .. } => 137,
            Self::VmmKilled { .. }
            | Self::Reset
            | Self::KernelPanic { .. }
            | Self::MemoryTooSmall { .. }
            | Self::NeverStarted { .. }
            | Self::KvmBroken { .. }
            | Self::VmmFailed { .. } => 125,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "the application exited with status {status}"),
            Self::Killed(signal) => write!(f, "signal {signal} killed the application"),
            Self::Refused { why, .. } => write!(f, "the application could not be started: {why}"),
            Self::OutOfMemory { victim, mem_mib } if victim.is_empty() => {
                write!(f, "the guest ran out of its {mem_mib} MiB of memory")
            }
            Self::OutOfMemory { victim, mem_mib } => write!(
                f,
                "the guest ran out of its {mem_mib} MiB of memory and its kernel killed {victim}"
            ),
            Self::KernelPanic { message } => write!(f, "the guest's kernel panicked: {message}"),
            Self::MemoryTooSmall { mem_mib } => write!(
                f,
                "{mem_mib} MiB of memory is too small for this kernel: it died before init"
            ),
            Self::NeverStarted { log } if log.is_empty() => f.write_str(
                "the guest never came to init and its kernel said nothing; \
                     it may want more memory, or PRINTK to say what it wants",
            ),
            Self::NeverStarted { log } => {
                write!(
                    f,
                    "the guest never came to init; its kernel's last lines:\n{log}"
                )
            }
            Self::KvmBroken { why } => write!(f, "KVM failed while the guest booted: {why}"),
            Self::Reset => f.write_str("the guest reset itself while the application ran"),
            Self::VmmKilled { signal } => write!(f, "the VMM was killed by signal {signal}"),
            Self::VmmFailed { status, stderr } => {
                write!(f, "the VMM failed with status {status}: {stderr}")
            }
        }
    }
}

/// What a guest left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// Lifetime of the VMM's process in microseconds.
    pub vmm_us: u64,
    /// Microseconds between two marks, by name: `vmm-start..init-start`.
    pub boot_us: BTreeMap<String, u64>,
    /// Greatest resident size of the VMM, where it was seen.
    pub peak_rss_kib: Option<u64>,
}
