//! Patch sets on a fresh tree.

use std::fs;
use std::path::Path;

use lupine_kernel::{Data, KernelError, source_tree};

use crate::world::{World, fake_kernel};

const GOOD: &str = "From: a test\nSubject: [PATCH] fs: more disks\n\n---\n\
    --- a/fs/disk.c\n+++ b/fs/disk.c\n@@ -5,5 +5,5 @@\n \treturn blocks;\n #else\n-\treturn 2;\n\
    +\treturn 7;\n #endif\n }\n";
const BAD: &str = "--- a/fs/event.c\n+++ b/fs/event.c\n@@ -4,4 +4,4 @@\n \
    #ifdef CONFIG_EPOLL\n-\treturn 99;\n+\treturn 5;\n #else\n \treturn 3;\n";

fn world(patches: &[(&str, &str)]) -> World {
    let world = World::new();
    let dir = world.dir.path().join("data");
    let set = dir.join("patches/6.12/disks");
    fs::create_dir_all(&set).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kernel/kernels.toml");
    fs::copy(own, dir.join("kernels.toml")).unwrap();
    for (name, text) in patches {
        fs::write(set.join(name), text).unwrap();
    }
    World {
        data: Data::from_dir(&dir).unwrap(),
        patch_sets: vec!["none".into(), "disks".into()],
        ..world
    }
}

#[test]
fn a_patch_changes_the_kernel_and_not_the_source() {
    let world = world(&[("0001-fs-more-disks.patch", GOOD)]);
    let patched = world.build("CONFIG_PVH=y").unwrap();
    assert_eq!(patched.metadata.patches, ["disks/0001-fs-more-disks.patch"]);
    assert!(
        patched
            .dir
            .join("patches/disks/0001-fs-more-disks.patch")
            .is_file()
    );
    let plain = World {
        patch_sets: vec!["none".into()],
        ..world
    };
    let kernel = plain.build("CONFIG_PVH=y").unwrap();
    assert_ne!(kernel.metadata.vmlinux, patched.metadata.vmlinux);
    let tree = source_tree(
        &plain.store,
        &plain.data,
        &plain.source,
        &plain.patch_sets,
        &plain.said,
    )
    .unwrap();
    let original = fs::read(fake_kernel().join("fs/disk.c")).unwrap();
    assert_eq!(fs::read(tree.dir.join("fs/disk.c")).unwrap(), original);
}

#[test]
fn a_patch_that_does_not_apply_names_file_and_hunk() {
    let world = world(&[("0001-good.patch", GOOD), ("0002-bad.patch", BAD)]);
    let error = world.build("CONFIG_PVH=y").unwrap_err();
    assert_eq!(
        error.to_string(),
        "patch disks/0002-bad.patch does not apply to fs/event.c, hunk 1"
    );
    let names = world.store.keys("sources").unwrap();
    assert_eq!(names.len(), 1, "only the unpatched tree is kept");
}

#[test]
fn an_unknown_patch_set_lists_the_known_ones() {
    let world = World {
        patch_sets: vec!["none".into(), "kml2".into()],
        ..world(&[("0001-a.patch", GOOD)])
    };
    let error = world.build("CONFIG_PVH=y").unwrap_err();
    assert!(
        matches!(error, KernelError::UnknownPatchSet { .. }),
        "{error}"
    );
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.contains("disks"), "{help}");
}
