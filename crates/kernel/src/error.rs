//! What can go wrong between a request and a kernel.

use std::path::PathBuf;

use lupine_kconfig::{CheckError, DotConfigError, FragmentError};
use lupine_store::StoreError;
use lupine_tool::ToolError;

use crate::toolchain::Requirement;

/// Why there is no kernel.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum KernelError {
    /// The store failed, for example on a full disk.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// A host program is missing or failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Tool(#[from] ToolError),
    /// A fragment among the embedded data cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fragment(#[from] FragmentError),
    /// What Kconfig wrote cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    DotConfig(#[from] DotConfigError),
    /// Options that were asked for did not survive.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Check(Box<CheckError>),
    /// `kernels.toml` or another data file is not what it should be.
    #[error("kernel data {file}: {why}")]
    #[diagnostic(help("correct the file below kernel/ and build lupine again"))]
    Data {
        /// File below `kernel/`.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// No fragment for this VMM.
    #[error("no kernel configuration for the VMM {name}")]
    #[diagnostic(help("choose one of: {}", known.join(", ")))]
    UnknownVmm {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No fragment for this property.
    #[error("no kernel feature {name}")]
    #[diagnostic(help("choose from: {}", known.join(", ")))]
    UnknownFeature {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No such patch set.
    #[error("no patch set {name} for series {series}")]
    #[diagnostic(help("{}", if known.is_empty() { "this build of lupine carries no patch sets".to_owned() }
        else { format!("choose from: {}", known.join(", ")) }))]
    UnknownPatchSet {
        /// What was asked for.
        name: String,
        /// The kernel series.
        series: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A source that is neither `debian`, a file, a directory nor a URL.
    #[error("kernel source {text}: {why}")]
    #[diagnostic(help("use debian, a tarball, a directory, or URL#sha256=HEX"))]
    SourceSpec {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// Debian's source package is neither installed nor to be had.
    #[error("the kernel source {package} is not installed and cannot be downloaded: {why}")]
    #[diagnostic(help(
        "install it: apt-get update && apt-get install {package} (or: lupine doctor --fix), or give a tarball with --source"
    ))]
    NoDebianSource {
        /// The Debian package.
        package: String,
        /// What failed.
        why: String,
    },
    /// A download that failed.
    #[error("cannot download {url}: {why}")]
    #[diagnostic(help("check the network and the address, then run the same command again"))]
    Download {
        /// From where.
        url: String,
        /// What the downloading program said.
        why: String,
    },
    /// A file that is not the one that was asked for.
    #[error("{what} has sha256 {actual}, expected {expected}")]
    #[diagnostic(help(
        "it is damaged or not the file that was meant: fetch it again, or correct the sha256"
    ))]
    WrongDigest {
        /// The file or address.
        what: String,
        /// What was asked for.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// An archive or directory that holds no kernel.
    #[error("{} is no Linux source: {why}", path.display())]
    #[diagnostic(help(
        "give a directory, or a tarball with one top directory, that has the kernel's Makefile in it"
    ))]
    NoKernel {
        /// Where.
        path: PathBuf,
        /// What is missing.
        why: String,
    },
    /// A kernel of another series.
    #[error("{} is Linux {version}, not series {series}", path.display())]
    #[diagnostic(help(
        "lupine's options and patches are for Linux {series}: give a source of that series"
    ))]
    WrongSeries {
        /// Where.
        path: PathBuf,
        /// What it is.
        version: String,
        /// What it should be.
        series: String,
    },
    /// A source directory in which a kernel was built.
    #[error("{} holds files of an earlier build ({found})", path.display())]
    #[diagnostic(help("clean it: make -C {} mrproper", path.display()))]
    Unclean {
        /// The directory.
        path: PathBuf,
        /// Which file tells.
        found: String,
    },
    /// The kernel's Makefile cannot work in such a path.
    #[error("the cache's path {} contains a space or a colon, which the kernel's Makefile does not allow", path.display())]
    #[diagnostic(help("set LUPINE_CACHE to another directory"))]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// A patch that does not fit.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Patch(Box<PatchError>),
    /// Programs or headers that a kernel build needs.
    #[error("a kernel build needs {}", missing.iter().map(|r| r.what).collect::<Vec<_>>().join(", "))]
    #[diagnostic(help(
        "install: apt-get install {} (or: lupine doctor --fix)",
        packages(missing)
    ))]
    Missing {
        /// What is not there.
        missing: Vec<Requirement>,
    },
    /// Kconfig itself failed.
    #[error("the kernel's Kconfig failed:\n{tail}")]
    #[diagnostic(help("the whole log: {}", log.display()))]
    Kconfig {
        /// What it said.
        tail: String,
        /// Where the log is kept.
        log: PathBuf,
    },
    /// The kernel does not compile or link.
    #[error("the kernel does not build:\n{}", errors.join("\n"))]
    #[diagnostic(help("the whole log: {}", log.display()))]
    Build {
        /// The compiler's or linker's own words.
        errors: Vec<String>,
        /// Where the log is kept.
        log: PathBuf,
    },
    /// The disk filled up under the compiler.
    #[error("the disk is full below {}", path.display())]
    #[diagnostic(help(
        "free space (a kernel build needs about 1 GB besides the 2 GB of its source), for example with: lupine cache prune"
    ))]
    DiskFull {
        /// Where.
        path: PathBuf,
    },
    /// The compiler was killed by the kernel or a person.
    #[error("the compiler was killed while building the kernel")]
    #[diagnostic(help("if memory ran out, build with fewer jobs: -j1; the whole log: {}", log.display()))]
    Killed {
        /// Where the log is kept.
        log: PathBuf,
    },
    /// A vmlinux that QEMU could not start.
    #[error("the built vmlinux has no PVH entry although CONFIG_PVH is set")]
    #[diagnostic(help("the kernel cannot be started directly: report this with {}", path.display()))]
    NoPvhEntry {
        /// The file.
        path: PathBuf,
    },
    /// The source's Kconfig files cannot be read.
    #[error("cannot read the Kconfig files of {}: {why}", path.display())]
    #[diagnostic(help("explanations are not available for this source"))]
    Symbols {
        /// The source.
        path: PathBuf,
        /// What the parser said.
        why: String,
    },
    /// An entry of the store that cannot be read.
    #[error("{} is damaged: {why}", path.display())]
    #[diagnostic(help("remove it, then run the same command again: rm -r {}", path.display()))]
    Damaged {
        /// The entry.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// A patch that does not apply to the source.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("patch {set}/{patch} does not apply to {file}{}", hunk.map(|h| format!(", hunk {h}")).unwrap_or_default())]
#[diagnostic(help(
    "the source (Linux {version}) is not the one the patch was made for: make the patch anew, or leave the patch set {set} out (--patch-set none leaves out those that every kernel gets)\n{log}"
))]
pub struct PatchError {
    /// The patch set.
    pub set: String,
    /// The patch's file name.
    pub patch: String,
    /// The file of the kernel.
    pub file: String,
    /// Number of the hunk in that file, from 1, where it is known.
    pub hunk: Option<u32>,
    /// The kernel's version.
    pub version: String,
    /// What `patch` said.
    pub log: String,
}

/// The Debian packages that bring what is missing, each once.
fn packages(missing: &[Requirement]) -> String {
    let mut packages: Vec<_> = missing.iter().map(|r| r.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages.join(" ")
}
