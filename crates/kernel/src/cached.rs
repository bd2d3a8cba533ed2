//! Kernels that are there already and have more than was asked for.

use std::fs;

use lupine_kconfig::{Allowed, DotConfig, Merged, Value};
use lupine_store::Store;

use crate::build::{KERNELS, open};
use crate::resolve::allowed;
use crate::{Data, KernelError, KernelImage, patches};

/// Names the only system calls that a kernel has; all if empty (patch set `size`).
const CALLS: &str = "CONFIG_X86_64_SYSCALLS";

/// The smallest kernel in the store that has all that `merged` turns on, of the pinned version with
/// the patches that every kernel gets. What is to be off may be on in it.
///
/// # Errors
/// When the store cannot be read.
pub fn smallest(
    store: &Store,
    merged: &Merged,
    data: &Data,
) -> Result<Option<KernelImage>, KernelError> {
    let allowed = allowed(data)?;
    let patches = patches::select(data, &[])?;
    let names: Vec<String> = patches
        .iter()
        .map(|(set, patch)| format!("{set}/{}", patch.name))
        .collect();
    let keys = store.keys(KERNELS)?;
    let kernels = keys
        .iter()
        .filter_map(|key| open(&store.get(KERNELS, key)?));
    let fitting = kernels.filter(|kernel| {
        let metadata = &kernel.metadata;
        metadata.source_sha256 == data.pin.sha256
            && metadata.patches == names
            && has(kernel, merged, &allowed)
    });
    Ok(fitting.min_by_key(|kernel| kernel.metadata.vmlinux.bytes))
}

/// Whether the kernel has all that is turned on.
fn has(kernel: &KernelImage, merged: &Merged, allowed: &Allowed) -> bool {
    let text = fs::read_to_string(&kernel.config).unwrap_or_default();
    let Ok(config) = DotConfig::parse(&text) else {
        return false;
    };
    has_calls(&config, merged) && has_options(&config, merged, allowed)
}

/// Whether it has every system call, or those that were named.
fn has_calls(config: &DotConfig, merged: &Merged) -> bool {
    let named = config.get(CALLS).filter(|names| *names != "\"\"");
    let wanted = merged.requests.get(CALLS);
    named.is_none_or(|names| {
        wanted.is_some_and(|request| request.value == Value::Literal(names.into()))
    })
}

fn has_options(config: &DotConfig, merged: &Merged, allowed: &Allowed) -> bool {
    merged.requests.iter().all(|(option, request)| {
        let got = config.get(option);
        match &request.value {
            Value::No => true,
            _ if allowed.drops.contains_key(option) => true,
            Value::Yes => got == Some("y"),
            Value::Literal(text) => got == Some(text),
        }
    })
}
