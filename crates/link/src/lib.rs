//! From a program's files to a kernel that has the program in it (Unikernel Linux, docs/ukl.md).
//!
//! ```text
//! Program { sources, objects, archives, arguments } --prepare--> Object   one file, all names local
//! Object + what is left of a kernel's build ---------link------> vmlinux  in one run of the linker
//! ```
//!
//! What the program leaves undefined is the kernel's, if it is one of [`Imports`]. `<ukl.h>` declares those.

mod arguments;
mod error;
mod fault;
mod gate;
mod imports;
mod kernel;
mod libc;
mod linked;
mod object;
mod prepare;
mod script;

pub use arguments::encode;
pub use error::{LinkError, Wanted};
pub use fault::{Place, fault, names};
pub use imports::{Import, Imports};
pub use kernel::{Vmlinux, link};
pub use libc::Libc;
pub use linked::Linked;
pub use prepare::{Object, Program, prepare};
