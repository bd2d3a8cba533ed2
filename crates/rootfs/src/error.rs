//! Why a root file system could not be packed.

use lupine_store::StoreError;
use lupine_tool::ToolError;

use crate::Format;

/// Why a root file system could not be packed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RootfsError {
    /// Not a [`Format`].
    #[error("unknown root file system {name:?}")]
    #[diagnostic(help("choose one of ext2, ext4, erofs, squashfs, cpio"))]
    UnknownFormat {
        /// What was asked for.
        name: String,
    },
    /// The image has something that the format cannot hold.
    #[error("{format} cannot hold {path}: {why}")]
    #[diagnostic(help("choose another root file system, for example: --fs ext4"))]
    Unfit {
        /// The format.
        format: Format,
        /// The entry, as a path in the guest.
        path: String,
        /// The limit.
        why: String,
    },
    /// A file of the tree is not as its index says.
    #[error("the content of {path} is damaged in the cache: {why}")]
    #[diagnostic(help("forget the image and load it again: lupine rmi IMAGE"))]
    Content {
        /// The entry, as a path in the guest.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The disk that holds the store is full.
    #[error("the disk is full: cannot write the {format} root file system")]
    #[diagnostic(help("free space, for example with: lupine cache prune"))]
    DiskFull {
        /// The format.
        format: Format,
    },
    /// The default specification of the guest could not be encoded.
    #[error("cannot encode the guest's specification: {why}")]
    #[diagnostic(help("this is a defect of lupine: please report it with the command"))]
    Spec {
        /// What the encoder met.
        why: String,
    },
    /// A host program did not do its work.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Tool(#[from] ToolError),
    /// A file operation failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
}
