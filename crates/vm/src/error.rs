//! Why a guest could not be booted at all.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use lupine_store::StoreError;
use lupine_tool::ToolError;

/// Something that is wrong before a guest runs. What happens to a running
/// guest is an [`crate::End`], not an error.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum VmError {
    /// A published host port is taken.
    #[error("{protocol} port {ip}:{port} is in use or not allowed: {source}")]
    #[diagnostic(help(
        "publish another host port, or 0 for any free one; `ss -tulpn` shows who holds it"
    ))]
    PortInUse {
        /// Host address.
        ip: Ipv4Addr,
        /// Host port.
        port: u16,
        /// `tcp` or `udp`.
        protocol: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// KVM was asked for and does not work here.
    #[error("KVM does not work here: {why}")]
    #[diagnostic(help("leave out --accel kvm: --accel auto falls back to TCG by itself"))]
    NoKvm {
        /// What the probe found.
        why: String,
    },
    /// The guest's memory cannot hold the kernel.
    #[error("{mem_mib} MiB of memory is too small: this kernel alone occupies {needed_mib} MiB")]
    #[diagnostic(help(
        "give the guest at least -m {}m, and more for the application",
        needed_mib + 4
    ))]
    MemoryTooSmall {
        /// What was asked for.
        mem_mib: u32,
        /// Where the kernel's last segment ends, rounded up.
        needed_mib: u32,
    },
    /// The kernel file is none that can be booted this way.
    #[error("{} is no kernel that QEMU can boot directly: {why}", path.display())]
    #[diagnostic(help("give an x86-64 ELF vmlinux built with CONFIG_PVH=y"))]
    Kernel {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The kernel's command line cannot carry this word to a program without init.
    #[error("without init the kernel cannot pass `{word}` to the program: {why}")]
    #[diagnostic(help("use init (the default), which takes any arguments"))]
    BareWord {
        /// The word.
        word: String,
        /// Why not.
        why: &'static str,
    },
    /// A file name or address that the VMM's option syntax cannot carry.
    #[error("{what} `{value}` cannot be given to {vmm}")]
    #[diagnostic(help("rename it"))]
    Unspeakable {
        /// What it is.
        what: &'static str,
        /// The value.
        value: String,
        /// The VMM.
        vmm: &'static str,
    },
    /// The specification does not fit a frame.
    #[error(
        "the command, environment, mounts and rules do not fit into one message to the guest: {why}"
    )]
    #[diagnostic(help("shorten the environment, or refuse less at once"))]
    SpecTooLarge {
        /// What the encoder said.
        why: String,
    },
    /// A socket or file of the run directory.
    #[error("cannot {what} {}: {source}", path.display())]
    #[diagnostic(help("check that the directory exists and is writable"))]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The VMM is missing or cannot be started.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Tool(#[from] ToolError),
    /// The store.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
}
