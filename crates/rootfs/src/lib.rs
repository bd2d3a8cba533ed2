//! Root file systems: a [`lupine_image::Tree`], PID 1 and its default
//! [`GuestSpec`] become an ext2, ext4, erofs, squashfs or cpio image.
//!
//! ext2, ext4, erofs and cpio are written here, straight from the tree's index:
//! no root, no mount, no staging directory, nothing taken from the host's
//! clock, users or directory order, so that equal input gives equal bytes.
//! squashfs goes through `sqfstar`, which reads a tar archive that is made here.
//!
//! An image is a sparse file: room in it costs nothing until it is written to.
//! It lies in the store as `rootfs/KEY` and must not be written to; whoever
//! boots it lets the guest write elsewhere (a snapshot, an overlay, a copy).

mod content;
mod cpio;
mod erofs;
mod error;
mod ext;
mod format;
mod output;
mod pack;
mod plan;
mod squashfs;

pub use error::RootfsError;
pub use format::Format;
pub use pack::{ROOM_MIB, Replaced, Request, Rootfs, pack};
