//! The real source's own tools as golden truth. Needs Debian's linux-source-6.12, which
//! `make test` installs.

use std::fs;
use std::path::Path;

use lupine_kconfig::{DotConfig, merge};
use lupine_kernel::{Data, SourceSpec, fragments, resolve, source_tree, symbols};
use lupine_needs::Needs;
use lupine_store::Store;
use lupine_tool::Tool;

use crate::world::World;

/// The unpacked source is kept between test runs; it is 1.7 GB.
fn real_world() -> World {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lupine-kernel-store");
    World {
        store: Store::open(root).unwrap(),
        source: SourceSpec::Debian,
        patch_sets: Vec::new(),
        ..World::new()
    }
}

/// The kernel's own `merge_config.sh -n` on the same lines, with the same environment.
fn by_merge_config(source: &Path, asked: &str) -> DotConfig {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("asked.config");
    fs::write(&input, asked).unwrap();
    Tool::new(source.join("scripts/kconfig/merge_config.sh"))
        .args(["-n", "-O"])
        .arg(dir.path())
        .arg(&input)
        .current_dir(source)
        .env("ARCH", "x86_64")
        .env("MAKEFLAGS", "RUSTC=none PAHOLE=none")
        .run()
        .unwrap();
    DotConfig::parse(&fs::read_to_string(dir.path().join(".config")).unwrap()).unwrap()
}

#[test]
fn resolution_is_that_of_the_kernels_merge_config() {
    let world = real_world();
    let data = Data::builtin().unwrap();
    let parts = fragments(&data, &Needs::default(), "qemu", &[], &[]).unwrap();
    let merged = merge(&parts).unwrap();
    let resolved = resolve(&world.store, &merged, &world.options()).unwrap();
    let golden = by_merge_config(&resolved.source.dir, &merged.to_config());
    assert_eq!(resolved.config.to_string(), golden.to_string());
    // These tests are run by cargo, so rustc is there.
    assert!(resolved.text.contains("CONFIG_RUSTC_VERSION=0\n"));
}

#[test]
fn the_real_kconfig_files_are_read_with_their_architecture() {
    let world = real_world();
    let tree = source_tree(
        &world.store,
        &world.data,
        &world.source,
        &world.patch_sets,
        &world.said,
    )
    .unwrap();
    let symbols = symbols(&world.store, &tree).unwrap();
    assert!(symbols.symbols.len() > 10_000, "{}", symbols.symbols.len());
    let pvh = &symbols.get("PVH").unwrap().definitions[0];
    assert_eq!(pvh.file, "arch/x86/Kconfig");
    assert!(pvh.line.is_some());
    let virtio_net = &symbols.get("CONFIG_VIRTIO_NET").unwrap().definitions[0];
    assert!(
        virtio_net.depends.iter().any(|d| d == "NET_CORE"),
        "{virtio_net:?}"
    );
}
