//! Kernels that have room for a program of their own.

use std::path::Path;

use lupine_kconfig::{Value, merge};
use lupine_kernel::{Formats, KernelImage};
use lupine_link::{Imports, Linked, Object, Vmlinux};
use lupine_needs::{Learned, Machine, Profile, Subject, Tables, derive};
use miette::{Result, miette};

use super::{DEFAULT_FORMAT, Pipeline, kernel_value};
use crate::cli::{LinkArgs, Part};

/// Features of the whole kernel: programs at CPL 0, one of them linked in.
const FEATURES: [&str; 3] = ["no-mitigations", "kml", "ukl"];
/// Patch sets besides those of every kernel.
const PATCH_SETS: [&str; 2] = ["kml", "ukl"];

impl Pipeline<'_> {
    /// The kernel that has room for `object` and what that takes of it, with what nearly every
    /// program needs and a network card.
    ///
    /// # Errors
    /// A program that is too large; those of the needs, kconfig and kernel stages.
    pub fn kernel_for_program(
        &self,
        object: &Object,
        imports: &Imports,
        args: &LinkArgs,
    ) -> Result<KernelImage> {
        let machine = Machine {
            fs: DEFAULT_FORMAT.to_string(),
            network: !args.with.contains(&Part::NoNetwork),
            volumes: args.with.contains(&Part::Volumes),
            terminal: args.with.contains(&Part::Terminal),
            cpus: args.cpus,
            vmm: "qemu".into(),
        };
        let subject = Subject {
            learned: Some(Learned::default()),
            ..Subject::default()
        };
        let needs = derive(&Tables::builtin()?, &subject, &machine, Profile::App);
        let named = FEATURES.iter().map(|name| (*name).to_owned());
        let features: Vec<String> = named.chain(args.features.iter().cloned()).collect();
        let user = asked(object, imports, args)?;
        let merged = merge(&lupine_kernel::fragments(
            &self.data, &needs, "qemu", &features, &user,
        )?)?;
        let mut from = args.source.clone();
        from.patch_sets.extend(PATCH_SETS.map(str::to_owned));
        let source = from.kernel_source.parse()?;
        let build = self.kernel_options(&source, &from, Formats::default());
        let kernel = lupine_kernel::build(self.store, &merged, &build)?;
        self.reporter.finish();
        Ok(kernel)
    }
}

/// Options for this very program: where the kernel begins, what compiles the functions that the program takes, and
/// those of the user.
fn asked(object: &Object, imports: &Imports, args: &LinkArgs) -> Result<Vec<(String, Value)>> {
    let start = format!("{:#x}", object.kernel_start()?);
    let start = [("CONFIG_PHYSICAL_START".into(), kernel_value(&start))];
    let taken = object.imports.iter().filter_map(|name| imports.get(name));
    let imported = taken.filter_map(|import| import.option.as_ref());
    let imported = imported.map(|option| (format!("CONFIG_{option}"), Value::Yes));
    let own = args.options.iter();
    let own = own.map(|(name, value)| (name.clone(), kernel_value(value)));
    Ok(start.into_iter().chain(imported).chain(own).collect())
}

/// Links `object` into its kernel. Works in `dir`.
///
/// # Errors
/// A kernel that was not built for programs; those of the link stage.
pub fn link_into(
    kernel: &KernelImage,
    object: &Object,
    args: &LinkArgs,
    dir: &Path,
) -> Result<Vmlinux> {
    let kit = kernel.link.as_ref().ok_or_else(|| {
        let dir = kernel.dir.display();
        miette!(
            help = "remove it and link again",
            "{dir} has nothing to link programs with"
        )
    })?;
    Ok(lupine_link::link(kit, object, &said(kernel, args), dir)?)
}

/// What the kernel says of itself.
fn said(kernel: &KernelImage, args: &LinkArgs) -> Linked {
    Linked {
        version: kernel.metadata.version.clone(),
        options: kernel.metadata.options_set,
        cpus: args.cpus,
        volumes: args.with.contains(&Part::Volumes),
        network: !args.with.contains(&Part::NoNetwork),
    }
}
