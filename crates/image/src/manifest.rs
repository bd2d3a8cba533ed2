//! Manifests, indexes and configurations: reading, choosing, making.

use lupine_store::Store;
use oci_spec::image::{
    Arch, Descriptor, ImageConfiguration, ImageIndex, ImageManifest, MediaType, Os,
};
use serde_json::{Value, json};

use crate::{Image, ImageError, Layer, blob};

/// Greatest manifest, index or configuration that is read, in bytes; registries refuse more, too.
pub(crate) const DOCUMENT_MAX: u64 = 4 << 20;
/// How deep indexes may nest.
pub(crate) const INDEX_DEPTH: usize = 4;

/// What a manifest address answers with.
pub(crate) enum Document {
    /// One image.
    Manifest(Box<ImageManifest>),
    /// Several, by platform.
    Index(Box<ImageIndex>),
}

fn malformed(what: &'static str, place: &str, why: impl ToString) -> ImageError {
    ImageError::Malformed {
        what,
        place: place.into(),
        why: why.to_string(),
    }
}

/// Tells a manifest from an index by what it holds: the media type is not always there.
pub(crate) fn parse(bytes: &[u8], place: &str) -> Result<Document, ImageError> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|e| malformed("the manifest", place, e))?;
    if value.get("schemaVersion") == Some(&json!(1)) {
        let why = "it is of Docker's schema 1, which registries gave up; pull and push it again with a newer Docker";
        return Err(malformed("the manifest", place, why));
    }
    if value.get("manifests").is_some() {
        let index = serde_json::from_value(value).map_err(|e| malformed("the index", place, e))?;
        return Ok(Document::Index(index));
    }
    let manifest =
        serde_json::from_value(value).map_err(|e| malformed("the manifest", place, e))?;
    Ok(Document::Manifest(manifest))
}

/// The entry of an index that runs here.
pub(crate) fn choose<'a>(
    entries: &'a [Descriptor],
    reference: &str,
) -> Result<&'a Descriptor, ImageError> {
    let fits = |d: &&Descriptor| match d.platform() {
        Some(p) => *p.os() == Os::Linux && *p.architecture() == Arch::Amd64,
        None => false,
    };
    // amd64/v2 and later may need instructions that the guest lacks: the plain one comes first.
    let plain = |d: &&Descriptor| {
        let variant = d.platform().as_ref().and_then(|p| p.variant().as_deref());
        matches!(variant, None | Some("" | "v1"))
    };
    let mut candidates = entries.iter().filter(fits);
    let best = candidates.clone().find(plain).or_else(|| candidates.next());
    // A lone entry that names no platform can only be judged by its configuration.
    let lone = || (entries.len() == 1 && entries[0].platform().is_none()).then(|| &entries[0]);
    best.or_else(lone).ok_or_else(|| ImageError::NoPlatform {
        reference: reference.into(),
        present: platforms(entries),
    })
}

/// The platforms of an index as people write them; attestations are none.
fn platforms(entries: &[Descriptor]) -> Vec<String> {
    let mut names: Vec<String> = entries
        .iter()
        .filter_map(|d| d.platform().as_ref())
        .map(|p| match p.variant() {
            Some(variant) => format!("{}/{}/{variant}", p.os(), p.architecture()),
            None => format!("{}/{}", p.os(), p.architecture()),
        })
        .filter(|name| !name.starts_with("unknown/"))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Reads and judges a configuration.
pub(crate) fn parse_config(bytes: &[u8], place: &str) -> Result<ImageConfiguration, ImageError> {
    let config: ImageConfiguration =
        serde_json::from_slice(bytes).map_err(|e| malformed("the configuration", place, e))?;
    if *config.os() != Os::Linux || *config.architecture() != Arch::Amd64 {
        return Err(ImageError::NoPlatform {
            reference: place.into(),
            present: vec![format!("{}/{}", config.os(), config.architecture())],
        });
    }
    Ok(config)
}

/// The image with this manifest, all of whose blobs must be in the store.
pub(crate) fn open(store: &Store, reference: &str, digest: &str) -> Result<Image, ImageError> {
    let gone =
        |digest: &str| malformed("a blob", reference, format!("{digest} is not in the store"));
    let bytes = blob::read(store, digest).ok_or_else(|| gone(digest))?;
    let Document::Manifest(manifest) = parse(&bytes, reference)? else {
        return Err(malformed("the manifest", reference, "it is an index"));
    };
    let config_digest = manifest.config().digest().to_string();
    let bytes = blob::read(store, &config_digest).ok_or_else(|| gone(&config_digest))?;
    let config = parse_config(&bytes, reference)?;
    let layers = manifest.layers().iter().map(|descriptor| {
        let digest = descriptor.digest().to_string();
        let path = blob::get(store, &digest).ok_or_else(|| gone(&digest))?;
        Ok(Layer {
            path,
            digest,
            media_type: descriptor.media_type().to_string(),
            bytes: descriptor.size(),
        })
    });
    let layers: Vec<Layer> = layers.collect::<Result<_, ImageError>>()?;
    check_diff_ids(&config, layers.len(), reference)?;
    Ok(Image {
        reference: reference.into(),
        digest: digest.into(),
        config,
        layers,
    })
}

fn check_diff_ids(
    config: &ImageConfiguration,
    layers: usize,
    reference: &str,
) -> Result<(), ImageError> {
    let ids = config.rootfs().diff_ids().len();
    if ids != 0 && ids != layers {
        let why = format!("it names {ids} layers and the manifest {layers}");
        return Err(malformed("the configuration", reference, why));
    }
    Ok(())
}

/// One layer for a manifest that we make ourselves.
pub(crate) struct MadeLayer {
    /// Media type.
    pub media_type: String,
    /// Digest of the blob.
    pub digest: String,
    /// Length of the blob.
    pub bytes: u64,
}

/// Puts a manifest over `config` and `layers` into the store; gives its digest.
pub(crate) fn make(
    store: &Store,
    config: &[u8],
    layers: &[MadeLayer],
) -> Result<String, ImageError> {
    let config_digest = blob::put(store, config)?;
    let layers: Vec<Value> = layers
        .iter()
        .map(|l| json!({"mediaType": l.media_type, "digest": l.digest, "size": l.bytes}))
        .collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MediaType::ImageManifest.to_string(),
        "config": {
            "mediaType": MediaType::ImageConfig.to_string(),
            "digest": config_digest,
            "size": config.len(),
        },
        "layers": layers,
    });
    blob::put(store, manifest.to_string().as_bytes())
}

/// Puts an image of one uncompressed layer, which is in the store, into the store.
pub(crate) fn make_single(
    store: &Store,
    layer: &str,
    bytes: u64,
    section: &Value,
) -> Result<String, ImageError> {
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": section,
        "rootfs": {"type": "layers", "diff_ids": [layer]},
    });
    let layer = MadeLayer {
        media_type: MediaType::ImageLayer.to_string(),
        digest: layer.into(),
        bytes,
    };
    make(store, config.to_string().as_bytes(), &[layer])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(platforms: &[(&str, &str)]) -> Vec<Descriptor> {
        let digest = blob::digest_of(b"");
        let entries: Vec<Value> = platforms
            .iter()
            .map(|(os, arch)| {
                json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1,
                       "platform": {"os": os, "architecture": arch}})
            })
            .collect();
        let text = json!({"schemaVersion": 2, "manifests": entries}).to_string();
        let Document::Index(index) = parse(text.as_bytes(), "test").unwrap() else {
            panic!("no index");
        };
        index.manifests().clone()
    }

    #[test]
    fn the_platform_is_chosen_or_the_others_are_named() {
        let both = index(&[("linux", "arm64"), ("linux", "amd64")]);
        assert_eq!(choose(&both, "x").unwrap(), &both[1]);
        let none = index(&[
            ("linux", "arm64"),
            ("windows", "amd64"),
            ("unknown", "unknown"),
        ]);
        let error = choose(&none, "x").unwrap_err().to_string();
        assert!(
            error.ends_with("it has: linux/arm64, windows/amd64"),
            "{error}"
        );
    }

    #[test]
    fn malformed_documents_say_which() {
        let error = |text: &str| parse(text.as_bytes(), "r:1").err().unwrap().to_string();
        assert!(error("{").contains("the manifest of r:1 is malformed"));
        assert!(error(r#"{"schemaVersion":1}"#).contains("schema 1"));
        assert!(error(r#"{"schemaVersion":2}"#).contains("config"));
        assert!(error(r#"{"schemaVersion":2,"manifests":3}"#).contains("the index"));
        let config = parse_config(
            br#"{"os":"linux","architecture":"arm64","rootfs":{"type":"layers","diff_ids":[]}}"#,
            "r:1",
        );
        assert!(config.unwrap_err().to_string().contains("linux/arm64"));
    }
}
