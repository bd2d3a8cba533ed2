//! Pulling from a registry: manifest, configuration, layers, each verified.
//!
//! A small client of the OCI distribution protocol rather than a large one,
//! because pulling must honour `Retry-After`, go on where a transfer broke off,
//! and tell a dozen failures apart.

mod blob;
mod challenge;
mod client;
mod credentials;
mod retry;
mod token;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lupine_store::Store;
use lupine_tool::Progress;
use oci_spec::image::ImageManifest;

use crate::manifest::{self, DOCUMENT_MAX, Document, INDEX_DEPTH};
use crate::{DockerRef, ImageError, blob as store_blob};
use blob::{Counter, Wanted};
use client::Client;

/// How many blobs are pulled at once.
const PARALLEL: usize = 4;

/// What manifests may be, in the order we like them.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// Pulls the image and gives the digest of its manifest for linux/amd64.
pub(crate) fn pull(
    store: &Store,
    reference: &DockerRef,
    progress: &dyn Progress,
) -> Result<String, ImageError> {
    progress.step(&format!("pulling {reference}"));
    let client = Client::new(reference)?;
    let (digest, bytes, image) = resolve(&client, reference)?;
    blobs(store, &client, &image, progress)?;
    // The manifest goes in last: where it is, everything it names was there.
    store_blob::put(store, &bytes)?;
    Ok(digest)
}

/// Follows tag and indexes to one manifest.
fn resolve(
    client: &Client,
    reference: &DockerRef,
) -> Result<(String, Vec<u8>, ImageManifest), ImageError> {
    let name = reference.to_string();
    let mut selector = reference.selector().to_owned();
    for _ in 0..INDEX_DEPTH {
        let (bytes, promised) = client.manifest(&selector, ACCEPT, DOCUMENT_MAX)?;
        let digest = store_blob::digest_of(&bytes);
        let expected = if selector.contains(':') {
            Some(selector)
        } else {
            promised.filter(|digest| store_blob::hex(digest).is_some())
        };
        if let Some(expected) = expected.filter(|expected| *expected != digest) {
            return Err(ImageError::WrongDigest {
                what: format!("the manifest of {name}"),
                expected,
                actual: digest,
            });
        }
        match manifest::parse(&bytes, &name)? {
            Document::Manifest(image) => return Ok((digest, bytes, *image)),
            Document::Index(index) => {
                let chosen = manifest::choose(index.manifests(), &name)?;
                selector = chosen.digest().to_string();
                store_blob::key(&selector, &name)?;
            }
        }
    }
    Err(ImageError::Malformed {
        what: "the index",
        place: name,
        why: format!("indexes nest more than {INDEX_DEPTH} deep"),
    })
}

/// Pulls the configuration and all layers that the store lacks.
fn blobs(
    store: &Store,
    client: &Client,
    image: &ImageManifest,
    progress: &dyn Progress,
) -> Result<(), ImageError> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for descriptor in std::iter::once(image.config()).chain(image.layers()) {
        let digest = descriptor.digest().to_string();
        store_blob::key(&digest, &client.name())?;
        let bytes = descriptor.size();
        if wanted.iter().all(|other| other.digest != digest) {
            wanted.push(Wanted { digest, bytes });
        }
    }
    let config = &wanted[0];
    if config.bytes > DOCUMENT_MAX {
        return Err(ImageError::TooMuch {
            place: format!("the configuration of {}", client.name()),
            what: "bytes",
            limit: DOCUMENT_MAX,
        });
    }
    // The configuration tells whether the image is for this machine, before much is pulled.
    let counter = Counter::new(progress, wanted.iter().map(|w| w.bytes).sum());
    let stop = AtomicBool::new(false);
    blob::pull(store, client, config, &counter, &stop)?;
    let bytes = store_blob::read(store, &config.digest).unwrap_or_default();
    manifest::parse_config(&bytes, &client.name())?;
    in_parallel(&wanted[1..], &stop, |wanted| {
        blob::pull(store, client, wanted, &counter, &stop)
    })
}

/// Runs `work` on all items, a few at once; the first error stops the others.
fn in_parallel<T: Sync>(
    items: &[T],
    stop: &AtomicBool,
    work: impl Fn(&T) -> Result<(), ImageError> + Sync,
) -> Result<(), ImageError> {
    let next = AtomicUsize::new(0);
    let first_error = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    if let Err(error) = work(item) {
                        stop.store(true, Ordering::Relaxed);
                        let mut first = first_error.lock().unwrap_or_else(|e| e.into_inner());
                        first.get_or_insert(error);
                    }
                }
            });
        }
    });
    let first = first_error.into_inner().unwrap_or_else(|e| e.into_inner());
    first.map_or(Ok(()), Err)
}
