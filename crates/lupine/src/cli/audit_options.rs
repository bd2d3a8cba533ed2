//! Flags of `lupine audit`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::SourceOptions;

/// How an audit is written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// The CVEs as an OpenVEX document
    Openvex,
}

/// `lupine audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Compare with this bundle's kernel; also a kernel's directory in the cache, or a whole .config or
    /// `defconfig` (the kernel's own), whose kernel is built if the cache has none [default: the general kernel, if the cache has it]
    #[arg(long, value_name = "BUNDLE")]
    pub baseline: Option<PathBuf>,
    /// Judge the CVE records (JSON files of the Linux CVE team) in this directory and below
    #[arg(long, value_name = "DIR")]
    pub cves: Option<PathBuf>,
    /// How to write it
    #[arg(long, value_enum, default_value = "text")]
    pub format: AuditFormat,
    /// Who vouches for the OpenVEX document
    #[arg(long, value_name = "WHO", default_value = "Unknown Author")]
    pub author: String,
    /// Where the kernel of a .config comes from.
    #[command(flatten)]
    pub source: SourceOptions,
    /// Bundle, or kernel as for --baseline
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
}
