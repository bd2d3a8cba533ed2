//! A guest that dies under KVM in the way a broken nested hypervisor kills it.

use std::fs::{self, File};

use crate::guest::{Lupine, Ran, image};

/// What this host's own probe says.
fn verdict(lupine: &Lupine) -> String {
    let ran = lupine.run(&["--name", "probe"], &["true"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let stats = &lupine.inspect("probe")["stats"];
    stats["accelerator"]["kind"].as_str().unwrap().to_owned()
}

#[test]
fn it_is_booted_again_with_tcg_once_and_kvm_is_not_tried_by_the_next() {
    let lupine = Lupine::new();
    let bundle = lupine.state().join("bundle");
    let bundle = bundle.to_str().unwrap();
    let image = image();
    let build = [
        "build",
        "--profile",
        "general",
        "-o",
        bundle,
        &image,
        "--",
        "echo",
        "up",
    ];
    let built = lupine.lupine(&build);
    assert_eq!(built.status, 0, "{built:?}");
    // Another cache, in which the probe's answer is made to be wrong.
    let cache = tempfile::tempdir().unwrap();
    let run = || {
        let mut command = lupine.command();
        command.env("LUPINE_CACHE", cache.path());
        Ran::from(command.args(["run", "--rm", bundle]).output().unwrap())
    };
    assert_eq!(run().stdout, "up\n");
    let known = cache.path().join("accelerator");
    for answer in fs::read_dir(&known).into_iter().flatten().flatten() {
        fs::write(answer.path(), r#"{"kind":"kvm","why":"forged"}"#).unwrap();
    }
    let first = run();
    assert_eq!(
        (first.status, first.stdout.as_str()),
        (0, "up\n"),
        "{first:?}"
    );
    // Where KVM works, or cannot be opened at all, there is nothing to fall back from.
    let opens = File::options()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .is_ok();
    let falls_back = opens && verdict(&lupine) == "tcg";
    let said = "booting it again with TCG";
    assert_eq!(
        first.stderr.matches(said).count(),
        usize::from(falls_back),
        "{first:?}"
    );
    let second = run();
    assert_eq!(
        (second.status, second.stdout.as_str()),
        (0, "up\n"),
        "{second:?}"
    );
    assert!(!second.stderr.contains(said), "{second:?}");
}
