//! From a reference to an image in the store.

use std::time::{SystemTime, UNIX_EPOCH};

use lupine_store::Store;
use lupine_tool::Progress;

use crate::record::{self, ImageRecord};
use crate::{Image, ImageError, ImageRef, Layer, blob, deb, directory, layout, manifest, registry};

/// When to go to the source although the image is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pull {
    /// Only when it is not there, or a local source has changed.
    #[default]
    Missing,
    /// Every time: ask the registry what the tag means now, install the packages anew.
    Always,
    /// Never use a network; local sources are read all the same.
    Never,
}

/// How much an image may hold before it is taken for a bomb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all layers of one image, unpacked.
    pub unpacked_bytes: u64,
    /// Entries of all layers of one image.
    pub entries: u64,
    /// Length of one path in bytes.
    pub path_bytes: usize,
    /// Unpacked bytes for each packed byte, checked after [`Limits::ratio_free_bytes`].
    pub ratio: u64,
    /// Unpacked bytes of a layer from which on the ratio counts.
    pub ratio_free_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked_bytes: 64 << 30,
            entries: 2_000_000,
            path_bytes: 4096,
            ratio: 1000,
            ratio_free_bytes: 1 << 30,
        }
    }
}

/// How to load.
#[derive(Clone, Copy)]
pub struct LoadOptions<'a> {
    /// When to go to the source.
    pub pull: Pull,
    /// Who is told what happens.
    pub progress: &'a dyn Progress,
    /// What is refused as a bomb.
    pub limits: Limits,
}

impl Default for LoadOptions<'_> {
    fn default() -> Self {
        Self {
            pull: Pull::default(),
            progress: &lupine_tool::Quiet,
            limits: Limits::default(),
        }
    }
}

/// Loads the image that `reference` means: from the store where that is allowed
/// and possible, else from its source.
///
/// # Errors
/// Any [`ImageError`] but those of unpacking; what was in the store before stays.
pub fn load(
    store: &Store,
    reference: &ImageRef,
    options: &LoadOptions<'_>,
) -> Result<Image, ImageError> {
    let name = record::full_name(reference);
    let stamp = stamp(store, reference)?;
    if let Some(image) = stored(store, reference, &name, &stamp, options.pull) {
        return Ok(image);
    }
    let remote = matches!(reference, ImageRef::Docker(_) | ImageRef::Deb(_));
    if remote && options.pull == Pull::Never {
        return Err(ImageError::NotPulled { reference: name });
    }
    let lock = blob::digest_of(name.as_bytes());
    let _lock = store.lock(&format!("image-{}", &lock[7..39]))?;
    // Somebody else may have loaded it while we waited.
    if let Some(image) = stored(store, reference, &name, &stamp, options.pull) {
        return Ok(image);
    }
    let digest = fetch(store, reference, options)?;
    let image = manifest::open(store, &name, &digest)?;
    record::write(
        store,
        &ImageRecord {
            reference: name,
            digest,
            bytes: image.layers.iter().map(|layer: &Layer| layer.bytes).sum(),
            loaded_at: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |time| time.as_secs()),
            stamp,
        },
    )?;
    Ok(image)
}

/// The image as it lies in the store, where that will do.
fn stored(
    store: &Store,
    reference: &ImageRef,
    name: &str,
    stamp: &str,
    pull: Pull,
) -> Option<Image> {
    let record = record::find(store, name)?;
    // A digest always means the same image.
    let pinned = matches!(reference, ImageRef::Docker(docker) if docker.digest.is_some());
    let stale = match pull {
        Pull::Missing => record.stamp != stamp,
        Pull::Always => !pinned,
        Pull::Never => false,
    };
    if stale {
        return None;
    }
    manifest::open(store, name, &record.digest).ok()
}

/// What a source looks like, cheaply; empty where only the network knows.
fn stamp(store: &Store, reference: &ImageRef) -> Result<String, ImageError> {
    match reference {
        ImageRef::Docker(_) => Ok(String::new()),
        ImageRef::Deb(packages) => Ok(deb::stamp(packages)),
        ImageRef::Dir(dir) => directory::stamp(store, dir),
        ImageRef::Oci { dir, .. } => layout::directory_stamp(dir),
        ImageRef::OciArchive { file, .. } | ImageRef::DockerArchive { file, .. } => {
            layout::file_stamp(file)
        }
    }
}

/// Brings manifest, configuration and layers into the store; gives the manifest's digest.
fn fetch(
    store: &Store,
    reference: &ImageRef,
    options: &LoadOptions<'_>,
) -> Result<String, ImageError> {
    match reference {
        ImageRef::Docker(docker) => registry::pull(store, docker, options.progress),
        ImageRef::Deb(packages) => deb::make(store, packages, options.progress),
        ImageRef::Dir(dir) => directory::pack(store, dir, options.progress),
        ImageRef::Oci { dir, tag } => layout::from_directory(store, dir, tag.as_deref()),
        ImageRef::OciArchive { file, tag } => {
            layout::from_oci_archive(store, file, tag.as_deref(), &options.limits)
        }
        ImageRef::DockerArchive { file, tag } => {
            layout::from_docker_archive(store, file, tag.as_deref(), &options.limits)
        }
    }
}
