//! Flags of `lupine link`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{SourceOptions, values};

/// The C library that is linked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Libc {
    /// Debian's static musl
    Musl,
}

/// `lupine link`.
#[derive(Debug, Args)]
pub struct LinkArgs {
    /// C library
    #[arg(long, value_enum, default_value = "musl")]
    pub libc: Libc,
    /// Where to write the kernel
    #[arg(short, long, value_name = "FILE", default_value = "vmlinux")]
    pub output: PathBuf,
    /// Set a kernel option, over everything else
    #[arg(long = "option", value_name = "CONFIG_X=y|n", value_parser = values::kernel_option)]
    pub options: Vec<(String, String)>,
    /// Add a feature of the kernel, for example debug
    #[arg(long = "feature", value_name = "FEATURE")]
    pub features: Vec<String>,
    /// Where the kernel comes from.
    #[command(flatten)]
    pub source: SourceOptions,
    /// C sources, objects and archives
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Arguments of the program, after `--`; run's own replace them
    #[arg(value_name = "ARG", last = true)]
    pub arguments: Vec<String>,
}
