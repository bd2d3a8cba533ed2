//! image -> needs -> kconfig -> kernel -> rootfs -> bundle: what the building verbs share.

mod baseline;
mod calls;
mod command;
mod files;
mod general;
mod linked;
mod output;
mod path;
mod programs;
mod rootfs;
mod subject;

use std::fs::File;
use std::time::{Duration, Instant};

use lupine_image::{Image, ImageRef, LoadOptions, Pull, Tree};
use lupine_init::GuestSpec;
use lupine_kconfig::{Merged, Value, merge};
use lupine_kernel::{Data, Formats, KernelImage, Options, Resolved, SourceSpec};
use lupine_needs::{Learned, Machine, Needs, Tables};
use lupine_rootfs::Format;
use lupine_scan::{Scan, Start};
use lupine_store::{At, Store};
use miette::{Result, WrapErr, miette};

use crate::cli::{BuildOptions, FetchOptions, Part, ProfileChoice, PullPolicy, SourceOptions};
use crate::manifest::Saved;
use crate::printer;
use crate::progress::Reporter;
use crate::state::State;

pub use baseline::{Purpose, is_config, name_of};
pub use calls::SYSTEM_CALLS;
pub use command::command_line;
use command::default_spec;
use files::ImageFiles;
pub use linked::link_into;
pub use output::copy_out;
use path::reject_path;
pub use programs::sha256;

/// Steps shorter than this need no word about where their result lies.
const WORTH_A_LINE: Duration = Duration::from_secs(2);
/// Memory in MiB of a guest whose application asks for no more.
pub const MEM_MIB: u32 = 512;
/// Format of the root file system unless `--fs` says otherwise.
const DEFAULT_FORMAT: Format = Format::Ext2;
/// What building verbs work with.
pub struct Pipeline<'a> {
    /// The cache.
    pub store: &'a Store,
    /// Where people read.
    pub reporter: &'a Reporter,
    /// Fragments and where the kernel comes from.
    pub data: Data,
    /// What runs of applications have shown.
    pub saved: Saved,
    /// Keeps the cache from being pruned meanwhile.
    _in_use: File,
}

/// An image, and what its kernel shall be.
#[derive(Clone)]
pub struct Prepared {
    /// The image.
    pub image: Image,
    /// Its files.
    pub tree: Tree,
    /// How PID 1 runs it unless told otherwise.
    pub spec: GuestSpec,
    /// What it needs.
    pub needs: Needs,
    /// The requests that come of it.
    pub merged: Merged,
    /// Format of the root file system.
    pub format: Format,
}

impl Prepared {
    /// What the files behind the command can ask the kernel for.
    pub fn scan(&self) -> Scan {
        let start = Start {
            argv: self.spec.argv.clone(),
            env: self.spec.env.clone(),
            cwd: self.spec.cwd.clone(),
            ..Start::default()
        };
        lupine_scan::scan(&ImageFiles::new(&self.tree), &start)
    }
}

/// Takes part in the use of the cache until dropped.
///
/// # Errors
/// When the lock cannot be made.
pub fn use_cache(store: &Store) -> Result<File> {
    let path = store.root().join("locks").join("in-use");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .at("open", &path)?;
    file.lock_shared().at("lock", &path)?;
    Ok(file)
}

impl<'a> Pipeline<'a> {
    /// A pipeline on `store`.
    ///
    /// # Errors
    /// When the store's lock cannot be made.
    pub fn new(store: &'a Store, reporter: &'a Reporter) -> Result<Self> {
        Ok(Self {
            store,
            reporter,
            data: Data::builtin()?,
            saved: Saved::of(&State::open()?),
            _in_use: use_cache(store)?,
        })
    }

    /// Loads an image.
    ///
    /// # Errors
    /// The image stage's.
    pub fn load(&self, reference: &str, fetch: &FetchOptions) -> Result<Image> {
        reject_path(reference)?;
        let reference: ImageRef = reference.parse()?;
        Ok(lupine_image::load(
            self.store,
            &reference,
            &self.load_options(fetch),
        )?)
    }

    fn load_options(&self, fetch: &FetchOptions) -> LoadOptions<'_> {
        LoadOptions {
            pull: match fetch.pull {
                PullPolicy::Missing => Pull::Missing,
                PullPolicy::Always => Pull::Always,
                PullPolicy::Never => Pull::Never,
            },
            progress: self.reporter,
            ..LoadOptions::default()
        }
    }

    /// From an image reference to requests for a kernel. `command` replaces
    /// the image's own; `volumes` and `terminal` ask for what they need.
    ///
    /// # Errors
    /// Those of the image, needs and kconfig stages.
    pub fn prepare(
        &self,
        reference: &str,
        command: &[String],
        options: &BuildOptions,
    ) -> Result<Prepared> {
        let image = self.load(reference, &options.fetch)?;
        let tree = lupine_image::flatten(self.store, &image, &self.load_options(&options.fetch))?;
        self.reporter.finish();
        let format = format(options.fs.as_deref())?;
        let spec = default_spec(&image, command, options.entrypoint.as_deref(), format);
        let prepared = Prepared {
            image,
            tree,
            spec,
            needs: Needs::default(),
            merged: Merged::default(),
            format,
        };
        let learned = self.learned(&prepared, options)?;
        self.configured(prepared, options, learned)
    }

    /// The same image for a kernel of which this is known.
    ///
    /// # Errors
    /// Those of the needs and kconfig stages.
    pub fn configure(
        &self,
        prepared: &Prepared,
        options: &BuildOptions,
        learned: Learned,
    ) -> Result<Prepared> {
        self.configured(prepared.clone(), options, Some(learned))
    }

    fn configured(
        &self,
        mut prepared: Prepared,
        options: &BuildOptions,
        learned: Option<Learned>,
    ) -> Result<Prepared> {
        let mut subject = subject::of(&prepared.image, &prepared.tree, &prepared.spec);
        subject.learned = learned;
        let tables = Tables::builtin()?;
        let format = prepared.format;
        let mut machine = machine(options, format);
        // An application that is known to use no network gets no card, unless this run wants one.
        machine.network &= options.with.contains(&Part::Network)
            || options.kernel.profile != ProfileChoice::App
            || lupine_needs::uses_network(&tables, &subject) != Some(false);
        let mut needs =
            lupine_needs::derive(&tables, &subject, &machine, options.kernel.profile.into());
        if options.kernel.tiny {
            needs = needs.least();
        }
        if trims_calls(options) {
            let has_init = !options.kernel.has_port_console();
            needs.add(calls::need(&prepared, &needs, has_init));
        }
        prepared.merged = self.merge(&needs, options)?;
        prepared.needs = needs;
        Ok(prepared)
    }

    /// What is known of this image and command: from the manifest that was given, or from
    /// earlier runs here.
    fn learned(&self, prepared: &Prepared, options: &BuildOptions) -> Result<Option<Learned>> {
        if let Some(manifest) = &options.manifest {
            let digest = manifest.image.digest.as_ref();
            if digest.is_some_and(|digest| *digest != prepared.image.digest) {
                self.reporter.line(
                    "warning: the image is another one than when its needs were found; find them out again: lupine needs --run",
                );
            }
            return Ok(Some(manifest.learned()));
        }
        let key = Saved::key(&prepared.image.digest, &prepared.spec.argv);
        Ok(self.saved.find(&key)?.map(|manifest| manifest.learned()))
    }

    fn merge(&self, needs: &Needs, options: &BuildOptions) -> Result<Merged> {
        let features = options.kernel.all_features();
        let user: Vec<(String, Value)> = options
            .kernel
            .options
            .iter()
            .map(|(name, value)| (name.clone(), kernel_value(value)))
            .collect();
        let vmm = &options.kernel.vmm;
        let fragments = lupine_kernel::fragments(&self.data, needs, vmm, &features, &user)?;
        Ok(merge(&fragments)?)
    }

    /// The kernel for these requests.
    ///
    /// # Errors
    /// The kernel stage's.
    pub fn kernel(
        &self,
        prepared: &Prepared,
        options: &BuildOptions,
        bzimage: bool,
    ) -> Result<KernelImage> {
        let started = Instant::now();
        if let Some(line) = options.kernel.given_up() {
            self.reporter.line(line);
        }
        let from = options.kernel.whole_source();
        let source = from.kernel_source.parse()?;
        let build = self.kernel_options(&source, &from, Formats { bzimage });
        let kernel = lupine_kernel::build(self.store, &prepared.merged, &build)?;
        self.reporter.finish();
        let metadata = &kernel.metadata;
        let line = format!(
            "kernel: Linux {}, {}, {} options, in {}",
            metadata.version,
            printer::size(metadata.vmlinux.bytes),
            metadata.options_set,
            kernel.dir.display()
        );
        self.where_it_lies(&line, started);
        Ok(kernel)
    }

    /// The resolved config for these requests.
    ///
    /// # Errors
    /// The kernel stage's.
    pub fn resolve(&self, prepared: &Prepared, options: &BuildOptions) -> Result<Resolved> {
        let from = options.kernel.whole_source();
        let source = from.kernel_source.parse()?;
        let build = self.kernel_options(&source, &from, Formats::default());
        Ok(lupine_kernel::resolve(
            self.store,
            &prepared.merged,
            &build,
        )?)
    }

    fn kernel_options<'o>(
        &'o self,
        source: &'o SourceSpec,
        from: &'o SourceOptions,
        formats: Formats,
    ) -> Options<'o> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Options {
            data: &self.data,
            source,
            patch_sets: &from.patch_sets,
            jobs: from.jobs.map_or(processors, usize::from),
            formats,
            progress: self.reporter,
        }
    }

    /// How PID 1 runs the image when nobody says otherwise.
    pub fn own_spec(&self, prepared: &Prepared) -> GuestSpec {
        default_spec(&prepared.image, &[], None, prepared.format)
    }

    fn where_it_lies(&self, line: &str, started: Instant) {
        if started.elapsed() >= WORTH_A_LINE {
            self.reporter.line(line);
        } else {
            self.reporter.detail(line);
        }
    }
}

/// The format that `--fs` names, or the default.
///
/// # Errors
/// Never for what the command line lets through.
pub fn format(name: Option<&str>) -> Result<Format> {
    match name {
        None => Ok(DEFAULT_FORMAT),
        Some(name) => name
            .parse()
            .map_err(|error| miette!("{error}"))
            .wrap_err("--fs"),
    }
}

/// Whether the kernel has only the system calls that the image can make.
fn trims_calls(options: &BuildOptions) -> bool {
    let kernel = &options.kernel;
    let is_asked = kernel.tiny || kernel.trim_syscalls;
    is_asked && kernel.profile == ProfileChoice::App && !options.is_recorded
}

fn machine(options: &BuildOptions, format: Format) -> Machine {
    let has = |part| options.with.contains(&part);
    Machine {
        fs: format.to_string(),
        network: !has(Part::NoNetwork),
        volumes: has(Part::Volumes),
        cpus: options.cpus,
        terminal: has(Part::Terminal),
        vmm: options.kernel.vmm.clone(),
    }
}

fn kernel_value(text: &str) -> Value {
    match text {
        "y" => Value::Yes,
        "n" => Value::No,
        other => Value::Literal(other.into()),
    }
}
