//! QEMU's microvm machine: [`Qemu`].

use lupine_tool::Tool;

use crate::{Accelerator, VmError, VmSpec, Vmm};

/// QEMU's `microvm` machine: virtio-mmio, direct boot of a vmlinux by PVH.
#[derive(Debug, Clone, Copy, Default)]
pub struct Qemu;

impl Vmm for Qemu {
    fn name(&self) -> &'static str {
        "qemu"
    }

    fn command(&self, spec: &VmSpec, _accelerator: Accelerator) -> Result<Tool, VmError> {
        Ok(Tool::new("qemu-system-x86_64").current_dir(&spec.dir))
    }
}
