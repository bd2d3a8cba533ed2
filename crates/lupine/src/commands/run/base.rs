//! What a run starts from: a bundle that is there, or one that is put together now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lupine_bundle::Bundle;
use lupine_image::Link;
use lupine_init::GuestSpec;
use lupine_kernel::KernelImage;
use lupine_link::Linked;
use lupine_needs::{Need, Needs, Source, State};
use lupine_rootfs::Rootfs;
use lupine_store::Store;
use miette::{Result, miette};

use super::served;
use crate::application::Application;
use crate::cli::{Network, RunOptions};
use crate::manifest::Saved;
use crate::pipeline::{MEM_MIB, Pipeline, Prepared, SYSTEM_CALLS, command_line};
use crate::progress::Reporter;
use crate::state::{KernelStats, RootfsStats, Stats};

/// What a run starts from.
#[derive(Debug, Default)]
pub struct Base {
    /// Image as the user named it.
    pub image: String,
    /// Digest of its manifest.
    pub digest: String,
    /// How init runs it, before run's own flags.
    pub spec: GuestSpec,
    /// A program that the kernel starts directly.
    pub bare: Option<Vec<String>>,
    /// The program is in the kernel.
    pub linked: bool,
    /// Memory unless `-m` says otherwise.
    pub mem_mib: u32,
    /// The image's stop signal.
    pub stop_signal: Option<String>,
    /// The image's labels.
    pub labels: BTreeMap<String, String>,
    /// The kernel drives a network card.
    pub network: bool,
    /// Kernel and root file system.
    pub stats: Stats,
    /// How to make the kernel, unless it came from a bundle.
    pub application: Option<Application>,
    /// What the kernel was made for, the machine apart.
    pub needs: Vec<Need>,
    /// Options that the application is known to do without.
    pub dispensable: BTreeSet<String>,
    /// What the general kernel has.
    pub general: BTreeSet<String>,
    /// Nothing is known of the application: its kernel is the general one.
    pub unknown: bool,
}

impl Base {
    /// Opens the bundle that `image` names, or goes through the pipeline.
    ///
    /// # Errors
    /// Any stage's.
    pub fn find(
        store: &Store,
        reporter: &Reporter,
        image: &str,
        command: &[String],
        options: &RunOptions,
    ) -> Result<Self> {
        let dir = Path::new(image);
        if let Some(linked) = Linked::of(dir) {
            return Self::of_linked(image, &linked, command, options);
        }
        if options.rootfs.is_some() {
            return Err(miette!(
                help = "leave out --rootfs: the image's own is packed by itself",
                "--rootfs is for kernels that lupine link made, and {image} is none"
            ));
        }
        let base = if lupine_bundle::is_bundle(dir) {
            Self::of_bundle(&lupine_bundle::open(dir)?, image, command, options)?
        } else {
            Self::of_image(&Pipeline::new(store, reporter)?, image, command, options)?
        };
        if base.spec.argv.is_empty() {
            return Err(miette!(
                help = format!("say what to run: lupine run {image} COMMAND"),
                "{image} does not say what to run"
            ));
        }
        Ok(base)
    }

    fn of_image(
        pipeline: &Pipeline<'_>,
        image: &str,
        command: &[String],
        options: &RunOptions,
    ) -> Result<Self> {
        let prepared = pipeline.prepare(image, command, &options.build)?;
        if prepared.spec.argv.is_empty() {
            return Ok(Self::default());
        }
        let bare = match options.no_init {
            true => Some(bare(&prepared)?),
            false => None,
        };
        let unknown = is_unknown(&prepared.needs);
        let kernel = kernel(pipeline, &prepared, unknown, options)?;
        // The image's own command is packed, so that other commands share the file.
        let own = pipeline.own_spec(&prepared);
        let rootfs = pipeline.rootfs(&prepared, &own, &options.build)?;
        let application = Application {
            key: Saved::key(&prepared.image.digest, &prepared.spec.argv),
            image: image.into(),
            command: command.to_vec(),
            build: options.build.clone(),
            app: options.app.clone(),
        };
        Ok(Self {
            image: image.into(),
            digest: prepared.image.digest.clone(),
            bare,
            linked: false,
            mem_mib: prepared.needs.mem_mib.unwrap_or_default().max(MEM_MIB),
            stop_signal: prepared.image.stop_signal(),
            labels: prepared.image.labels(),
            network: prepared.needs.get("net").is_some(),
            needs: own_needs(&prepared.needs),
            dispensable: dispensable(&prepared.needs),
            general: pipeline.general_options(&prepared, &options.build)?,
            unknown,
            application: Some(application.without_terminal()),
            spec: prepared.spec,
            stats: stats_of(&kernel, &rootfs, &options.build.kernel.vmm),
        })
    }

    fn of_bundle(
        bundle: &Bundle,
        place: &str,
        command: &[String],
        options: &RunOptions,
    ) -> Result<Self> {
        let manifest = &bundle.manifest;
        check_bundle(bundle, options)?;
        let mut spec = manifest.spec.clone();
        if options.build.entrypoint.is_some() || !command.is_empty() {
            let entrypoint = options.build.entrypoint.as_deref();
            // Which words were the image's entry point is in its runtime facts.
            let fixed = manifest.entrypoint.clone();
            spec.argv = command_line(fixed, Vec::new(), entrypoint, command);
        }
        Ok(Self {
            image: place.into(),
            digest: manifest.image.digest.clone(),
            bare: options.no_init.then(|| spec.argv.clone()),
            mem_mib: manifest.mem_mib.unwrap_or(MEM_MIB),
            stop_signal: manifest.stop_signal.clone(),
            labels: manifest.labels.clone(),
            network: features(bundle).contains(&"net"),
            spec,
            stats: stats_of_bundle(bundle),
            ..Self::default()
        })
    }
}

/// The image's kernel; for an unknown application one that is there, if it will do.
fn kernel(
    pipeline: &Pipeline<'_>,
    prepared: &Prepared,
    unknown: bool,
    options: &RunOptions,
) -> Result<KernelImage> {
    let served = match unknown {
        true => served::at_once(pipeline, prepared, &options.build)?,
        false => None,
    };
    match served {
        Some(kernel) => Ok(kernel),
        None => pipeline.kernel(prepared, &options.build, false),
    }
}

/// Whether the kernel has what the general one has, for want of knowledge.
fn is_unknown(needs: &Needs) -> bool {
    needs.needs.iter().any(|need| need.state == State::Assumed)
}

/// What is known of the application itself.
fn own_needs(needs: &Needs) -> Vec<Need> {
    let is_own = |need: &&Need| {
        !matches!(need.state, State::Shared | State::Assumed)
            && need.feature != SYSTEM_CALLS
            && need.evidence.iter().any(|e| e.source != Source::Machine)
    };
    needs.needs.iter().filter(is_own).cloned().collect()
}

/// Options that the application is known to do without.
fn dispensable(needs: &Needs) -> BTreeSet<String> {
    let optional = needs.needs.iter().filter(|n| n.state == State::Optional);
    optional
        .flat_map(|need| need.options.iter().map(|s| s.option.clone()))
        .collect()
}

fn stats_of(kernel: &KernelImage, rootfs: &Rootfs, vmm: &str) -> Stats {
    Stats {
        kernel: KernelStats {
            key: kernel.key.clone(),
            path: kernel.vmlinux.clone(),
            bytes: kernel.metadata.vmlinux.bytes,
            options: kernel.metadata.options_set,
            version: kernel.metadata.version.clone(),
        },
        rootfs: RootfsStats {
            key: rootfs.key.clone(),
            path: rootfs.path.clone(),
            format: rootfs.format.to_string(),
            bytes: rootfs.bytes,
        },
        vmm: vmm.into(),
        ..Stats::default()
    }
}

fn stats_of_bundle(bundle: &Bundle) -> Stats {
    let manifest = &bundle.manifest;
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    Stats {
        kernel: KernelStats {
            key: manifest.kernel.key.clone(),
            path: absolute(bundle.kernel()),
            bytes: manifest.kernel.vmlinux.bytes,
            options: manifest.kernel.options_set,
            version: manifest.kernel.version.clone(),
        },
        rootfs: RootfsStats {
            key: manifest.rootfs.key.clone(),
            path: absolute(bundle.rootfs()),
            format: manifest.rootfs.format.clone(),
            bytes: manifest.rootfs.image.bytes,
        },
        vmm: manifest.vmm.clone(),
        ..Stats::default()
    }
}

/// The program that the kernel starts itself: static, with its full path.
///
/// # Errors
/// A program that is a script, linked dynamically, or not there.
pub fn bare(prepared: &Prepared) -> Result<Vec<String>> {
    let spec = &prepared.spec;
    let program = lupine_image::program(&prepared.tree, &spec.argv, &spec.env, &spec.cwd);
    let (path, is_static) = match program.chain.as_slice() {
        [
            Link::Elf {
                path, is_static, ..
            },
        ] => (path, *is_static),
        [Link::Script { path, .. }, ..] => {
            return Err(miette!(
                help = "leave out --no-init",
                "{path} is a script: --no-init is for one static program"
            ));
        }
        _ => {
            let why = program.problem.unwrap_or_else(|| "it is not there".into());
            return Err(miette!("--no-init cannot start {}: {why}", spec.argv[0]));
        }
    };
    if !is_static {
        return Err(miette!(
            help = "leave out --no-init, or link it statically",
            "{path} is linked dynamically: --no-init is for one static program"
        ));
    }
    let mut words = spec.argv.clone();
    words[0].clone_from(path);
    Ok(words)
}

/// Features of a bundle's kernel.
fn features(bundle: &Bundle) -> Vec<&str> {
    bundle.manifest.needs["needs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|need| need["feature"].as_str())
        .collect()
}

/// A bundle's kernel was made without knowing this run's flags.
fn check_bundle(bundle: &Bundle, options: &RunOptions) -> Result<()> {
    let manifest = &bundle.manifest;
    let place = bundle.dir.display();
    if manifest.vmm != "qemu" {
        return Err(miette!(
            help = "build it again without --vmm",
            "the kernel in {place} is for {}, and only qemu is driven so far",
            manifest.vmm
        ));
    }
    let features = features(bundle);
    let wanted = [
        (
            "-v",
            "9p",
            "--with volumes ",
            !options.app.volume.is_empty(),
        ),
        ("-t", "devpts", "--with terminal ", options.tty),
        ("--cpus", "smp", "--cpus N ", options.build.cpus > 1),
        ("-p", "net", "--with network ", !options.publish.is_empty()),
        (
            "--network tap",
            "net",
            "--with network ",
            matches!(options.network, Network::Tap(_)),
        ),
    ];
    for (flag, feature, with, wanted) in wanted {
        if wanted && !features.contains(&feature) {
            return Err(miette!(
                help = format!("build it again: lupine build {with}-o {place} IMAGE"),
                "{flag} needs the kernel feature {feature}, which the kernel in {place} was built without"
            ));
        }
    }
    Ok(())
}
