//! What `docker save` writes: `manifest.json` beside configurations and layers.

use std::path::Path;

use lupine_store::{At, Store};
use serde::Deserialize;

use super::archive::Archive;
use super::{Layout, malformed};
use crate::manifest::{self, MadeLayer};
use crate::{ImageError, Limits, blob, layer};

/// One image in the `manifest.json` of `docker save`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// Loads what `docker save` wrote; gives the digest of a manifest made for it.
pub(crate) fn from_docker_archive(
    store: &Store,
    file: &Path,
    tag: Option<&str>,
    limits: &Limits,
) -> Result<String, ImageError> {
    let archive = Archive::open(store, file, limits)?;
    let bytes = archive.document("manifest.json")?;
    let images: Vec<Saved> = serde_json::from_slice(&bytes)
        .map_err(|e| malformed("manifest.json", &archive.place, e))?;
    let image = pick_saved(&images, tag, &archive.place)?;
    let config = archive.document(&image.config)?;
    manifest::parse_config(&config, &archive.place)?;
    let mut layers = Vec::new();
    for name in &image.layers {
        let staged = archive.staged(name)?;
        archive.publish(store, staged)?;
        let Some(path) = blob::get(store, &staged.digest) else {
            return Err(malformed(
                "the archive",
                &archive.place,
                format!("{name} vanished"),
            ));
        };
        let packing = layer::packing(&layer::head(&path).at("read", &path)?);
        layers.push(MadeLayer {
            media_type: layer::media_type(packing).into(),
            digest: staged.digest.clone(),
            bytes: staged.bytes,
        });
    }
    manifest::make(store, &config, &layers)
}

/// The image whose full name, or whose tag alone where that is clear, is `tag`.
fn pick_saved<'a>(
    images: &'a [Saved],
    tag: Option<&str>,
    place: &str,
) -> Result<&'a Saved, ImageError> {
    let names = |image: &Saved| image.repo_tags.clone().unwrap_or_default();
    let found: Vec<&Saved> = match (tag, images) {
        (None, [only]) => vec![only],
        (None, _) => Vec::new(),
        (Some(tag), _) => {
            let exact = images.iter().filter(|i| names(i).iter().any(|n| n == tag));
            let mut found: Vec<&Saved> = exact.collect();
            if found.is_empty() {
                // skopeo writes docker.io/library/app:7 for what people call app:7.
                let ends = [format!(":{tag}"), format!("/{tag}")];
                let fits = |name: &String| ends.iter().any(|end| name.ends_with(end));
                let by_end = images.iter().filter(|i| names(i).iter().any(fits));
                found = by_end.collect();
            }
            found
        }
    };
    match found[..] {
        [image] => Ok(image),
        _ => Err(ImageError::NoSuchTag {
            place: place.into(),
            tag: tag.map(Into::into),
            present: images.iter().flat_map(names).collect(),
        }),
    }
}
