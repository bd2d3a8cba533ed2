//! Boots a virtual machine and tells how it went: [`boot`] gives a [`Guest`].
//!
//! The crate knows kernels and root file systems as files, and nothing of how
//! they were built. [`Qemu`] is the VMM; [`accelerator`] finds out by running
//! code whether KVM works on this host.

mod accel;
mod bare;
mod classify;
mod console;
mod control;
mod end;
mod error;
mod guest;
mod kernel;
mod klog;
mod port;
mod probe;
mod qemu;
mod read;
mod sockets;
mod spec;
mod supervise;
mod vmm;

pub use accel::{Accel, AccelChoice, Accelerator, accelerator, distrust_kvm};
pub use console::ConsoleWriter;
pub use control::{Controls, StdinWriter};
pub use end::{End, Outcome};
pub use error::VmError;
pub use guest::{Event, Guest, Mark, boot};
pub use qemu::{NO_ROOT, Qemu};
pub use spec::{NetworkSpec, Parameters, Publish, Share, VmSpec, settle_ports};
pub use vmm::Vmm;
