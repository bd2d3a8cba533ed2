//! Images made by the tests themselves, as OCI layouts.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// `sha256:HEX`.
pub fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}

/// A tar of small files, made by the tar crate: not the code under test.
pub fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o755);
        builder
            .append_data(&mut header, path, text.as_bytes())
            .unwrap();
    }
    builder.into_inner().unwrap()
}

/// A tar of one member with any path and link, also those that no tar program writes.
pub fn raw_member(kind: tar::EntryType, path: &[u8], link: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_mode(0o644);
    let old = header.as_old_mut();
    old.name[..path.len()].copy_from_slice(path);
    old.linkname[..link.len()].copy_from_slice(link);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend([0; 1024]);
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// How a layer is packed.
#[derive(Clone, Copy)]
pub enum Pack {
    Plain,
    Gzip,
    Zstd,
}

/// One image: its documents and blobs by digest.
pub struct Made {
    pub blobs: Vec<Vec<u8>>,
    pub manifest: Value,
    pub architecture: String,
}

impl Made {
    /// An image of these tars for amd64.
    pub fn new(tars: &[(Vec<u8>, Pack)]) -> Self {
        Self::of("amd64", tars)
    }

    pub fn of(architecture: &str, tars: &[(Vec<u8>, Pack)]) -> Self {
        let diff_ids: Vec<String> = tars.iter().map(|(tar, _)| digest(tar)).collect();
        Self::with_diff_ids(architecture, tars, &diff_ids)
    }

    pub fn with_diff_ids(
        architecture: &str,
        tars: &[(Vec<u8>, Pack)],
        diff_ids: &[String],
    ) -> Self {
        let config = json!({
            "architecture": architecture, "os": "linux",
            "config": {"Cmd": ["/hello"], "ExposedPorts": {"80/tcp": {}}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        })
        .to_string()
        .into_bytes();
        let mut layers = Vec::new();
        let mut blobs = Vec::new();
        for (tar, pack) in tars {
            let (blob, suffix) = match pack {
                Pack::Plain => (tar.clone(), ""),
                Pack::Gzip => (gzip(tar), "+gzip"),
                Pack::Zstd => (zstd::encode_all(&tar[..], 1).unwrap(), "+zstd"),
            };
            layers.push(json!({
                "mediaType": format!("application/vnd.oci.image.layer.v1.tar{suffix}"),
                "digest": digest(&blob), "size": blob.len(),
            }));
            blobs.push(blob);
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                       "digest": digest(&config), "size": config.len()},
            "layers": layers,
        });
        blobs.push(config);
        Self {
            blobs,
            manifest,
            architecture: architecture.into(),
        }
    }

    /// The usual small image.
    pub fn hello(text: &str) -> Self {
        Self::new(&[(tar(&[("hello", text)]), Pack::Gzip)])
    }

    pub fn manifest_bytes(&self) -> Vec<u8> {
        self.manifest.to_string().into_bytes()
    }

    pub fn digest(&self) -> String {
        digest(&self.manifest_bytes())
    }

    fn descriptor(&self) -> Value {
        json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": self.digest(), "size": self.manifest_bytes().len(),
            "platform": {"os": "linux", "architecture": self.architecture},
        })
    }

    fn write_blobs(&self, dir: &Path) {
        for blob in &self.blobs {
            write_blob(dir, blob);
        }
        write_blob(dir, &self.manifest_bytes());
    }
}

fn write_blob(dir: &Path, bytes: &[u8]) {
    let name = digest(bytes).replacen("sha256:", "blobs/sha256/", 1);
    fs::create_dir_all(dir.join("blobs/sha256")).unwrap();
    fs::write(dir.join(name), bytes).unwrap();
}

/// An OCI layout with these images by tag.
pub fn layout(dir: &Path, images: &[(&str, &Made)]) {
    let mut entries = Vec::new();
    for (tag, image) in images {
        image.write_blobs(dir);
        let mut descriptor = image.descriptor();
        descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        entries.push(descriptor);
    }
    finish_layout(dir, &entries);
}

/// An OCI layout with one multi-arch image.
pub fn multi_arch_layout(dir: &Path, tag: &str, images: &[&Made]) {
    let manifests: Vec<Value> = images.iter().map(|image| image.descriptor()).collect();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    })
    .to_string();
    for image in images {
        image.write_blobs(dir);
    }
    write_blob(dir, index.as_bytes());
    let entry = json!({
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": digest(index.as_bytes()), "size": index.len(),
        "annotations": {"org.opencontainers.image.ref.name": tag},
    });
    finish_layout(dir, &[entry]);
}

fn finish_layout(dir: &Path, entries: &[Value]) {
    let index = json!({"schemaVersion": 2, "manifests": entries});
    fs::write(dir.join("index.json"), index.to_string()).unwrap();
    fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}
