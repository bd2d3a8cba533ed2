//! Flags that decide what is loaded and built.

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::values;
use crate::manifest::Manifest;

/// The feature of kernels that start one program, and have no device but an I/O port for what it writes.
pub const PORT_CONSOLE: &str = "port-console";

/// When to ask a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum PullPolicy {
    /// When the image is not in the cache
    Missing,
    /// Always, so that a moved tag is noticed
    Always,
    /// Never
    Never,
}

/// Where the image comes from.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
pub struct FetchOptions {
    /// Platform of the image; linux/amd64 is the one there is
    #[arg(long, value_name = "OS/ARCH", value_parser = values::platform)]
    pub platform: Option<String>,
    /// When to ask the registry
    #[arg(long, value_enum, default_value = "missing")]
    pub pull: PullPolicy,
}

/// How much the kernel holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum ProfileChoice {
    /// The least that boots
    Base,
    /// One kernel for many servers
    General,
    /// One kernel for the study's twenty applications only
    Top20,
    /// What this image needs
    App,
}

impl From<ProfileChoice> for lupine_needs::Profile {
    fn from(choice: ProfileChoice) -> Self {
        match choice {
            ProfileChoice::Base => Self::Base,
            ProfileChoice::General => Self::General,
            ProfileChoice::Top20 => Self::Top20,
            ProfileChoice::App => Self::App,
        }
    }
}

/// How programs at CPL 0 make system calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kml {
    /// By the syscall instruction; the image is packed as it is
    Jump,
    /// By calls, where syscall instructions can become some
    Call,
}

/// Where a kernel comes from, and how it is compiled.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
pub struct SourceOptions {
    /// Kernel source: debian, a directory, a tarball (TARBALL#sha256=HEX checks it) or URL#sha256=HEX
    #[arg(
        long,
        value_name = "SOURCE",
        default_value = "debian",
        env = "LUPINE_KERNEL_SOURCE",
        hide_env_values = true
    )]
    pub kernel_source: String,
    /// Patch set to apply besides those that every kernel gets; none leaves these out
    #[arg(long = "patch-set", value_name = "SET")]
    pub patch_sets: Vec<String>,
    /// Compile this many files at once [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
}

/// What the kernel is made of.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
pub struct KernelOptions {
    /// How much the kernel holds
    #[arg(long, value_enum, default_value = "app")]
    pub profile: ProfileChoice,
    /// Set a kernel option, over everything else
    #[arg(long = "option", value_name = "CONFIG_X=y|n", value_parser = values::kernel_option)]
    pub options: Vec<(String, String)>,
    /// Trade speed for a smaller kernel
    #[arg(long)]
    pub tiny: bool,
    /// Leave out the system calls that no code of the image can reach; --tiny does, too
    #[arg(long)]
    pub trim_syscalls: bool,
    /// Run the image's programs at CPL 0: nothing protects the guest's kernel from them. With call, their C library
    /// calls the kernel where that can be proven to be the same
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "jump"
    )]
    #[serde(default, rename = "kml_by")]
    pub kml: Option<Kml>,
    /// Virtual machine monitor that the kernel is for
    #[arg(long, value_name = "VMM", default_value = "qemu")]
    pub vmm: String,
    /// Add a feature of the kernel, for example smp or debug
    #[arg(long = "feature", value_name = "FEATURE")]
    pub features: Vec<String>,
    /// Where it comes from.
    #[command(flatten)]
    #[serde(flatten)]
    pub source: SourceOptions,
}

impl KernelOptions {
    /// Features of the whole kernel: those that flags stand for, then the named ones.
    pub fn all_features(&self) -> Vec<String> {
        let tiny: &[&str] = if self.tiny { &["tiny"] } else { &[] };
        let kml: &[&str] = if self.kml.is_some() {
            &["no-mitigations", "kml"]
        } else {
            &[]
        };
        let flags = tiny.iter().chain(kml).map(|name| (*name).to_owned());
        flags.chain(self.features.iter().cloned()).collect()
    }

    /// Whether the kernel has no console but an I/O port.
    pub fn has_port_console(&self) -> bool {
        self.features.iter().any(|name| name == PORT_CONSOLE)
    }

    /// What nobody should learn only afterwards.
    pub fn given_up(&self) -> Option<&'static str> {
        self.kml.map(|_| {
            "kml: programs run at CPL 0 and can read, write and break the guest's kernel; only the VMM guards the host"
        })
    }

    /// Where it comes from, with the patch sets that flags stand for.
    pub fn whole_source(&self) -> SourceOptions {
        let mut source = self.source.clone();
        source.patch_sets.extend(self.kml.map(|_| "kml".to_owned()));
        source
    }
}

/// Everything that decides what a bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
pub struct BuildOptions {
    /// Where the image comes from.
    #[command(flatten)]
    pub fetch: FetchOptions,
    /// What the kernel is made of.
    #[command(flatten)]
    pub kernel: KernelOptions,
    /// Root file system: ext2, ext4, erofs, squashfs or cpio
    #[arg(long, value_name = "FS", value_parser = values::file_system)]
    pub fs: Option<String>,
    /// Free space in a writable root file system
    #[arg(long, value_name = "SIZE", default_value = "64m", value_parser = values::room)]
    pub room: u64,
    /// Replace the image's entry point
    #[arg(long, value_name = "CMD")]
    pub entrypoint: Option<String>,
    /// Processors the kernel must support
    #[arg(long, value_name = "N", default_value = "1", value_parser = values::cpus)]
    pub cpus: u32,
    /// Make a kernel that can also do this
    #[arg(long = "with", value_enum, value_name = "PART")]
    pub with: Vec<Part>,
    /// What is known of the application, where somebody said so.
    #[arg(skip)]
    pub manifest: Option<Manifest>,
    /// A recorder runs beside the application, and makes system calls of its own.
    #[arg(skip)]
    #[serde(default)]
    pub is_recorded: bool,
}

/// Parts of a machine that a kernel is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum Part {
    /// Shared host directories (run -v)
    Volumes,
    /// A terminal (run -t)
    Terminal,
    /// A network card, also for an application that is known to use none (run -p)
    Network,
    /// No network card (run --network none)
    NoNetwork,
}
