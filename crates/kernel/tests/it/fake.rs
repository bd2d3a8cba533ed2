//! Building, caching, sharing, failing.

use std::fs;

use lupine_kernel::{Formats, KernelError, baseline, build, find, of_config, resolve, smallest};
use lupine_tool::Tool;
use miette::Diagnostic;

use crate::world::{World, asked, fake_kernel};

const PLAIN: &str = "CONFIG_PVH=y\nCONFIG_NET=y";

#[test]
fn a_kernel_is_built_once_and_described() {
    let world = World::new();
    let kernel = world.build(PLAIN).unwrap();
    assert!(world.said.has("building kernel"));
    let metadata = &kernel.metadata;
    assert_eq!(metadata.version, "6.12.0");
    assert_eq!(metadata.options_set, 2);
    assert_eq!(metadata.objects.total, 5);
    assert_eq!(metadata.objects.compiled, 5);
    assert_eq!(
        metadata.vmlinux.bytes,
        fs::metadata(&kernel.vmlinux).unwrap().len()
    );
    assert!(!metadata.source_pinned);
    let files = fs::read_to_string(kernel.files.as_ref().unwrap()).unwrap();
    assert_eq!(
        files,
        "fs/disk.c\nfs/event.c\ninit/main.c\ninit/version.c\nnet/socket.c\n"
    );

    let config = fs::read(&kernel.config).unwrap();
    let same = of_config(&world.store, &config).unwrap().unwrap();
    assert_eq!(same.key, kernel.key);
    assert!(of_config(&world.store, b"").unwrap().is_none());
    let again = World {
        said: Default::default(),
        ..world
    };
    assert_eq!(again.build(PLAIN).unwrap().key, kernel.key);
    assert!(!again.said.has(""), "a cached kernel takes no step");
}

#[test]
fn a_whole_config_of_another_version_is_a_baseline() {
    let world = World::new();
    let config = format!("{PLAIN}\nCONFIG_FAKE_UNKNOWN=y\n");
    let kernel = baseline(&world.store, &config, &world.options()).unwrap();
    assert_eq!(kernel.metadata.options_set, 2);
    let again = baseline(&world.store, &config, &world.options()).unwrap();
    assert_eq!(again.key, kernel.key);
    // The same lines as requests are refused: none of them may be dropped.
    assert!(world.build(&config).is_err());
}

#[test]
fn a_kernel_of_the_pinned_source_is_found_without_that_source() {
    let mut world = World::new();
    let kernel = world.build(PLAIN).unwrap();
    assert!(
        find(&world.store, &asked(PLAIN), &world.data)
            .unwrap()
            .is_none()
    );
    world.data.pin.sha256 = kernel.metadata.source_sha256;
    world.data.pin.patch_sets.clear();
    let found = find(&world.store, &asked(PLAIN), &world.data).unwrap();
    assert_eq!(found.unwrap().key, kernel.key);
    let other = asked("CONFIG_PVH=y");
    assert!(find(&world.store, &other, &world.data).unwrap().is_none());
}

#[test]
fn a_kernel_that_has_more_stands_in_and_of_several_the_smallest() {
    let mut world = World::new();
    let kernel = world.build(PLAIN).unwrap();
    let more = world.build(&format!("{PLAIN}\nCONFIG_EXPERT=y")).unwrap();
    world.data.pin.sha256 = kernel.metadata.source_sha256;
    world.data.pin.patch_sets.clear();
    let found = |lines: &str| smallest(&world.store, &asked(lines), &world.data).unwrap();
    let least = kernel
        .metadata
        .vmlinux
        .bytes
        .min(more.metadata.vmlinux.bytes);
    assert_eq!(found("CONFIG_PVH=y").unwrap().metadata.vmlinux.bytes, least);
    assert_eq!(found("CONFIG_EXPERT=y").unwrap().key, more.key);
    assert!(found("CONFIG_EPOLL=y").is_none());
}

#[test]
fn requests_that_resolve_alike_share_a_kernel() {
    let world = World::new();
    let one = world.build(PLAIN).unwrap();
    let two = world.build(&format!("{PLAIN}\nCONFIG_CC_VERSION_TEXT=\"x\""));
    assert!(two.is_ok() || matches!(two, Err(KernelError::Check(_))));
    assert_eq!(
        world.store.keys("kernels").unwrap().len(),
        1 + usize::from(two.is_ok())
    );
    assert!(one.dir.join("metadata.json").is_file());
}

#[test]
fn the_same_inputs_give_the_same_bytes_in_another_place() {
    let (one, two) = (World::new(), World::new());
    let (one, two) = (one.build(PLAIN).unwrap(), two.build(PLAIN).unwrap());
    assert_eq!(one.key, two.key);
    assert_eq!(one.metadata.vmlinux, two.metadata.vmlinux);
    assert_eq!(fs::read(one.config).unwrap(), fs::read(two.config).unwrap());
}

#[test]
fn a_kernel_built_after_another_is_the_one_built_alone() {
    let (mixed, clean) = (World::new(), World::new());
    mixed.build(PLAIN).unwrap();
    let second = "CONFIG_PVH=y\nCONFIG_EPOLL=y";
    let (after, alone) = (mixed.build(second).unwrap(), clean.build(second).unwrap());
    assert_eq!(after.metadata.vmlinux, alone.metadata.vmlinux);
    let objects = after.metadata.objects;
    assert_eq!((objects.total, objects.kept), (5, 3), "{objects:?}");
}

#[test]
fn what_was_compiled_before_is_not_compiled_again() {
    let world = World::new();
    world.build(PLAIN).unwrap();
    world.build("CONFIG_PVH=y\nCONFIG_EPOLL=y").unwrap();
    let third = world.build("CONFIG_PVH=y").unwrap().metadata.objects;
    assert_eq!(
        (third.kept, third.cached, third.compiled),
        (4, 1, 0),
        "{third:?}"
    );
}

#[test]
fn the_reproducer_gives_the_same_bytes() {
    let world = World::new();
    let kernel = world.build(PLAIN).unwrap();
    let dir = tempfile::tempdir().unwrap();
    Tool::new("sh")
        .args(["-c", &kernel.metadata.reproducer])
        .env("KERNEL", &kernel.dir)
        .env("SOURCE", fake_kernel())
        .current_dir(dir.path())
        .run()
        .unwrap();
    let by_hand = fs::read(dir.path().join("vmlinux")).unwrap();
    assert!(by_hand == fs::read(kernel.vmlinux).unwrap());
}

#[test]
fn a_bzimage_comes_when_asked_for() {
    let world = World::new();
    let mut options = world.options();
    options.formats = Formats { bzimage: true };
    let kernel = build(&world.store, &asked(PLAIN), &options).unwrap();
    assert!(kernel.bzimage.unwrap().is_file());
    assert!(world.build(PLAIN).unwrap().bzimage.is_none());
}

#[test]
fn a_compiler_error_is_quoted_and_the_next_build_works() {
    let world = World::new();
    let error = world
        .build("CONFIG_PVH=y\nCONFIG_FAKE_COMPILE_ERROR=y")
        .unwrap_err();
    let KernelError::Build { errors, log } = &error else {
        panic!("{error}");
    };
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("fs/disk.c:5:"), "{errors:?}");
    assert!(fs::read_to_string(log).unwrap().contains("CC"));
    let kernel = world.build(PLAIN).unwrap();
    assert_eq!(
        kernel.metadata.vmlinux,
        World::new().build(PLAIN).unwrap().metadata.vmlinux
    );
}

#[test]
fn a_linker_error_is_quoted() {
    let error = World::new().build("CONFIG_FAKE_LINK_ERROR=y").unwrap_err();
    assert!(error.to_string().contains("ld:--defsym"), "{error}");
}

#[test]
fn a_full_disk_is_said_as_such() {
    let world = World::new();
    let error = world.build("CONFIG_FAKE_DISK_FULL=y").unwrap_err();
    assert!(matches!(error, KernelError::DiskFull { .. }), "{error}");
    world.build(PLAIN).unwrap();
}

#[test]
fn a_failing_kconfig_is_quoted() {
    let error = World::new()
        .build("CONFIG_FAKE_KCONFIG_ERROR=y")
        .unwrap_err();
    assert!(matches!(error, KernelError::Kconfig { .. }), "{error}");
    assert!(
        error.to_string().contains("Kconfig:3: syntax error"),
        "{error}"
    );
}

#[test]
fn a_dropped_option_names_what_it_depends_on() {
    let world = World::new();
    let error = world
        .build("CONFIG_EXPERT=y\nCONFIG_FAKE_NEEDS_NET=y")
        .unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, KernelError::Check(_)), "{text}");
    assert!(
        text.contains("CONFIG_FAKE_NEEDS_NET") && text.contains("NET"),
        "{text}"
    );
    let help = error.help().unwrap().to_string();
    assert!(help.contains("CONFIG_NET"), "{help}");
    world
        .build("CONFIG_EXPERT=y\nCONFIG_FAKE_NEEDS_NET=y\nCONFIG_NET=y")
        .unwrap();
}

#[test]
fn an_unknown_option_is_told() {
    let world = World::new();
    let error = resolve(
        &world.store,
        &asked("CONFIG_FAKE_UNKNOWN=y"),
        &world.options(),
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("CONFIG_FAKE_UNKNOWN")
    );
}
