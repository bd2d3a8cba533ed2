//! Flags of the commands that find out what an application needs.

use std::path::PathBuf;

use clap::Args;

use super::{AppOptions, BuildOptions, Output, Target, values};
use crate::discovery::HostCommand;

/// How an application is run to find out about it.
#[derive(Debug, Args)]
pub struct Trying {
    /// Drive it with this command of the host's shell; {port:N} is where its port N is reached
    #[arg(long, value_name = "CMD", value_parser = host_command)]
    pub workload: Option<HostCommand>,
    /// It works when this command of the host's shell succeeds [default: it does what it did on
    /// the general kernel]
    #[arg(long, value_name = "CMD", value_parser = host_command)]
    pub check: Option<HostCommand>,
    /// How long it may take to work on the general kernel
    #[arg(long, value_name = "SECONDS", default_value = "120")]
    pub timeout: values::DurationSecs,
    /// Write what was found, as a manifest to commit
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What the application is given.
    #[command(flatten)]
    pub app: AppOptions,
    /// Flags that decide what is built.
    #[command(flatten)]
    pub build: BuildOptions,
    /// How to report.
    #[command(flatten)]
    pub format: Output,
    /// What is looked at.
    #[command(flatten)]
    pub target: Target,
}

/// `lupine needs`.
#[derive(Debug, Args)]
pub struct NeedsArgs {
    /// Run it: on the general kernel to see what it asks for, then on its own to prove it
    #[arg(long)]
    pub run: bool,
    /// How it is run.
    #[command(flatten)]
    pub trying: Trying,
}

/// `lupine minimize`.
#[derive(Debug, Args)]
pub struct MinimizeArgs {
    /// How long all runs may take together
    #[arg(long, value_name = "SECONDS", default_value = "600")]
    pub budget: values::DurationSecs,
    /// How it is run.
    #[command(flatten)]
    pub trying: Trying,
}

fn host_command(text: &str) -> Result<HostCommand, String> {
    HostCommand::parse(text).map_err(|report| report.to_string())
}
