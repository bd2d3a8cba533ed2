//! A kernel for an image that nobody knows, at once: one that is there already.

use std::collections::BTreeSet;

use lupine_kernel::KernelImage;
use lupine_needs::map::Map;
use lupine_needs::{Asked, Learned, Lookup, Need, State, Tables, needs_of};
use miette::Result;

use crate::cli::{BuildOptions, ProfileChoice};
use crate::discovery::reachable;
use crate::pipeline::{Pipeline, Prepared};

/// The smallest kernel in the cache that has what the image's code can ask for, as far as the
/// general kernel has it. `None` where there is none, where not all code was seen, or where the
/// user wants a kernel of a kind.
///
/// # Errors
/// Those of the needs, kconfig and kernel stages.
pub fn at_once(
    pipeline: &Pipeline<'_>,
    prepared: &Prepared,
    options: &BuildOptions,
) -> Result<Option<KernelImage>> {
    if is_particular(options) {
        return Ok(None);
    }
    let reachable = reachable(prepared);
    if reachable.hidden {
        return Ok(None);
    }
    let learned = Learned {
        needs: needs(
            &pipeline.general_options(prepared, options)?,
            reachable.asked,
        )?,
        minimized: true,
    };
    let wanted = pipeline.configure(prepared, options, learned)?;
    let found = lupine_kernel::smallest(pipeline.store, &wanted.merged, &pipeline.data)?;
    Ok(found)
}

/// Whether flags say more of the kernel than the image does.
fn is_particular(options: &BuildOptions) -> bool {
    let kernel = &options.kernel;
    kernel.profile != ProfileChoice::App
        || kernel.tiny
        || kernel.trim_syscalls
        || kernel.kml.is_some()
        || !kernel.options.is_empty()
        || !kernel.features.is_empty()
        || !kernel.source.patch_sets.is_empty()
        || kernel.source.kernel_source != "debian"
}

/// What the code can ask for, without options that the general kernel has not got either.
fn needs(general: &BTreeSet<String>, reachable: Vec<Asked>) -> Result<Vec<Need>> {
    let (tables, map) = (Tables::builtin()?, Map::builtin()?);
    let lookup = Lookup {
        tables: &tables,
        map: &map,
    };
    let asked = reachable.into_iter().map(|one| Asked {
        state: State::Used,
        ..one
    });
    let mut needs = needs_of(lookup, &asked.collect::<Vec<_>>());
    for need in &mut needs {
        need.options.retain(|s| general.contains(&s.option));
    }
    needs.retain(|need| !need.options.is_empty());
    Ok(needs)
}
