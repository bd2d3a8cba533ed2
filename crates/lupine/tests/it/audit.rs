//! `lupine audit` on kernels' directories as the cache has them. Nothing is built here: a test of the kernel crate builds configurations.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::guest::{Lupine, Ran};

const SMALL: (&str, &str) = (
    "1 T start_kernel\n2 T __x64_sys_read\n3 W __x64_sys_bpf\n",
    "init/main.c\n",
);
const LARGE: (&str, &str) = (
    "1 T start_kernel\n2 T __x64_sys_read\n3 T __x64_sys_bpf\n4 t bpf_check\n",
    "init/main.c\nkernel/bpf/syscall.c\n",
);

/// A kernel's directory with these symbols and files.
fn kernel(dir: &Path, name: &str, (symbols, files): (&str, &str)) -> PathBuf {
    let kernel = dir.join(name);
    fs::create_dir(&kernel).unwrap();
    let vmlinux = json!({ "bytes": 1, "sha256": "ab".repeat(32) });
    let metadata = json!({
        "series": "6.12", "version": "6.12.117", "source_sha256": "", "source_pinned": true,
        "patches": [], "compiler": [], "config_sha256": "", "options_set": 1, "vmlinux": vmlinux,
        "bzimage": null, "objects": { "total": 1, "compiled": 1, "cached": 0, "kept": 0 },
        "durations_ms": { "source": 0, "resolve": 0, "make": 0, "finish": 0 }, "reproducer": "",
    });
    for (file, text) in [
        ("metadata.json", metadata.to_string().as_str()),
        ("vmlinux", "x"),
        ("System.map", symbols),
        ("files.txt", files),
    ] {
        fs::write(kernel.join(file), text).unwrap();
    }
    kernel
}

fn records() -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/cves");
    dir.display().to_string()
}

fn audit(words: &[&str]) -> Ran {
    let mut command = Lupine::new().command();
    command.arg("audit").args(words);
    Ran::from(command.env("SOURCE_DATE_EPOCH", "86400").output().unwrap())
}

#[test]
fn a_kernel_is_compared_with_another() {
    let dir = tempfile::tempdir().unwrap();
    let (small, large) = (
        kernel(dir.path(), "s", SMALL),
        kernel(dir.path(), "l", LARGE),
    );
    let (small, large) = (small.to_str().unwrap(), large.to_str().unwrap());
    let ran = audit(&[small, "--baseline", large]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(
        ran.stdout
            .contains("functions      2        4          2      0"),
        "{ran:?}"
    );
    let ran = audit(&[small, "--baseline", large, "--format", "json"]);
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    let gone = &value["baseline"]["comparison"]["files"]["gone"];
    assert_eq!(gone, &json!(["kernel/bpf/syscall.c"]));
}

#[test]
fn records_become_an_openvex_document_that_can_be_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let small = kernel(dir.path(), "s", SMALL);
    let words = [
        small.to_str().unwrap(),
        "--cves",
        &records(),
        "--format",
        "openvex",
    ];
    let ran = audit(&words);
    assert_eq!(ran.status, 0, "{ran:?}");
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["timestamp"], "1970-01-02T00:00:00.000Z");
    let statements = value["statements"].as_array().unwrap();
    let statuses: Vec<_> = statements
        .iter()
        .filter_map(|s| s["status"].as_str())
        .collect();
    let count = |status| statuses.iter().filter(|s| **s == status).count();
    assert_eq!(
        (count("affected"), count("not_affected")),
        (1, 3),
        "{value}"
    );
    assert_eq!(count("under_investigation"), 4, "{value}");
    assert_eq!(audit(&words).stdout, ran.stdout);
}

#[test]
fn what_cannot_be_audited_is_said_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let old = kernel(dir.path(), "old", SMALL);
    let config = dir.path().join("config");
    fs::write(&config, "CONFIG_ARM64=y\n").unwrap();
    let whole = dir.path().join("whole");
    fs::write(&whole, "CONFIG_X86_64=y\n").unwrap();
    let whole = whole.to_str().unwrap();
    let (path, config) = (old.to_str().unwrap(), config.to_str().unwrap());
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    let damaged = dir.path().join("cves");
    fs::create_dir(&damaged).unwrap();
    fs::write(damaged.join("damaged.json"), "{").unwrap();
    let damaged = damaged.display().to_string();
    for (words, said) in [
        (vec![empty], "neither a bundle nor a kernel's directory"),
        (
            vec![path, "--baseline", config],
            "no configuration of a kernel for 64-bit x86",
        ),
        (
            vec![path, "--baseline", whole, "--kernel-source", "/no/source"],
            "/no/source",
        ),
        (vec![path, "--cves", empty], "has no .json files"),
        (vec![path, "--cves", "/no/such"], "/no/such"),
        (
            vec![path, "--cves", &damaged, "--format", "openvex"],
            "no record could be judged",
        ),
        (vec![path, "--format", "openvex"], "--cves DIR"),
    ] {
        let ran = audit(&words);
        assert!(ran.status == 1 && ran.stderr.contains(said), "{ran:?}");
        assert!(
            ran.stderr.contains("hint: ") && ran.stdout.is_empty(),
            "{ran:?}"
        );
    }
}

#[test]
fn a_kernel_without_lists_says_how_to_make_them() {
    let dir = tempfile::tempdir().unwrap();
    let old = kernel(dir.path(), "old", SMALL);
    fs::remove_file(old.join("files.txt")).unwrap();
    let path = old.to_str().unwrap();
    let ran = audit(&[path]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.contains("source files   -"), "{ran:?}");
    let again = format!("rm -r {path}");
    assert!(ran.stderr.contains(&again), "{ran:?}");
    fs::remove_file(old.join("System.map")).unwrap();
    let ran = audit(&[path]);
    assert!(ran.status == 1 && ran.stderr.contains(&again), "{ran:?}");
}
