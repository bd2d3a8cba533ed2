//! Images: from a reference to layers by digest to one tree of files.
//!
//! [`load`] turns any [`ImageRef`] into an OCI manifest, a configuration and
//! layer blobs in the store, pulled or made only when they are not there.
//! [`flatten`] applies the layers in memory to one [`Tree`]. File contents are
//! written below numbers, never below names that a layer chose, so that no
//! layer can write outside its tree. [`program`] says what `execve` would meet.
//!
//! ```text
//! STORE/blobs/sha256-HEX       manifests, configurations, layers; verified
//! STORE/references/HEX.json    which manifest a reference last meant
//! STORE/partial/sha256-HEX     a blob whose transfer was interrupted
//! STORE/trees/HEX              one flattened image: an index and numbered files
//! ```

mod apply;
mod blob;
mod deb;
mod directory;
mod error;
mod flatten;
mod image;
mod layer;
mod layout;
mod load;
mod manifest;
mod path;
mod program;
mod record;
mod reference;
mod registry;
mod tarball;
mod tree;
mod walk;

pub use error::{ImageError, RegistryError};
pub use flatten::flatten;
pub use image::{Image, Layer, Proto};
pub use load::{Limits, LoadOptions, Pull, load};
pub use program::{Link, Program, program};
pub use record::{ImageRecord, forget, list};
pub use reference::{DockerRef, ImageRef};
pub use tree::{Kind, Node, Tree};
