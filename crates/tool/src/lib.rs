//! The only place that spawns host programs.
//!
//! A [`Tool`] is an argv with a time limit, a log file and a death wish: the
//! child is put into a process group of its own, is killed when its handle is
//! dropped, and asks the kernel (through util-linux's `setpriv`) to be killed
//! when Lupine itself dies, so that no `make` and no VMM is left behind.
#![allow(clippy::disallowed_types, reason = "this is the one crate that may")]

mod error;
mod guest;
mod missing;
mod progress;
mod running;
mod spawn;

pub use error::ToolError;
pub use guest::build_guest;
pub use missing::package_of;
pub use progress::{Progress, Quiet};
pub use running::{Running, ToolOutput};
pub use spawn::{Tool, find};
