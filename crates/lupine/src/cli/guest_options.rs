//! Flags of the commands for guests that are there.

use clap::Args;

use super::Output;
use super::values::{self, DurationSecs, SignalNumber};

/// `lupine ps`.
#[derive(Debug, Args)]
pub struct PsArgs {
    /// Also guests that have ended
    #[arg(short, long)]
    pub all: bool,
    /// How to report.
    #[command(flatten)]
    pub format: Output,
}

/// `lupine logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Go on until the guest ends
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last N lines
    #[arg(short = 'n', long, value_name = "N", value_parser = values::tail)]
    pub tail: Option<values::Tail>,
    /// Put the time before each line
    #[arg(short, long)]
    pub timestamps: bool,
    /// What the kernel said, instead of the application
    #[arg(long)]
    pub kernel: bool,
    /// Guest
    pub name: String,
}

/// `lupine stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// Seconds to wait before the guest is killed
    #[arg(
        short,
        long = "time",
        visible_alias = "timeout",
        default_value = "10",
        value_name = "SECONDS"
    )]
    pub time: DurationSecs,
    /// Guests
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// `lupine kill`.
#[derive(Debug, Args)]
pub struct KillArgs {
    /// Signal for the application; KILL ends the whole virtual machine
    #[arg(short, long, default_value = "KILL", value_name = "SIGNAL")]
    pub signal: SignalNumber,
    /// Guests
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// `lupine rm`.
#[derive(Debug, Args)]
pub struct RmArgs {
    /// Kill guests that run
    #[arg(short, long)]
    pub force: bool,
    /// Guests
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// Commands whose only arguments are guests.
#[derive(Debug, Args)]
pub struct NamesArgs {
    /// Guests
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}
