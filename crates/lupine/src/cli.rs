//! The command line: every flag, in docker's spelling where docker has one.

mod audit_options;
mod bench_options;
mod guest_options;
mod image_options;
mod link_options;
mod needs_options;
mod run_options;
pub mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use audit_options::{AuditArgs, AuditFormat};
pub use bench_options::{BenchArgs, ReportArgs};
pub use guest_options::{KillArgs, LogsArgs, NamesArgs, PsArgs, RmArgs, StopArgs};
pub use image_options::{
    BuildOptions, FetchOptions, Kml, PORT_CONSOLE, Part, ProfileChoice, PullPolicy, SourceOptions,
};
pub use link_options::LinkArgs;
pub use needs_options::{MinimizeArgs, NeedsArgs, Trying};
pub use run_options::{Accel, AppOptions, Network, OnMissing, RunOptions};

/// Linux kernels for one image each, and the virtual machines that run them.
#[derive(Debug, Parser)]
#[command(
    name = "lupine",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// Say only what failed
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more about what is done and why
    #[arg(long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How lists and reports are written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// `--format` of everything that lists or reports.
#[derive(Debug, Clone, Copy, Args)]
pub struct Output {
    /// How to write it
    #[arg(long, value_enum, default_value = "text")]
    pub format: OutputFormat,
}

impl Output {
    /// Whether a program reads it.
    pub fn is_json(self) -> bool {
        self.format == OutputFormat::Json
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an image, or a bundle directory, in a virtual machine of its own
    #[command(override_usage = "lupine run [OPTIONS] IMAGE [CMD]...")]
    Run(Box<RunOptions>),
    /// Make a bundle: kernel, root file system and what is needed to run them
    #[command(override_usage = "lupine build [OPTIONS] IMAGE [CMD]...")]
    Build(BuildArgs),
    /// Build the kernel of an image alone
    #[command(override_usage = "lupine kernel [OPTIONS] -o FILE IMAGE [CMD]...")]
    Kernel(KernelArgs),
    /// Link a program into a kernel: one file, which boots to its main
    #[command(override_usage = "lupine link [OPTIONS] FILE... [-- ARG...]")]
    Link(LinkArgs),
    /// Pack the root file system of an image alone
    #[command(override_usage = "lupine rootfs [OPTIONS] -o FILE IMAGE [CMD]...")]
    Rootfs(RootfsArgs),
    /// Load an image into the cache
    Pull(PullArgs),
    /// List loaded images
    Images(ListArgs),
    /// Forget loaded images
    Rmi(RmiArgs),
    /// Show everything about an image, a bundle or a guest
    Inspect(InspectArgs),
    /// List guests
    Ps(PsArgs),
    /// Show what a guest wrote
    Logs(LogsArgs),
    /// Ask guests to stop, then kill them
    Stop(StopArgs),
    /// Kill guests, or send them a signal
    Kill(KillArgs),
    /// Remove guests that have ended
    Rm(RmArgs),
    /// Wait for guests to end and print their exit status
    Wait(NamesArgs),
    /// Show the kernel configuration of an image, with the reason of each option
    #[command(override_usage = "lupine config [OPTIONS] IMAGE [CMD]...")]
    Config(ConfigArgs),
    /// Show what an image needs of a kernel; with --run, find it out and prove it
    #[command(override_usage = "lupine needs [OPTIONS] IMAGE [-- CMD...]")]
    Needs(NeedsArgs),
    /// Take away what an image can do without, and prove the rest
    #[command(override_usage = "lupine minimize [OPTIONS] IMAGE [-- CMD...]")]
    Minimize(MinimizeArgs),
    /// Show which features of the kernel a guest was refused; or why an image has an option
    #[command(override_usage = "lupine why GUEST\n       lupine why IMAGE CONFIG_X")]
    Why(WhyArgs),
    /// Show what a bundle's kernel can be attacked by, and which CVEs are in it
    Audit(AuditArgs),
    /// Measure suites of kernels, side by side, or compare two measurements
    #[command(
        override_usage = "lupine bench [OPTIONS] SUITE...\n       lupine bench --compare A B"
    )]
    Bench(BenchArgs),
    /// Write measurements as a page, as Markdown and as JSON
    Report(ReportArgs),
    /// Show what this host can do, and how to mend what it cannot
    Doctor(DoctorArgs),
    /// Show or empty the cache
    Cache(CacheArgs),
    /// Write completions for a shell
    Completions(CompletionsArgs),
    /// Show versions
    Version(Output),
    /// Find out what an application needs, on behalf of a run
    #[command(hide = true)]
    Learn(LearnArgs),
    /// Supervise one detached guest
    #[command(hide = true)]
    Monitor(MonitorArgs),
}

/// An image, and a command for it.
#[derive(Debug, Args)]
pub struct Target {
    /// Image
    pub image: String,
    /// Command that replaces the image's own, after `--`
    #[arg(value_name = "CMD", last = true)]
    pub command: Vec<String>,
}

impl Target {
    /// Both parts.
    pub fn split(&self) -> (&str, &[String]) {
        (&self.image, &self.command)
    }
}

/// `lupine build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Flags that decide what is built.
    #[command(flatten)]
    pub options: BuildOptions,
    /// Directory of the bundle [default: ./NAME.bundle after the image]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// How to report.
    #[command(flatten)]
    pub format: Output,
    /// What it is made for.
    #[command(flatten)]
    pub target: Target,
}

/// File format of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KernelFormat {
    /// ELF, for Firecracker, Cloud Hypervisor, Kata and QEMU's PVH boot
    #[value(name = "vmlinux")]
    Vmlinux,
    /// Compressed, for boot loaders
    #[value(name = "bzImage")]
    BzImage,
}

/// `lupine kernel`.
#[derive(Debug, Args)]
pub struct KernelArgs {
    /// Flags that decide what is built.
    #[command(flatten)]
    pub options: BuildOptions,
    /// File format of the kernel
    #[arg(long, value_enum, default_value = "vmlinux")]
    pub format: KernelFormat,
    /// Where to write the kernel
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// What it is made for.
    #[command(flatten)]
    pub target: Target,
}

/// `lupine rootfs`.
#[derive(Debug, Args)]
pub struct RootfsArgs {
    /// Flags that decide what is built.
    #[command(flatten)]
    pub options: BuildOptions,
    /// Where to write the file system
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// What it is made for.
    #[command(flatten)]
    pub target: Target,
}

/// `lupine pull`.
#[derive(Debug, Args)]
pub struct PullArgs {
    /// Which platform.
    #[arg(long, value_name = "OS/ARCH", value_parser = values::platform)]
    pub platform: Option<String>,
    /// How to report.
    #[command(flatten)]
    pub format: Output,
    /// docker://REF (a bare name means this), oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, dir:DIR or deb:PKG[,PKG...]
    pub image: String,
}

/// A command that only lists.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// How to report.
    #[command(flatten)]
    pub format: Output,
}

/// `lupine rmi`.
#[derive(Debug, Args)]
pub struct RmiArgs {
    /// Images as `lupine images` lists them
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<String>,
}

/// `lupine inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// How to report.
    #[arg(long, value_enum, default_value = "json")]
    pub format: OutputFormat,
    /// Guests, bundle directories or images
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// `lupine config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Flags that decide what is built.
    #[command(flatten)]
    pub options: BuildOptions,
    /// Why is this option on, or off
    #[arg(long, value_name = "OPTION", conflicts_with = "diff")]
    pub explain: Option<String>,
    /// What differs from another image, bundle directory or .config file
    #[arg(long, value_name = "OTHER")]
    pub diff: Option<String>,
    /// How to report.
    #[command(flatten)]
    pub format: Output,
    /// What is configured; also a bundle directory or a .config file.
    #[command(flatten)]
    pub target: Target,
}

/// `lupine doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Install the Debian packages that are missing (needs root)
    #[arg(long)]
    pub fix: bool,
    /// How to report.
    #[command(flatten)]
    pub format: Output,
}

/// `lupine cache`.
#[derive(Debug, Args)]
pub struct CacheArgs {
    /// What to do with the cache.
    #[command(subcommand)]
    pub command: CacheCommand,
}

/// The verbs of `lupine cache`.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// List what the cache holds, by kind
    Ls(ListArgs),
    /// Remove what no image, guest or running command uses
    Prune(PruneArgs),
}

/// `lupine cache prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Also kernels, root file systems and images that could be used again
    #[arg(short, long)]
    pub all: bool,
    /// How to report.
    #[command(flatten)]
    pub format: Output,
}

/// `lupine completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell
    pub shell: clap_complete::Shell,
}

/// `lupine why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// Guest, running or ended; or image
    pub name: String,
    /// Why has the image's kernel this option, or has it not
    pub option: Option<String>,
    /// Flags that decide what is built.
    #[command(flatten)]
    pub options: BuildOptions,
    /// How to report.
    #[command(flatten)]
    pub format: Output,
}

/// `lupine learn`, started by `run`.
#[derive(Debug, Args)]
pub struct LearnArgs {
    /// What is known of the application so far
    pub request: PathBuf,
}

/// `lupine monitor`, started by `run -d`.
#[derive(Debug, Args)]
pub struct MonitorArgs {
    /// Guest
    pub name: String,
}

/// What the user typed as IMAGE and CMD. Clap guarantees the first. `--` may stand between them, as
/// other commands want it.
pub fn split_command(words: &[String]) -> (&str, &[String]) {
    match words {
        [image, dashes, command @ ..] if dashes == "--" => (image, command),
        [image, command @ ..] => (image, command),
        [] => ("", &[]),
    }
}

#[cfg(test)]
mod tests;
