//! Flags of `lupine bench` and `lupine report`.

use std::path::PathBuf;

use clap::Args;

use super::{Accel, Output, values};

/// `lupine bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Measure only these rows
    #[arg(long = "row", value_name = "ROW")]
    pub rows: Vec<String>,
    /// Also measure a kernel of somebody else's configuration, built from the same source with the same compiler:
    /// `firecracker`, `defconfig` (the kernel's own, with what it has for guests of KVM), a whole .config, or
    /// URL#sha256=HEX. Rows are compared with the first
    #[arg(long = "baseline", value_name = "CONFIG")]
    pub baselines: Vec<PathBuf>,
    /// Directory for the results; those that are there already are not measured again
    #[arg(short, long, value_name = "DIR", default_value = "lupine-bench")]
    pub output: PathBuf,
    /// Rounds of suites that repeat their measurements, instead of their own number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: Option<u32>,
    /// Seconds that a guest may take to boot, to answer, to be done [default: each suite's own, 1 to 15 minutes]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: Option<u64>,
    /// Memory of guests, instead of the suite's own
    #[arg(short, long, value_name = "SIZE", value_parser = values::memory)]
    pub memory: Option<u32>,
    /// Accelerator of guests whose wall time is measured; instructions are always counted under TCG
    #[arg(long, value_enum, default_value = "auto")]
    pub accel: Accel,
    /// Measure nothing: tell what run B does worse than run A, and fail if there is something
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with_all = ["suites", "baselines", "runs", "rows", "memory"])]
    pub compare: Option<Vec<PathBuf>>,
    /// How to report.
    #[command(flatten)]
    pub format: Output,
    /// Suites [default: list them]
    #[arg(value_name = "SUITE")]
    pub suites: Vec<String>,
}

/// `lupine report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Directory for report.html, report.md and report.json
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Directories of runs, as lupine bench writes them
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
}
