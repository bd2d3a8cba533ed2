//! Local images: OCI layouts and archives, and what `docker save` writes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lupine_store::{At, Staging, Store};
use oci_spec::image::{Descriptor, ImageManifest};
use serde::Deserialize;

use crate::blob::{self, Expected, Hashing};
use crate::layer::{self, Bounded};
use crate::manifest::{self, DOCUMENT_MAX, Document, INDEX_DEPTH, MadeLayer};
use crate::tarball::{Members, What};
use crate::{ImageError, Limits, path};

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
    layout.import(store, &config.digest().to_string(), config.size())?;
    let bytes = blob::read(store, &config.digest().to_string()).unwrap_or_default();
    manifest::parse_config(&bytes, &layout.place())?;
    for layer in image.layers() {
        layout.import(store, &layer.digest().to_string(), layer.size())?;
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

/// The files of a tar, staged under numbers.
struct Archive {
    place: String,
    staging: Staging,
    files: BTreeMap<Vec<u8>, Staged>,
}

#[derive(Clone)]
struct Staged {
    number: usize,
    digest: String,
    bytes: u64,
}

impl Archive {
    fn open(store: &Store, file: &Path, limits: &Limits) -> Result<Self, ImageError> {
        let packed = std::fs::metadata(file).at("open", file)?.len();
        let mut archive = Self {
            place: file.display().to_string(),
            staging: store.staging()?,
            files: BTreeMap::new(),
        };
        let stream = layer::open(file).map_err(|e| archive.broken(&e))?;
        let mut members = Members::new(Bounded::new(stream, limits.unpacked_bytes, packed, limits));
        let mut links = Vec::new();
        while let Some(member) = members.next().map_err(|e| archive.broken(&e))? {
            // Names outside the root name nothing that a layout has.
            let Ok(name) = path::normalise(&member.path) else {
                continue;
            };
            match member.what {
                What::File => archive.stage(name, &mut members)?,
                What::HardLink => links.extend(path::normalise(&member.link).map(|to| (name, to))),
                What::Symlink => {
                    let to = path::join(path::parent(&name), &member.link);
                    links.extend(path::normalise(&to).map(|to| (name, to)));
                }
                _ => {}
            }
            if archive.files.len() as u64 + links.len() as u64 > limits.entries {
                return Err(ImageError::TooMuch {
                    place: archive.place,
                    what: "entries",
                    limit: limits.entries,
                });
            }
        }
        // Old docker save stores a layer once and links to it from the others.
        for (name, to) in links {
            if let Some(staged) = archive.files.get(&to).cloned() {
                archive.files.entry(name).or_insert(staged);
            }
        }
        Ok(archive)
    }

    fn broken(&self, error: &io::Error) -> ImageError {
        match layer::exceeded(error) {
            Some(exceeded) => ImageError::TooMuch {
                place: self.place.clone(),
                what: exceeded.what,
                limit: exceeded.limit,
            },
            None => malformed("the archive", &self.place, error),
        }
    }

    fn stage(&mut self, name: Vec<u8>, data: &mut impl Read) -> Result<(), ImageError> {
        let number = self.files.len();
        let path = self.path(number);
        let mut file = File::create(&path).at("make", &path)?;
        let mut data = Hashing::new(data);
        let mut buffer = vec![0; 1 << 17];
        loop {
            let read = data.read(&mut buffer).map_err(|e| self.broken(&e))?;
            if read == 0 {
                break;
            }
            io::Write::write_all(&mut file, &buffer[..read]).at("write", &path)?;
        }
        let staged = Staged {
            number,
            digest: data.digest(),
            bytes: data.count(),
        };
        self.files.insert(name, staged);
        Ok(())
    }

    fn path(&self, number: usize) -> PathBuf {
        self.staging.path().join(number.to_string())
    }

    fn staged(&self, name: &str) -> Result<&Staged, ImageError> {
        self.files
            .get(name.as_bytes())
            .ok_or_else(|| malformed("the archive", &self.place, format!("it has no {name}")))
    }

    /// Moves a staged file into the store. It may be wanted twice, under two names.
    fn publish(&self, store: &Store, staged: &Staged) -> Result<(), ImageError> {
        let path = self.path(staged.number);
        if blob::get(store, &staged.digest).is_none() && path.exists() {
            let file = File::open(&path).at("open", &path)?;
            file.sync_data().at("write", &path)?;
            blob::publish(store, &path, &staged.digest)?;
        }
        Ok(())
    }
}

impl Layout for Archive {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn document(&self, name: &str) -> Result<Vec<u8>, ImageError> {
        let staged = self.staged(name)?;
        read_document(
            &self.path(staged.number),
            &format!("{name} of {}", self.place),
        )
    }

    fn import(&self, store: &Store, digest: &str, _bytes: u64) -> Result<(), ImageError> {
        let staged = self.staged(&blob_name(digest, &self.place)?)?;
        if staged.digest != digest {
            return Err(ImageError::WrongDigest {
                what: format!("a blob of {}", self.place),
                expected: digest.into(),
                actual: staged.digest.clone(),
            });
        }
        self.publish(store, staged)
    }
}

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
