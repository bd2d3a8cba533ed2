//! Bundles on disk: made, opened, damaged, replaced.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lupine_bundle::{
    BundleError, ExposedPort, ImageName, KernelFiles, MANIFEST, Parts, RootfsFile, assemble,
    is_bundle, open,
};
use lupine_init::GuestSpec;

struct Bench {
    dir: tempfile::TempDir,
    spec: GuestSpec,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("k", "kernel"),
            ("z", "bz"),
            ("c", "config"),
            ("s", "symbols"),
            ("f", "files"),
            ("r", "rootfs"),
        ] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let spec = GuestSpec {
            argv: vec!["/bin/app".into()],
            env: vec!["A=1".into()],
            ..GuestSpec::default()
        };
        Self { dir, spec }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Assembles into `to`; `key` tells one bundle from another.
    fn assemble(&self, to: &Path, key: &str) -> Result<lupine_bundle::Bundle, BundleError> {
        let (vmlinux, bzimage) = (self.path("k"), self.path("z"));
        let (config, rootfs) = (self.path("c"), self.path("r"));
        let parts = Parts {
            image: ImageName {
                reference: "docker://app".into(),
                digest: "sha256:1".into(),
            },
            profile: "app",
            vmm: "qemu",
            kernel: KernelFiles {
                vmlinux: &vmlinux,
                bzimage: Some(&bzimage),
                config: &config,
                symbols: Some(&self.path("s")),
                files: Some(&self.path("f")),
                key,
                series: "6.12",
                version: "6.12.48",
                options_set: 1,
            },
            rootfs: RootfsFile {
                path: &rootfs,
                format: "ext2",
                key: "r",
                changed: &[],
            },
            spec: &self.spec,
            entrypoint: Vec::new(),
            mem_mib: None,
            exposed_ports: vec![ExposedPort {
                port: 53,
                udp: true,
            }],
            stop_signal: None,
            labels: BTreeMap::new(),
            needs: serde_json::Value::Null,
        };
        assemble(to, &parts)
    }

    fn leftovers(&self) -> Vec<String> {
        let names = fs::read_dir(self.dir.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with('.')).collect()
    }
}

#[test]
fn what_was_assembled_opens_and_verifies() {
    let bench = Bench::new();
    let to = bench.path("new/deep/bundle");
    let made = bench.assemble(&to, "one").unwrap();
    let opened = open(&to).unwrap();
    assert_eq!(opened.manifest, made.manifest);
    opened.verify().unwrap();
    assert_eq!(fs::read(opened.kernel()).unwrap(), b"kernel");
    assert_eq!(fs::read(opened.rootfs()).unwrap(), b"rootfs");
    assert_eq!(fs::read(to.join("System.map")).unwrap(), b"symbols");
    assert_eq!(fs::read(to.join("kernel.files")).unwrap(), b"files");
    let config: serde_json::Value =
        serde_json::from_slice(&fs::read(to.join("config.json")).unwrap()).unwrap();
    assert_eq!(config["process"]["args"][0], "/bin/app");
    // Other tools read it, too.
    oci_spec::runtime::Spec::load(to.join("config.json")).unwrap();
}

#[test]
fn a_bundle_is_replaced_whole_and_nothing_is_left_beside_it() {
    let bench = Bench::new();
    let to = bench.path("bundle");
    bench.assemble(&to, "one").unwrap();
    fs::write(to.join("extra"), "").unwrap();
    bench.assemble(&to, "two").unwrap();
    assert_eq!(open(&to).unwrap().manifest.kernel.key, "two");
    assert!(!to.join("extra").exists());
    assert_eq!(bench.leftovers(), [""; 0]);
}

#[test]
fn an_empty_directory_is_used_and_a_full_one_refused() {
    let bench = Bench::new();
    let (empty, full) = (bench.path("empty"), bench.path("full"));
    fs::create_dir_all(&empty).unwrap();
    bench.assemble(&empty, "one").unwrap();
    fs::create_dir_all(&full).unwrap();
    fs::write(full.join("thesis.tex"), "years").unwrap();
    let error = bench.assemble(&full, "one").unwrap_err();
    assert!(matches!(error, BundleError::Occupied { .. }), "{error}");
    assert_eq!(fs::read(full.join("thesis.tex")).unwrap(), b"years");
    let file = bench.path("full/thesis.tex");
    assert!(bench.assemble(&file, "one").is_err());
    assert_eq!(bench.leftovers(), [""; 0]);
}

#[test]
fn a_part_that_is_missing_leaves_the_old_bundle() {
    let bench = Bench::new();
    let to = bench.path("bundle");
    bench.assemble(&to, "one").unwrap();
    fs::remove_file(bench.path("r")).unwrap();
    let error = bench.assemble(&to, "two").unwrap_err();
    assert!(error.to_string().contains('r'), "{error}");
    assert_eq!(open(&to).unwrap().manifest.kernel.key, "one");
    open(&to).unwrap().verify().unwrap();
    assert_eq!(bench.leftovers(), [""; 0]);
}

#[test]
fn what_a_killed_assembly_left_is_swept() {
    let bench = Bench::new();
    let left = bench.path(".bundle.lupine-a1b2c3");
    fs::create_dir_all(left.join("x")).unwrap();
    bench.assemble(&bench.path("bundle"), "one").unwrap();
    assert!(!left.exists());
}

#[test]
fn damage_is_named() {
    let bench = Bench::new();
    let to = bench.path("bundle");
    let made = bench.assemble(&to, "one").unwrap();

    // Replaced rather than rewritten: the file is shared with the cache.
    let replace = |text: &str| {
        fs::remove_file(made.rootfs()).unwrap();
        fs::write(made.rootfs(), text).unwrap();
    };
    replace("rootFS");
    let error = open(&to).unwrap().verify().unwrap_err();
    assert!(matches!(error, BundleError::MemberDigest { .. }), "{error}");
    replace("root");
    let error = open(&to).unwrap_err();
    assert!(
        error.to_string().contains("4 bytes") && error.to_string().contains('6'),
        "{error}"
    );
    fs::remove_file(made.rootfs()).unwrap();
    let error = open(&to).unwrap_err();
    assert!(
        error.to_string().contains("rootfs.ext2 is missing"),
        "{error}"
    );
}

#[test]
fn a_foreign_directory_is_no_bundle() {
    let bench = Bench::new();
    let dir = bench.path("foreign");
    assert!(
        open(&dir)
            .unwrap_err()
            .to_string()
            .contains("no such directory")
    );
    fs::create_dir_all(&dir).unwrap();
    assert!(!is_bundle(&dir));
    assert!(open(&dir).unwrap_err().to_string().contains("lupine.json"));
    fs::write(dir.join(MANIFEST), "{\"version\": 9}").unwrap();
    assert!(is_bundle(&dir));
    let error = open(&dir).unwrap_err();
    assert!(
        matches!(error, BundleError::Version { version: 9, .. }),
        "{error}"
    );
    fs::write(dir.join(MANIFEST), "[").unwrap();
    assert!(matches!(
        open(&dir).unwrap_err(),
        BundleError::Malformed { .. }
    ));
}

#[test]
fn a_bundle_that_was_copied_elsewhere_opens() {
    let bench = Bench::new();
    let (to, copy) = (bench.path("bundle"), bench.path("copy"));
    bench.assemble(&to, "one").unwrap();
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(&to).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    open(&copy).unwrap().verify().unwrap();
}
