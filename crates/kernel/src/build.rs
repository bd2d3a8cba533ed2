//! From requests to a kernel, by way of everything that is there already.

mod files;
mod finish;
mod kit;
mod objects;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use lupine_kconfig::Merged;
use lupine_store::{At, Store};
use lupine_tool::Progress;

use crate::identity::{Key, recall, remember, sha256};
use crate::make::{self, Make, object_of};
use crate::resolve::{Resolved, Wanted, resolve_with};
use crate::source::{self, SourceId, SourceSpec, SourceTree, identify, key_of};
use crate::toolchain::Toolchain;
use crate::workspace::{self, OutDir};
use crate::{Data, Durations, KernelError, Metadata, Objects, Patch, patches, toolchain};

/// Store kind of finished kernels.
pub(crate) const KERNELS: &str = "kernels";

/// Name, in a kernel's entry, of the list of source files that were compiled.
const FILES: &str = "files.txt";

/// Name, in a kernel's entry, of the directory with what programs are linked into it with.
const LINK: &str = "link";

/// Which files a kernel is wanted as. There is always a `vmlinux`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Formats {
    /// Also a compressed `bzImage`, for loaders that want one.
    pub bzimage: bool,
}

/// How to build.
pub struct Options<'a> {
    /// The embedded data, or another directory's.
    pub data: &'a Data,
    /// Where the source comes from.
    pub source: &'a SourceSpec,
    /// Names of patch sets, in the order of application: they follow the series'
    /// own ([`Pin::patch_sets`](crate::Pin::patch_sets)), which `none` leaves out.
    pub patch_sets: &'a [String],
    /// How many compilers run at once.
    pub jobs: usize,
    /// Which files are wanted.
    pub formats: Formats,
    /// Who is told what goes on.
    pub progress: &'a dyn Progress,
}

/// A finished kernel in the store.
#[derive(Debug, Clone)]
pub struct KernelImage {
    /// Its key: configuration, source, patches, compiler and formats.
    pub key: String,
    /// The store's entry.
    pub dir: PathBuf,
    /// The kernel, stripped; starts by PVH where CONFIG_PVH is set.
    pub vmlinux: PathBuf,
    /// The compressed kernel, when it was asked for.
    pub bzimage: Option<PathBuf>,
    /// The resolved configuration.
    pub config: PathBuf,
    /// `System.map`: every symbol, a line each.
    pub symbols: Option<PathBuf>,
    /// `files.txt`: the source files that are compiled in, a line each. Kernels made before
    /// lupine kept this list have none.
    pub files: Option<PathBuf>,
    /// What programs are linked into it with, where it was built with `CONFIG_UKL`.
    pub link: Option<PathBuf>,
    /// What went in and came out.
    pub metadata: Metadata,
}

/// Everything but the requests that decides about a kernel's bytes.
pub(crate) struct Inputs {
    id: SourceId,
    patches: Vec<(String, Patch)>,
    pub(crate) toolchain: Toolchain,
}

impl Inputs {
    pub(crate) fn find(store: &Store, options: &Options<'_>) -> Result<Self, KernelError> {
        let patches = patches::select(options.data, options.patch_sets)?;
        let toolchain = Toolchain::of_host()?;
        let id = identify(store, options.data, options.source, options.progress)?;
        Ok(Self {
            id,
            patches,
            toolchain,
        })
    }

    /// The patched tree, made if it is not there.
    pub(crate) fn source_tree(
        &self,
        store: &Store,
        options: &Options<'_>,
    ) -> Result<SourceTree, KernelError> {
        source::tree_of(
            store,
            options.data,
            &self.id,
            &self.patches,
            options.progress,
        )
    }

    fn key(&self, kind: &str, config: &str, formats: Formats) -> String {
        Key::new(kind)
            .field("config", config)
            .field("source", key_of(&self.id.sha256, &self.patches))
            .field("tools", self.toolchain.key())
            .field("bzimage", if formats.bzimage { "y" } else { "n" })
            .finish()
    }
}

/// The kernel for these requests: from the store when one of the same key is there, else built.
///
/// Two processes that want the same kernel build it once; the second waits and says so.
/// Killed at any moment, the same call begins again and finds what was finished.
///
/// # Errors
/// What [`crate::resolve`] refuses; a compiler error with the compiler's words; a full disk.
pub fn build(
    store: &Store,
    merged: &Merged,
    options: &Options<'_>,
) -> Result<KernelImage, KernelError> {
    build_wanted(store, Wanted::Requests(merged), options)
}

/// The kernel of somebody else's whole `.config`, to compare with: what this version has not got any more is
/// dropped, and what it asks besides takes Kconfig's defaults. Otherwise as [`build`].
///
/// # Errors
/// As [`build`].
pub fn baseline(
    store: &Store,
    config: &str,
    options: &Options<'_>,
) -> Result<KernelImage, KernelError> {
    build_wanted(store, Wanted::Config(config), options)
}

/// What the kernel's authors give to guests of KVM: `x86_64_defconfig` with `kvm_guest.config`, for [`baseline`].
///
/// # Errors
/// No source.
pub fn guest_defconfig(store: &Store, options: &Options<'_>) -> Result<String, KernelError> {
    let tree = Inputs::find(store, options)?.source_tree(store, options)?;
    let read = |file: &str| {
        let path = tree.dir.join(file);
        fs::read_to_string(&path).at("read", path)
    };
    // The later line counts.
    let defaults = read("arch/x86/configs/x86_64_defconfig")?;
    Ok(defaults + &read("kernel/configs/kvm_guest.config")?)
}

fn build_wanted(
    store: &Store,
    wanted: Wanted<'_>,
    options: &Options<'_>,
) -> Result<KernelImage, KernelError> {
    let inputs = Inputs::find(store, options)?;
    let request = inputs.key(wanted.kind(), &wanted.text(), options.formats);
    if let Some(kernel) = recalled(store, &request) {
        return Ok(kernel);
    }
    let mut watch = Watch::start();
    let _ = inputs.source_tree(store, options)?;
    watch.durations.source = watch.lap();
    let resolved = resolve_with(store, wanted, options, &inputs)?;
    watch.durations.resolve = watch.lap();
    let key = inputs.key("kernel", &resolved.text, options.formats);
    let kernel = match load(store, &key) {
        Some(kernel) => kernel,
        None => build_locked(store, options, &inputs, &resolved, &key, watch)?,
    };
    remember(store, &request, &key)?;
    Ok(kernel)
}

/// The kernel for these requests from the pinned source, with the patches that every kernel gets, if
/// this compiler built it before. Nothing is built or downloaded.
///
/// # Errors
/// When the compiler cannot be asked for its version.
pub fn find(
    store: &Store,
    merged: &Merged,
    data: &Data,
) -> Result<Option<KernelImage>, KernelError> {
    let inputs = Inputs {
        id: SourceId::pinned(&data.pin),
        patches: patches::select(data, &[])?,
        toolchain: Toolchain::of_host()?,
    };
    let request = inputs.key("request", &merged.to_config(), Formats::default());
    Ok(recalled(store, &request))
}

fn recalled(store: &Store, request: &str) -> Option<KernelImage> {
    recall(store, request).and_then(|key| load(store, &key))
}

/// A finished kernel by its key, unless it is not there or damaged.
fn load(store: &Store, key: &str) -> Option<KernelImage> {
    open(&store.get(KERNELS, key)?)
}

/// A kernel of the store that was built from exactly this resolved configuration; of several,
/// one that has a list of its source files.
///
/// # Errors
/// When the store cannot be read.
pub fn of_config(store: &Store, config: &[u8]) -> Result<Option<KernelImage>, KernelError> {
    let digest = sha256(config);
    let keys = store.keys(KERNELS)?;
    let kernels = keys.iter().filter_map(|key| load(store, key));
    let same = kernels.filter(|kernel| kernel.metadata.config_sha256 == digest);
    Ok(same.max_by_key(|kernel| kernel.files.is_some()))
}

/// The finished kernel in a directory, the store's or a copy; `None` where there is no whole one.
pub fn open(dir: &Path) -> Option<KernelImage> {
    let key = dir.file_name()?.to_string_lossy();
    let text = fs::read(dir.join("metadata.json")).ok()?;
    let metadata: Metadata = serde_json::from_slice(&text).ok()?;
    let vmlinux = dir.join("vmlinux");
    let whole = fs::metadata(&vmlinux).is_ok_and(|m| m.len() == metadata.vmlinux.bytes);
    whole.then(|| KernelImage {
        key: key.into_owned(),
        bzimage: metadata.bzimage.is_some().then(|| dir.join("bzImage")),
        config: dir.join("config"),
        symbols: Some(dir.join("System.map")).filter(|file| file.is_file()),
        files: Some(dir.join(FILES)).filter(|file| file.is_file()),
        link: Some(dir.join(LINK)).filter(|dir| dir.is_dir()),
        vmlinux,
        metadata,
        dir: dir.into(),
    })
}

fn build_locked(
    store: &Store,
    options: &Options<'_>,
    inputs: &Inputs,
    resolved: &Resolved,
    key: &str,
    mut watch: Watch,
) -> Result<KernelImage, KernelError> {
    let progress = options.progress;
    let waiting = format!(
        "waiting for another process that builds kernel {}",
        &key[..12]
    );
    let _lock = workspace::lock(store, &format!("kernel-{key}"), &waiting, progress)?;
    if let Some(kernel) = load(store, key) {
        return Ok(kernel);
    }
    toolchain::check()?;
    watch.lap();
    let out = workspace::open(store, &resolved.source, &inputs.toolchain, "out", progress)?;
    let objects = run_make(store, options, &out, resolved, key)?;
    watch.durations.make = watch.lap();
    let job = finish::Job {
        store,
        options,
        out: &out,
        resolved,
        key,
        objects,
    };
    job.publish(inputs, watch)?;
    out.done()?;
    load(store, key).ok_or_else(|| KernelError::Damaged {
        path: store.path(KERNELS, key),
        why: "it cannot be read back".into(),
    })
}

/// Brings the build directory to this configuration. The directory stays dirty unless
/// make ended by itself.
fn run_make(
    store: &Store,
    options: &Options<'_>,
    out: &OutDir,
    resolved: &Resolved,
    key: &str,
) -> Result<Objects, KernelError> {
    let progress = options.progress;
    progress.step(&format!(
        "building kernel {} (Linux {})",
        &key[..12],
        resolved.source.version
    ));
    let config = out.join(".config");
    let before = fs::read_to_string(&config).ok();
    let usual = options.data.pin.objects;
    let estimate = objects::estimate(store, out, before.as_deref(), &resolved.text, usual);
    if before.as_deref() != Some(&resolved.text) {
        fs::write(&config, &resolved.text).at("write", &config)?;
    }
    let stats = out.base.join("ccache.log");
    let _ = fs::remove_file(&stats);
    let mut make = Make::new(out, options.jobs, "make").arg("vmlinux");
    if options.formats.bzimage {
        make = make.arg("bzImage");
    }
    let make = make.ccache(store, &stats)?;
    let log = make.log.clone();
    let mut announced = BTreeSet::new();
    let succeeded = make.run(&mut |line| {
        if let Some(object) = object_of(line) {
            announced.insert(object.to_owned());
            let done = announced.len() as u64;
            progress.advance(done, Some(estimate.max(done)));
        }
    })?;
    if !succeeded {
        return Err(failed(store, out, &log, key)?);
    }
    objects::count(store, out, before.is_none(), &announced, &stats)
}

/// What make's log says; the objects stay when make itself gave up.
fn failed(store: &Store, out: &OutDir, log: &Path, key: &str) -> Result<KernelError, KernelError> {
    let kind = |errors, log| KernelError::Build { errors, log };
    let (error, sound) = make::failed(store, log, key, kind);
    if sound {
        out.done()?;
    }
    Ok(error)
}

/// Measures the steps of a build.
pub(crate) struct Watch {
    last: Instant,
    pub(crate) durations: Durations,
}

impl Watch {
    fn start() -> Self {
        Self {
            last: Instant::now(),
            durations: Durations::default(),
        }
    }

    /// Milliseconds since the last lap.
    pub(crate) fn lap(&mut self) -> u64 {
        let took = self.last.elapsed().as_millis();
        self.last = Instant::now();
        u64::try_from(took).unwrap_or(u64::MAX)
    }
}
