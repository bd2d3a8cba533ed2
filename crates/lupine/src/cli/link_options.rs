//! Flags of `lupine link`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Part, SourceOptions, values};

/// The C library that is linked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Libc {
    /// Debian's static musl
    Musl,
    /// Debian's static glibc
    Glibc,
}

impl From<Libc> for lupine_link::Libc {
    fn from(libc: Libc) -> Self {
        match libc {
            Libc::Musl => Self::Musl,
            Libc::Glibc => Self::Glibc,
        }
    }
}

/// `lupine link`.
#[derive(Debug, Args)]
pub struct LinkArgs {
    /// C library
    #[arg(long, value_enum, default_value = "musl")]
    pub libc: Libc,
    /// Let musl's read, write, sendto, recvfrom, epoll_wait and their like call the kernel without a system call
    #[arg(long)]
    pub gate: bool,
    /// Where to write the kernel
    #[arg(short, long, value_name = "FILE", default_value = "vmlinux")]
    pub output: PathBuf,
    /// Define a macro for the sources
    #[arg(short = 'D', value_name = "NAME[=VALUE]")]
    pub define: Vec<String>,
    /// Where the sources find headers
    #[arg(short = 'I', value_name = "DIR")]
    pub include: Vec<PathBuf>,
    /// Processors that the kernel can have; run's --cpus says how many it gets
    #[arg(long, value_name = "N", default_value = "1", value_parser = values::cpus)]
    pub cpus: u32,
    /// Build the kernel for something that run will be asked for
    #[arg(long = "with", value_enum, value_name = "PART")]
    pub with: Vec<Part>,
    /// Set a kernel option, over everything else
    #[arg(long = "option", value_name = "CONFIG_X=y|n", value_parser = values::kernel_option)]
    pub options: Vec<(String, String)>,
    /// Add a feature of the kernel, for example debug
    #[arg(long = "feature", value_name = "FEATURE")]
    pub features: Vec<String>,
    /// Where the kernel comes from.
    #[command(flatten)]
    pub source: SourceOptions,
    /// Sources (.c, and with glibc .cc and .cpp), objects and archives
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Arguments of the program, after `--`; run's own replace them
    #[arg(value_name = "ARG", last = true)]
    pub arguments: Vec<String>,
}
