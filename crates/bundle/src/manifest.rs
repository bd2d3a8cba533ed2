//! `lupine.json`: what a bundle is made of.

use std::collections::BTreeMap;

use lupine_init::GuestSpec;
use serde::{Deserialize, Serialize};

use crate::BundleError;

/// Version of the manifest that this code writes and reads.
pub const VERSION: u32 = 3;
/// Name of the manifest's file in a bundle.
pub const MANIFEST: &str = "lupine.json";
/// Name of the OCI runtime configuration's file in a bundle.
pub const RUNTIME_CONFIG: &str = "config.json";

/// Everything that running a bundle needs to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`VERSION`] of the writer.
    pub version: u32,
    /// The image that the bundle was made from.
    pub image: ImageName,
    /// `base`, `general` or `app`.
    pub profile: String,
    /// The VMM that the kernel was configured for, for example `qemu`.
    pub vmm: String,
    /// The kernel.
    pub kernel: KernelPart,
    /// The root file system.
    pub rootfs: RootfsPart,
    /// How PID 1 runs the application unless told otherwise.
    pub spec: GuestSpec,
    /// The image's entry point: what a command that replaces the image's own is appended to.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// Memory for the guest in MiB; `None` leaves it to the runner.
    pub mem_mib: Option<u32>,
    /// Ports that the image exposes.
    #[serde(default)]
    pub exposed_ports: Vec<ExposedPort>,
    /// Signal that asks the application to end, as the image names it (`SIGQUIT`, `15`).
    #[serde(default)]
    pub stop_signal: Option<String>,
    /// The image's labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What the kernel was made for, with evidence: the needs stage's own JSON.
    #[serde(default)]
    pub needs: serde_json::Value,
    /// The program that made the bundle, for example `lupine 0.1.0`.
    pub created_by: String,
}

/// An image by name and by content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageName {
    /// What the user wrote, normalised.
    pub reference: String,
    /// Digest of its manifest, `sha256:...`.
    pub digest: String,
}

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Name in the bundle's directory.
    pub file: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of its contents, 64 hex digits.
    pub sha256: String,
}

/// The kernel of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelPart {
    /// The vmlinux, which boots by PVH.
    #[serde(flatten)]
    pub vmlinux: Member,
    /// Key in the kernel cache.
    pub key: String,
    /// Series, for example `6.12`.
    pub series: String,
    /// Version, for example `6.12.48`.
    pub version: String,
    /// How many options are on in its resolved config.
    pub options_set: usize,
    /// The bzImage, where one was made.
    pub bzimage: Option<Member>,
    /// The resolved config.
    pub config: Member,
    /// Every symbol: the kernel's `System.map`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbols: Option<Member>,
    /// The source files that are compiled in, a line each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Member>,
}

/// The root file system of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootfsPart {
    /// The image file.
    #[serde(flatten)]
    pub image: Member,
    /// `ext2`, `ext4`, `erofs`, `squashfs` or `cpio`.
    pub format: String,
    /// Key in the root file system cache.
    pub key: String,
    /// Files of the image that were packed with another content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<ChangedFile>,
}

/// A program or library that was rewritten to call the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFile {
    /// Path in the guest; the first where there are several.
    pub path: String,
    /// SHA-256 of the image's file, 64 hex digits.
    pub before: String,
    /// SHA-256 of what was packed.
    pub after: String,
    /// How many `syscall` instructions it had.
    pub sites: usize,
    /// How many of them are calls now.
    pub calls: usize,
    /// How many `hlt` instructions fault now.
    pub traps: usize,
    /// Why the others were left, with how many.
    pub left: BTreeMap<String, usize>,
}

/// A port that the image exposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposedPort {
    /// Its number.
    pub port: u16,
    /// UDP rather than TCP.
    #[serde(default)]
    pub udp: bool,
}

impl Manifest {
    /// Reads a manifest. The version is looked at first, so that a manifest of
    /// another version is called that rather than malformed.
    ///
    /// # Errors
    /// [`BundleError::Version`] and [`BundleError::Malformed`]; `place` is named in both.
    pub fn parse(text: &[u8], place: &str) -> Result<Self, BundleError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let malformed = |error: serde_json::Error| BundleError::Malformed {
            place: place.into(),
            why: error.to_string(),
        };
        let Versioned { version } = serde_json::from_slice(text).map_err(malformed)?;
        if version != VERSION {
            return Err(BundleError::Version {
                place: place.into(),
                version,
            });
        }
        let manifest: Self = serde_json::from_slice(text).map_err(malformed)?;
        for member in manifest.members() {
            check_name(&member.file, place)?;
        }
        Ok(manifest)
    }

    /// All files that the manifest names.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        [
            &self.kernel.vmlinux,
            &self.kernel.config,
            &self.rootfs.image,
        ]
        .into_iter()
        .chain(&self.kernel.bzimage)
        .chain(&self.kernel.symbols)
        .chain(&self.kernel.files)
    }
}

/// A member is a plain name: a foreign manifest must not reach out of its directory.
fn check_name(name: &str, place: &str) -> Result<(), BundleError> {
    let plain = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
    if plain {
        return Ok(());
    }
    Err(BundleError::Malformed {
        place: place.into(),
        why: format!("file name {name:?} is not a plain name"),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A manifest with recognisable values.
    pub(crate) fn sample() -> Manifest {
        let member = |file: &str| Member {
            file: file.into(),
            bytes: 3,
            sha256: "00".repeat(32),
        };
        Manifest {
            version: VERSION,
            image: ImageName {
                reference: "docker://redis".into(),
                digest: "sha256:12".into(),
            },
            profile: "app".into(),
            vmm: "qemu".into(),
            kernel: KernelPart {
                vmlinux: member("vmlinux"),
                key: "k".into(),
                series: "6.12".into(),
                version: "6.12.48".into(),
                options_set: 300,
                bzimage: None,
                config: member("kernel.config"),
                symbols: Some(member("System.map")),
                files: None,
            },
            rootfs: RootfsPart {
                image: member("rootfs.ext2"),
                format: "ext2".into(),
                key: "r".into(),
                changed: Vec::new(),
            },
            spec: GuestSpec {
                argv: vec!["redis-server".into()],
                ..GuestSpec::default()
            },
            entrypoint: Vec::new(),
            mem_mib: Some(64),
            exposed_ports: vec![ExposedPort {
                port: 6379,
                udp: false,
            }],
            stop_signal: Some("SIGTERM".into()),
            labels: BTreeMap::new(),
            needs: serde_json::json!([]),
            created_by: "lupine test".into(),
        }
    }

    #[test]
    fn a_manifest_survives_the_round_trip() {
        let text = serde_json::to_vec(&sample()).unwrap();
        assert_eq!(Manifest::parse(&text, "x").unwrap(), sample());
    }

    #[test]
    fn another_version_is_refused_as_such_even_where_all_else_differs() {
        let error = Manifest::parse(br#"{"version": 7, "new": true}"#, "here").unwrap_err();
        assert!(
            matches!(error, BundleError::Version { version: 7, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("here"), "{error}");
    }

    #[test]
    fn a_name_that_leaves_the_directory_is_refused() {
        for name in ["../vmlinux", "/etc/passwd", "", "..", "a/b"] {
            let mut manifest = sample();
            manifest.kernel.vmlinux.file = name.into();
            let text = serde_json::to_vec(&manifest).unwrap();
            assert!(Manifest::parse(&text, "x").is_err(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Manifest::parse(&bytes, "x");
        }

        #[test]
        fn a_damaged_manifest_never_panics(at in 0usize..1000, byte: u8) {
            let mut text = serde_json::to_vec(&sample()).unwrap();
            let at = at % text.len();
            text[at] = byte;
            let _ = Manifest::parse(&text, "x");
        }
    }
}
