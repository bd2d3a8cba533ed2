//! Verbs that list and report.

use serde_json::Value;

use crate::guest::{Lupine, image};

fn json(lupine: &Lupine, words: &[&str]) -> Value {
    let ran = lupine.lupine(words);
    assert_eq!(ran.status, 0, "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"))
}

#[test]
fn an_option_is_explained_with_its_evidence() {
    let lupine = Lupine::new();
    let image = image();
    let words = [
        "config",
        "--profile",
        "general",
        "--explain",
        "EPOLL",
        &image,
        "--",
        "sh",
    ];
    let ran = lupine.lupine(&words);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.starts_with("CONFIG_EPOLL=y"), "{ran:?}");
    assert!(
        ran.stdout
            .contains("evidence: epoll: the general profile has it"),
        "{ran:?}"
    );
    let value = json(
        &lupine,
        &[
            "config",
            "--profile",
            "general",
            "--explain",
            "EPOLL",
            "--format",
            "json",
            &image,
            "--",
            "sh",
        ],
    );
    assert_eq!(value["value"], "y", "{value}");
    let unknown = lupine.lupine(&[
        "config",
        "--profile",
        "general",
        "--explain",
        "NO_SUCH",
        &image,
        "--",
        "sh",
    ]);
    assert!(
        unknown.status == 1 && unknown.stderr.contains("NO_SUCH"),
        "{unknown:?}"
    );
}

#[test]
fn every_option_of_a_config_has_a_reason() {
    let lupine = Lupine::new();
    let image = image();
    let ran = lupine.lupine(&["config", "--profile", "general", &image, "--", "sh"]);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(lines.len() > 200, "{}", lines.len());
    for line in lines {
        assert!(
            line.starts_with("CONFIG_") && line.contains("  # "),
            "{line}"
        );
    }
}

#[test]
fn a_config_differs_from_another_and_not_from_itself() {
    let lupine = Lupine::new();
    let image = image();
    let file = lupine.state().join("kernel.config");
    std::fs::write(&file, "CONFIG_64BIT=y\nCONFIG_NOT_THERE=y\n").unwrap();
    let path = file.display().to_string();
    let same = lupine.lupine(&["config", "--diff", &path, &path]);
    assert_eq!((same.status, same.stdout.as_str()), (0, ""), "{same:?}");
    let words = [
        "config",
        "--profile",
        "general",
        "--diff",
        &path,
        &image,
        "--",
        "sh",
    ];
    let other = lupine.lupine(&words);
    assert!(
        other.stdout.contains("CONFIG_NOT_THERE: off -> y\n"),
        "{other:?}"
    );
    assert!(!other.stdout.contains("CONFIG_64BIT:"), "{other:?}");
}

#[test]
fn images_are_listed_inspected_and_forgotten() {
    let lupine = Lupine::new();
    // An image of its own: others use the shared one at the same time.
    let dir = lupine.state().join("image");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("file"), "x").unwrap();
    let name = format!("dir:{}", dir.display());
    let pulled = lupine.lupine(&["pull", &name]);
    assert_eq!(
        (pulled.status, pulled.stdout.trim()),
        (0, name.as_str()),
        "{pulled:?}"
    );
    let listed = |lupine: &Lupine| lupine.lupine(&["images", "-q"]).stdout.contains(&name);
    assert!(listed(&lupine));
    let facts = json(&lupine, &["inspect", &name]);
    assert_eq!(facts["layers"].as_array().unwrap().len(), 1, "{facts}");
    assert_eq!(lupine.lupine(&["rmi", &name]).status, 0);
    assert!(!listed(&lupine));
    assert_eq!(lupine.lupine(&["rmi", &name]).status, 1);
}

#[test]
fn the_cache_is_listed_by_kind() {
    let lupine = Lupine::new();
    lupine.lupine(&["pull", &image()]);
    let value = json(&lupine, &["cache", "ls", "--format", "json"]);
    let kinds: Vec<_> = value["kinds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|k| &k["kind"])
        .collect();
    assert!(kinds.contains(&&Value::from("blobs")), "{value}");
}

#[test]
fn pruning_a_cache_of_its_own_empties_it() {
    let lupine = Lupine::new();
    let cache = lupine.state().join("cache");
    let with_cache = |words: &[&str]| {
        let output = lupine
            .command()
            .env("LUPINE_CACHE", &cache)
            .args(words)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    with_cache(&["pull", &image()]);
    with_cache(&["cache", "prune"]);
    assert!(with_cache(&["images", "-q"]).contains("busybox-image"));
    with_cache(&["cache", "prune", "--all"]);
    assert_eq!(with_cache(&["images", "-q"]), "");
}
