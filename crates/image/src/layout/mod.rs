//! Local images: OCI layouts and archives, and what `docker save` writes.

mod archive;
mod saved;

use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use lupine_store::{At, Store};
use oci_spec::image::{Descriptor, ImageManifest};

use crate::blob::{self, Expected};
use crate::manifest::{self, DOCUMENT_MAX, Document, INDEX_DEPTH};
use crate::{ImageError, Limits};
use archive::Archive;
pub(crate) use saved::from_docker_archive;

/// The annotation that holds a tag.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// What the layout looks like: its index tells everything.
pub(crate) fn directory_stamp(dir: &Path) -> Result<String, ImageError> {
    let index = dir.join("index.json");
    let bytes = std::fs::read(&index).at("read", &index)?;
    Ok(blob::digest_of(&bytes))
}

/// What a file looks like without reading it.
pub(crate) fn file_stamp(file: &Path) -> Result<String, ImageError> {
    let m = std::fs::metadata(file).at("open", file)?;
    Ok(format!(
        "{} {} {}.{} {}.{}",
        m.ino(),
        m.len(),
        m.mtime(),
        m.mtime_nsec(),
        m.ctime(),
        m.ctime_nsec()
    ))
}

/// Loads from an OCI layout; gives the manifest's digest.
pub(crate) fn from_directory(
    store: &Store,
    dir: &Path,
    tag: Option<&str>,
) -> Result<String, ImageError> {
    load(store, &Directory(dir), tag)
}

/// Loads from a tar of an OCI layout.
pub(crate) fn from_oci_archive(
    store: &Store,
    file: &Path,
    tag: Option<&str>,
    limits: &Limits,
) -> Result<String, ImageError> {
    load(store, &Archive::open(store, file, limits)?, tag)
}

/// Something with the files of an OCI layout.
trait Layout {
    /// For messages.
    fn place(&self) -> String;
    /// A small file.
    fn document(&self, name: &str) -> Result<Vec<u8>, ImageError>;
    /// Brings a blob into the store.
    fn import(&self, store: &Store, digest: &str, bytes: u64) -> Result<(), ImageError>;
}

struct Directory<'a>(&'a Path);

impl Layout for Directory<'_> {
    fn place(&self) -> String {
        self.0.display().to_string()
    }

    fn document(&self, name: &str) -> Result<Vec<u8>, ImageError> {
        let path = self.0.join(name);
        read_document(&path, &path.display().to_string())
    }

    fn import(&self, store: &Store, digest: &str, bytes: u64) -> Result<(), ImageError> {
        let path = self.0.join(blob_name(digest, &self.place())?);
        let file = File::open(&path).at("open", &path)?;
        let place = self.place();
        let expected = Expected {
            digest,
            bytes,
            place: &place,
        };
        blob::copy(store, BufReader::new(file), &expected)
    }
}

fn read_document(path: &Path, place: &str) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    let file = File::open(path).at("open", place)?;
    file.take(DOCUMENT_MAX + 1)
        .read_to_end(&mut bytes)
        .at("read", place)?;
    if bytes.len() as u64 > DOCUMENT_MAX {
        return Err(ImageError::TooMuch {
            place: place.into(),
            what: "bytes",
            limit: DOCUMENT_MAX,
        });
    }
    Ok(bytes)
}

fn blob_name(digest: &str, place: &str) -> Result<String, ImageError> {
    let key = blob::key(digest, place)?;
    Ok(key.replacen("sha256-", "blobs/sha256/", 1))
}

fn malformed(what: &'static str, place: &str, why: impl ToString) -> ImageError {
    ImageError::Malformed {
        what,
        place: place.into(),
        why: why.to_string(),
    }
}

fn load(store: &Store, layout: &dyn Layout, tag: Option<&str>) -> Result<String, ImageError> {
    let place = layout.place();
    let bytes = layout.document("index.json")?;
    let Document::Index(index) = manifest::parse(&bytes, &place)? else {
        return Err(malformed("index.json", &place, "it is no index"));
    };
    let mut chosen = pick(index.manifests(), tag, &place)?;
    for _ in 0..INDEX_DEPTH {
        let digest = chosen.digest().to_string();
        let bytes = layout.document(&blob_name(&digest, &place)?)?;
        let actual = blob::digest_of(&bytes);
        if actual != digest {
            return Err(ImageError::WrongDigest {
                what: format!("a manifest of {place}"),
                expected: digest,
                actual,
            });
        }
        match manifest::parse(&bytes, &place)? {
            Document::Manifest(image) => {
                import_all(store, layout, &image)?;
                return blob::put(store, &bytes);
            }
            Document::Index(index) => {
                chosen = manifest::choose(index.manifests(), &place)?.clone();
            }
        }
    }
    Err(malformed("the index", &place, "indexes nest too deep"))
}

fn import_all(store: &Store, layout: &dyn Layout, image: &ImageManifest) -> Result<(), ImageError> {
    let config = image.config();
    layout.import(store, config.digest().as_ref(), config.size())?;
    let bytes = blob::read(store, config.digest().as_ref()).unwrap_or_default();
    manifest::parse_config(&bytes, &layout.place())?;
    for layer in image.layers() {
        layout.import(store, layer.digest().as_ref(), layer.size())?;
    }
    Ok(())
}

fn tag_of(descriptor: &Descriptor) -> Option<&String> {
    descriptor.annotations().as_ref()?.get(REF_NAME)
}

/// The entry with this tag; without a tag the only one, `latest`, or the one for this machine.
fn pick(entries: &[Descriptor], tag: Option<&str>, place: &str) -> Result<Descriptor, ImageError> {
    let wanted = tag.unwrap_or("latest");
    let tagged = entries
        .iter()
        .find(|d| tag_of(d).is_some_and(|name| name == wanted));
    if let Some(found) = tagged {
        return Ok(found.clone());
    }
    let tags: Vec<String> = entries.iter().filter_map(|d| tag_of(d).cloned()).collect();
    let several = tags.iter().any(|name| Some(name) != tags.first());
    match entries {
        [only] if tag.is_none() => Ok(only.clone()),
        [_, ..] if tag.is_none() && !several => manifest::choose(entries, place).cloned(),
        _ => Err(ImageError::NoSuchTag {
            place: place.into(),
            tag: tag.map(Into::into),
            present: tags,
        }),
    }
}
