//! Every way to name a source.

use std::fs;
use std::path::PathBuf;

use lupine_kernel::{KernelError, SourceSpec};
use lupine_tool::Tool;

use crate::world::{World, fake_kernel};

const PLAIN: &str = "CONFIG_PVH=y";

/// A tarball of the fake kernel and its sha256.
fn tarball(world: &World) -> (PathBuf, String) {
    let file = world.dir.path().join("linux-6.12.tar.gz");
    Tool::new("tar")
        .args([
            "--sort=name",
            "--mtime=@0",
            "--transform=s,^fake-kernel,linux-6.12,",
            "-czf",
        ])
        .arg(&file)
        .arg("-C")
        .arg(fake_kernel().join(".."))
        .arg("fake-kernel")
        .run()
        .unwrap();
    let output = Tool::new("sha256sum").arg(&file).run().unwrap();
    let digest = String::from_utf8(output.stdout).unwrap()[..64].to_owned();
    (file, digest)
}

#[test]
fn a_tarball_a_directory_and_a_url_give_one_kernel() {
    let mut world = World::new();
    let vmlinux = world.build(PLAIN).unwrap().metadata.vmlinux;
    let (path, sha256) = tarball(&world);
    let url = format!("file://{}", path.display());
    world.source = SourceSpec::Tarball {
        path,
        sha256: Some(sha256.clone()),
    };
    let kernel = world.build(PLAIN).unwrap();
    assert_eq!(kernel.metadata.vmlinux, vmlinux);
    assert_eq!(kernel.metadata.source_sha256, sha256);
    world.source = SourceSpec::Url { url, sha256 };
    assert_eq!(world.build(PLAIN).unwrap().key, kernel.key);
}

#[test]
fn a_wrong_digest_is_refused_everywhere() {
    let mut world = World::new();
    let (path, actual) = tarball(&world);
    let expected = "0".repeat(64);
    let url = format!("file://{}", path.display());
    let tarball = SourceSpec::Tarball {
        path,
        sha256: Some(expected.clone()),
    };
    for source in [
        tarball,
        SourceSpec::Url {
            url,
            sha256: expected,
        },
    ] {
        world.source = source;
        let error = world.build(PLAIN).unwrap_err();
        assert!(matches!(error, KernelError::WrongDigest { .. }), "{error}");
        assert!(error.to_string().contains(&actual), "{error}");
    }
}

#[test]
fn a_newer_debian_package_than_the_pin_works_and_is_noted() {
    let mut world = World::new();
    world.data.pin.file = tarball(&world).0;
    world.source = SourceSpec::Debian;
    let kernel = world.build(PLAIN).unwrap();
    assert!(world.said.has("is not the pinned version"));
    assert!(!kernel.metadata.source_pinned);
    assert_eq!(kernel.metadata.version, "6.12.0");
}

#[test]
fn a_debian_package_that_does_not_exist_says_what_to_do() {
    let mut world = World::new();
    world.data.pin.file = "/usr/src/no-such-linux.tar.xz".into();
    world.data.pin.package = "linux-source-no-such".into();
    world.source = SourceSpec::Debian;
    let error = world.build(PLAIN).unwrap_err();
    assert!(
        matches!(error, KernelError::NoDebianSource { .. }),
        "{error}"
    );
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(
        help.contains("apt-get install linux-source-no-such"),
        "{help}"
    );
}

#[test]
fn what_is_no_kernel_of_this_series_is_refused() {
    let mut world = World::new();
    let dir = world.dir.path().join("not-a-kernel");
    fs::create_dir(&dir).unwrap();
    world.source = SourceSpec::Directory(dir.clone());
    assert!(matches!(
        world.build(PLAIN),
        Err(KernelError::NoKernel { .. })
    ));
    fs::write(dir.join("Kconfig"), "").unwrap();
    fs::write(
        dir.join("Makefile"),
        "VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 1\n",
    )
    .unwrap();
    assert!(matches!(
        world.build(PLAIN),
        Err(KernelError::WrongSeries { .. })
    ));
    let broken = world.dir.path().join("broken.tar.gz");
    fs::write(&broken, "no archive").unwrap();
    world.source = SourceSpec::Tarball {
        path: broken,
        sha256: None,
    };
    assert!(matches!(
        world.build(PLAIN),
        Err(KernelError::NoKernel { .. })
    ));
}

#[test]
fn a_download_that_fails_names_the_address() {
    let mut world = World::new();
    let url = "file:///nowhere/linux.tar.xz".to_owned();
    world.source = SourceSpec::Url {
        url,
        sha256: "0".repeat(64),
    };
    let error = world.build(PLAIN).unwrap_err();
    assert!(
        error.to_string().contains("file:///nowhere/linux.tar.xz"),
        "{error}"
    );
}

#[test]
fn a_changed_directory_is_another_source() {
    let mut world = World::new();
    let dir = world.dir.path().join("mine");
    Tool::new("cp")
        .arg("-r")
        .arg(fake_kernel())
        .arg(&dir)
        .run()
        .unwrap();
    world.source = SourceSpec::Directory(dir.clone());
    let before = world.build(PLAIN).unwrap();
    let file = dir.join("fs/disk.c");
    let text = fs::read_to_string(&file)
        .unwrap()
        .replace("return 2", "return 8");
    fs::write(&file, text).unwrap();
    assert_ne!(world.build(PLAIN).unwrap().key, before.key);
}
