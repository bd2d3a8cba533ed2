//! From what is asked of a kernel to a kernel.
//!
//! ```text
//! Needs, VMM, features, options --fragments--> [Fragment] --kconfig::merge--> Merged
//! Merged --resolve--> Resolved      the kernel's own Kconfig, then kconfig::check
//! Merged --build----> KernelImage   vmlinux, bzImage, .config, metadata.json
//! ```
//!
//! In the store, all content-addressed but `builds` and `ccache`:
//!
//! ```text
//! sources/KEY    an unpacked source with its patches applied
//! builds/KEY     the working place of one source and one compiler: objects of the last build
//! kernels/KEY    finished kernels
//! requests/KEY   what a request came to: a kernel's key, a file's digest
//! symbols/KEY    what a source's Kconfig files say, for explanations
//! ccache         objects by what the preprocessor made of their source
//! ```

mod build;
mod cached;
mod data;
mod error;
mod failure;
mod fragments;
mod identity;
mod make;
mod metadata;
mod patches;
mod resolve;
mod source;
mod symbols;
mod toolchain;
mod tree;
mod workspace;

pub use build::{
    Formats, KernelImage, Options, baseline, build, find, guest_defconfig, of_config, open,
};
pub use cached::smallest;
pub use data::{Data, Patch, PatchSet, Pin};
pub use error::{KernelError, PatchError};
pub use fragments::fragments;
pub use metadata::{Durations, FileRecord, Metadata, Objects};
pub use patches::NO_PATCHES;
pub use resolve::{Resolved, resolve};
pub use source::{SourceSpec, SourceTree, download, source_tree};
pub use symbols::symbols;
pub use toolchain::{Requirement, requirements};
