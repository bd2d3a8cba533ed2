//! The contract between building and running: a directory with a kernel, a root
//! file system, `lupine.json` and an OCI runtime configuration.
//!
//! ```text
//! DIR/lupine.json    the manifest: names, sizes and digests of the files below, how to run them
//! DIR/config.json    the same application as an OCI runtime configuration, for other runtimes
//! DIR/vmlinux        the kernel (and bzImage, where one was made)
//! DIR/kernel.config  its resolved config
//! DIR/System.map     its symbols
//! DIR/kernel.files   the source files that are compiled into it
//! DIR/rootfs.FORMAT  the root file system
//! ```
//!
//! The files may be hard links into Lupine's cache: whoever boots a bundle must
//! not write to its root file system.

mod assemble;
mod digest;
mod error;
mod manifest;
mod open;
mod runtime;

pub use assemble::{KernelFiles, Parts, RootfsFile, assemble};
pub use error::BundleError;
pub use manifest::{
    ChangedFile, ExposedPort, ImageName, KernelPart, MANIFEST, Manifest, Member, RUNTIME_CONFIG,
    RootfsPart, VERSION,
};
pub use open::{Bundle, is_bundle, open};
