//! Flags of `lupine run`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::BuildOptions;
use super::values::{self, EnvVar, Publish, Volume};

pub use super::values::Network;

/// Which accelerator runs the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum Accel {
    /// KVM where it works, TCG otherwise
    Auto,
    /// The hardware's, through /dev/kvm
    Kvm,
    /// QEMU's translator, everywhere and slow
    Tcg,
}

impl From<Accel> for lupine_vm::AccelChoice {
    fn from(accel: Accel) -> Self {
        match accel {
            Accel::Auto => Self::Auto,
            Accel::Kvm => Self::Kvm,
            Accel::Tcg => Self::Tcg,
        }
    }
}

/// What to do when a guest lacks a feature of the kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum OnMissing {
    /// When it fails: start it again on the general kernel, and remember
    #[default]
    General,
    /// Say so, and go on
    Warn,
    /// End it
    Fail,
}

/// What the application is given; the same whether it is run or looked at.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
pub struct AppOptions {
    /// Share a host directory or file
    #[arg(short, long, value_name = "SRC:DST[:ro]", value_parser = values::volume)]
    pub volume: Vec<Volume>,
    /// Set an environment variable; without a value it is taken from here
    #[arg(short, long, value_name = "K[=V]", value_parser = values::env_var)]
    pub env: Vec<EnvVar>,
    /// Read environment variables from a file
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// Memory, for example 512m or 1g [default: 512m, or what the application asks for]
    #[arg(short, long, value_name = "SIZE", value_parser = values::memory)]
    pub memory: Option<u32>,
    /// Working directory of the application
    #[arg(short, long, value_name = "DIR", value_parser = values::workdir)]
    pub workdir: Option<String>,
    /// User of the application, names or numbers
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub user: Option<String>,
    /// Resource limit of the application, for example nofile=1024:4096
    #[arg(long, value_name = "NAME=SOFT[:HARD]", value_parser = values::ulimit)]
    pub ulimit: Vec<values::Ulimit>,
    /// Accelerator
    #[arg(long, value_enum, default_value = "auto")]
    pub accel: Accel,
}

/// `lupine run`.
#[derive(Debug, Args)]
pub struct RunOptions {
    /// Run what a manifest says, as lupine needs writes it; flags and CMD win over it
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Name of the guest [default: one is made up]
    #[arg(long, value_parser = values::guest_name)]
    pub name: Option<String>,
    /// Run in the background and print the name
    #[arg(short, long)]
    pub detach: bool,
    /// Pass stdin to the application
    #[arg(short, long)]
    pub interactive: bool,
    /// Give the application a terminal
    #[arg(short, long)]
    pub tty: bool,
    /// Remove the guest when it ends
    #[arg(long)]
    pub rm: bool,
    /// Publish a port of the guest, on 127.0.0.1 unless IP says otherwise
    #[arg(short, long, value_name = "[IP:]HOST:GUEST[/udp]", value_parser = values::publish)]
    pub publish: Vec<Publish>,
    /// Flags about the application itself.
    #[command(flatten)]
    pub app: AppOptions,
    /// Host name in the guest [default: the guest's name]
    #[arg(long, value_name = "NAME")]
    pub hostname: Option<String>,
    /// Label of the guest
    #[arg(short, long, value_name = "K=V", value_parser = values::label)]
    pub label: Vec<(String, String)>,
    /// Network of the guest: user, none, tap, or tap=DEV,ip=ADDRESS/PREFIX,gw=GATEWAY
    #[arg(long, value_name = "NETWORK", default_value = "user", value_parser = values::network)]
    pub network: Network,
    /// Signal that asks the application to stop [default: the image's, or TERM]
    #[arg(long, value_name = "SIGNAL")]
    pub stop_signal: Option<values::SignalNumber>,
    /// Flags that decide what is built.
    #[command(flatten)]
    pub build: BuildOptions,
    /// When the application is refused something that its kernel lacks
    #[arg(long, value_enum, value_name = "WHAT", default_value = "general")]
    pub on_missing: OnMissing,
    /// Do not find out in the background what an unknown image needs
    #[arg(long, env = "LUPINE_NO_LEARN", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_learn: bool,
    /// Write measurements of the run as JSON
    #[arg(long, value_name = "FILE")]
    pub stats: Option<PathBuf>,
    /// With -d: return only when the published TCP ports answer
    #[arg(long)]
    pub wait_ready: bool,
    /// Root file system (ext2) of a kernel that lupine link made
    #[arg(long, value_name = "FILE")]
    pub rootfs: Option<PathBuf>,
    /// Let the kernel start a static program directly, with no init
    #[arg(long)]
    pub no_init: bool,
    /// One more argument for the VMM
    #[arg(long = "vmm-arg", value_name = "ARG", allow_hyphen_values = true)]
    pub vmm_args: Vec<String>,
    /// One more argument for the kernel
    #[arg(long = "kernel-arg", value_name = "ARG", allow_hyphen_values = true)]
    pub kernel_args: Vec<String>,
    /// Image or bundle directory, then the command that replaces the image's own
    #[arg(
        value_name = "IMAGE [CMD]",
        required_unless_present = "file",
        trailing_var_arg = true
    )]
    pub image_and_command: Vec<String>,
}
