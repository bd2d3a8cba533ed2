//! What a VMM has to be able to do: [`Vmm`].

use std::fmt;

use lupine_tool::Tool;

use crate::{Accelerator, VmError, VmSpec};

/// A VMM, as far as booting needs to know it. Its sockets (`control.sock`,
/// `terminal.sock`, `marks.sock`) and `kernel.log` lie in [`VmSpec::dir`],
/// which is the VMM's working directory.
pub trait Vmm: fmt::Debug + Send + Sync {
    /// Its name, as `--vmm` takes it.
    fn name(&self) -> &'static str;

    /// The command that boots `spec`, not yet started.
    ///
    /// # Errors
    /// A value that the VMM's options cannot carry.
    fn command(&self, spec: &VmSpec, accelerator: Accelerator) -> Result<Tool, VmError>;
}
