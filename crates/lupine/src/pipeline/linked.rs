//! Kernels that have room for a program of their own.

use lupine_kconfig::{Value, merge};
use lupine_kernel::{Formats, KernelImage};
use lupine_needs::{Learned, Machine, Profile, Subject, Tables, derive};
use miette::Result;

use super::{DEFAULT_FORMAT, Pipeline, kernel_value};
use crate::cli::{LinkArgs, Part};

/// Features of the whole kernel: programs at CPL 0, one of them linked in.
const FEATURES: [&str; 3] = ["no-mitigations", "kml", "ukl"];
/// Patch sets besides those of every kernel.
const PATCH_SETS: [&str; 2] = ["kml", "ukl"];

impl Pipeline<'_> {
    /// The kernel that begins at the address `start` and has `options`, with what nearly every
    /// program needs and a network card.
    ///
    /// # Errors
    /// Those of the needs, kconfig and kernel stages.
    pub fn kernel_for_program(
        &self,
        start: u64,
        options: &[String],
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
        let start = [(
            "CONFIG_PHYSICAL_START".into(),
            kernel_value(&format!("{start:#x}")),
        )];
        let imported = options.iter().map(|o| (format!("CONFIG_{o}"), Value::Yes));
        let asked = args.options.iter();
        let asked = asked.map(|(name, value)| (name.clone(), kernel_value(value)));
        let user: Vec<_> = start.into_iter().chain(imported).chain(asked).collect();
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
