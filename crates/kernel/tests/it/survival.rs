//! Two at once, and kills.

use std::time::{Duration, Instant};

use lupine_store::Store;
use lupine_tool::Tool;

use crate::world::World;

/// Tells the child below that it is one.
const STORE: &str = "LUPINE_KERNEL_TEST_STORE";
const SLOW: &str = "CONFIG_PVH=y\nCONFIG_FAKE_SLOW=y";

/// No test of its own: another test runs it in a process that is then killed.
#[test]
fn child_that_builds() {
    if let Some(root) = std::env::var_os(STORE) {
        let world = World {
            store: Store::open(root).unwrap(),
            ..World::new()
        };
        world.build(SLOW).unwrap();
    }
}

#[test]
fn two_who_want_the_same_kernel_build_it_once() {
    let world = World::new();
    let kernels = std::thread::scope(|scope| {
        let run = || scope.spawn(|| world.build(SLOW).unwrap());
        [run(), run()].map(|thread| thread.join().unwrap())
    });
    assert_eq!(kernels[0].key, kernels[1].key);
    assert_eq!(
        kernels[0].metadata, kernels[1].metadata,
        "both have the one build's record"
    );
    assert!(world.said.has("waiting for another process"));
}

#[test]
fn a_build_killed_at_any_moment_can_be_repeated() {
    let world = World::new();
    for moment in [0, 40, 120, 400, 900, 1400] {
        let mut child = Tool::new(std::env::current_exe().unwrap())
            .args(["--exact", "survival::child_that_builds", "--nocapture"])
            .env(STORE, world.store.root())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        child.kill();
    }
    let kernel = world.build(SLOW).unwrap();
    let clean = World::new().build(SLOW).unwrap();
    assert_eq!(kernel.metadata.vmlinux, clean.metadata.vmlinux);
    assert_eq!(world.store.keys("kernels").unwrap(), [kernel.key]);
}

#[test]
fn no_compiler_outlives_a_killed_build() {
    let world = World::new();
    let mut child = Tool::new(std::env::current_exe().unwrap())
        .args(["--exact", "survival::child_that_builds", "--nocapture"])
        .env(STORE, world.store.root())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while world.store.keys("builds").unwrap().is_empty() {
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(600));
    child.kill();
    // Taken only when the last process of the killed build is gone.
    let locks = world.store.root().join("locks");
    for entry in std::fs::read_dir(locks).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with("-alive") {
            drop(world.store.lock(&name).unwrap());
        }
    }
    let root = world.store.root().to_string_lossy().into_owned();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let cwd = std::fs::read_link(process.path().join("cwd")).unwrap_or_default();
        assert!(
            !cwd.to_string_lossy().starts_with(&root),
            "{process:?} works on"
        );
    }
}
