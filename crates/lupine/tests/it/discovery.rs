//! What an application needs, found out, proved, taken away and missed.

use std::fs;
use std::path::{Path, PathBuf};

use lupine_tool::Tool;
use serde_json::Value;

use crate::guest::{Lupine, eventually};

/// `dir:` of an image with nothing but `waits.c` in it, which needs no network.
fn image(dir: &Path) -> String {
    image_of(dir, "waits")
}

/// `dir:` of an image with nothing but this program in it.
fn image_of(dir: &Path, program: &str) -> String {
    let root = dir.join("root");
    fs::create_dir(&root).unwrap();
    let source = format!("tests/it/{program}.c");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let gcc = Tool::new("gcc").args(["-O1", "-static", "-o"]);
    gcc.arg(root.join(program)).arg(source).run().unwrap();
    for dir in ["dev", "proc", "sys", "tmp"] {
        fs::create_dir(root.join(dir)).unwrap();
    }
    format!("dir:{}", root.display())
}

/// The manifest of this program, which says that it needs a network and nothing else.
fn without_epoll(dir: &Path, program: &str) -> PathBuf {
    let image = image_of(dir, program);
    let manifest = dir.join("lupine.toml");
    let text = format!(
        "version = 1\n[image]\nreference = {image:?}\ncommand = [\"/{program}\"]\n\
         [kernel]\nkey = \"\"\nversion = \"6.12\"\nminimized = true\n\
         [[need]]\nfeature = \"inet\"\noptions = [\"CONFIG_INET\", \"CONFIG_NET\"]\n\
         state = \"required\"\nevidence = [\"a test\"]\n"
    );
    fs::write(&manifest, text).unwrap();
    manifest
}

fn state<'a>(report: &'a Value, feature: &str) -> &'a str {
    let needs = report["needs"].as_array().unwrap();
    let need = needs.iter().find(|need| need["feature"] == feature);
    need.map_or("none", |need| need["state"].as_str().unwrap())
}

#[test]
fn needs_are_found_proved_and_what_is_dispensable_goes() {
    let dir = tempfile::tempdir().unwrap();
    let image = image(dir.path());
    let lupine = Lupine::new();
    let manifest = dir.path().join("lupine.toml");
    let place = manifest.to_str().unwrap();
    let words = [
        "minimize", "--format", "json", "-o", place, &image, "--", "/waits",
    ];
    let ran = lupine.lupine(&words);
    assert_eq!(ran.status, 0, "{ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(state(&report, "epoll"), "required", "{report:#}");
    assert_eq!(state(&report, "eventfd"), "optional", "{report:#}");
    assert_eq!(state(&report, "timerfd"), "none", "{report:#}");
    assert_eq!(report["kernel"]["minimized"], true);

    // The manifest alone runs it on the kernel that was proved.
    let run = ["run", "-f", place, "--rm", "--network", "none"];
    let ran = lupine.lupine(&run);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "epoll\n"), "{ran:?}");
    // What its code could ask for, and no run did.
    let ran = lupine.lupine(&["needs", "--format", "json", &image, "--", "/waits"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(state(&report, "timerfd"), "unused", "{report:#}");
}

#[test]
fn what_fails_for_want_of_an_option_is_saved_by_the_general_kernel() {
    let dir = tempfile::tempdir().unwrap();
    let lupine = Lupine::new();
    let manifest = without_epoll(dir.path(), "waits");
    let run = |flags: &[&str]| {
        let fixed = ["run", "-f", manifest.to_str().unwrap(), "--network", "none"];
        lupine.lupine(&[&fixed, flags].concat())
    };

    let ran = run(&["--name", "warned", "--on-missing", "warn"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("CONFIG_EPOLL"), "{ran:?}");
    let why = lupine.lupine(&["why", "warned"]).stdout;
    assert!(why.contains("--option CONFIG_EPOLL=y"), "{why}");
    let why = lupine.lupine(&["why", "--format", "json", "warned"]).stdout;
    let why: Value = serde_json::from_str(&why).unwrap();
    assert_eq!(why["missing"][0]["process"], "waits", "{why:#}");

    let ran = run(&["--rm", "--on-missing", "fail"]);
    assert_eq!(ran.status, 125, "{ran:?}");

    let ran = run(&["--rm"]);
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (0, "epoll eventfd\n"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("general kernel"), "{ran:?}");
    // It is remembered, and what was begun behind the run ends.
    assert_eq!(kept(&lupine, "toml"), 1);
    eventually("the kernel behind the run", || {
        kept(&lupine, "request") == 0
    });
}

/// A server that gives up without an error has failed, while it starts.
#[test]
fn a_server_that_ends_with_status_0_while_it_starts_is_saved_too() {
    let dir = tempfile::tempdir().unwrap();
    let lupine = Lupine::new();
    let manifest = without_epoll(dir.path(), "quits");
    let place = manifest.to_str().unwrap();
    let ran = lupine.lupine(&["run", "-d", "-p", "0:8080", "--wait-ready", "-f", place]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let record = lupine.inspect(ran.stdout.trim());
    assert!(record["failed_kernel"].is_string(), "{record:#}");
    let missing = lupine.lupine(&["why", ran.stdout.trim()]).stdout;
    assert!(missing.contains("CONFIG_EPOLL"), "{missing}");
    lupine.lupine(&["rm", "-f", ran.stdout.trim()]);
    eventually("the kernel behind the run", || {
        kept(&lupine, "request") == 0
    });
}

/// How many files with this ending are kept of applications.
fn kept(lupine: &Lupine, ending: &str) -> usize {
    let dir = fs::read_dir(lupine.state().join("manifests")).unwrap();
    let all = dir.map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|e| e == ending))
        .count()
}

/// times(2), which nothing in a static program of glibc calls by itself.
const TIMES: &str = "100";

#[test]
fn a_call_that_was_left_out_is_told_and_is_there_the_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let image = image_of(dir.path(), "hides");
    let lupine = Lupine::new();
    let manifest = dir.path().join("lupine.toml");
    let nothing = format!("version = 1\n[image]\nreference = {image:?}\n");
    fs::write(&manifest, nothing).unwrap();
    let run = |call: &str, flags: &[&str]| {
        let fixed = ["run", "-f", manifest.to_str().unwrap(), "--tiny"];
        let machine = ["--network", "none", "/hides", call];
        lupine.lupine(&[&fixed, flags, &machine].concat())
    };
    // read(2): it can, and does.
    let ran = run("0", &["--rm"]);
    assert_eq!(ran.status, 0, "{ran:?}");

    let ran = run(TIMES, &["--name", "warned", "--on-missing", "warn"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("syscall:times"), "{ran:?}");
    let why = lupine.lupine(&["why", "warned"]).stdout;
    let all = "--option 'CONFIG_X86_64_SYSCALLS=\"\"'";
    assert!(why.contains(all), "{why}");

    let ran = run(TIMES, &["--rm"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stderr.contains("general kernel"), "{ran:?}");
    let words = ["config", "--tiny", &image, "--", "/hides", TIMES];
    let config = lupine.lupine(&words);
    let mut lines = config.stdout.lines();
    let named = |line: &str| line.contains("SYSCALLS=\"") && line.contains(" times ");
    assert!(lines.any(named), "{config:?}");
    eventually("the kernel behind the run", || {
        kept(&lupine, "request") == 0
    });
}

#[test]
fn what_cannot_be_found_out_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let image = image(dir.path());
    let lupine = Lupine::new();
    let needs = |words: &[&str]| lupine.lupine(&[&["needs", "--run", &image], words].concat());
    let ran = needs(&["--check", "false", "--timeout", "2", "--", "/waits"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("general kernel"), "{ran:?}");
    let ran = needs(&["--workload", "sleep 1000", "--timeout", "2", "--", "/waits"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    let ran = needs(&[]);
    assert!(ran.stderr.contains("does not say what to run"), "{ran:?}");
    let ran = needs(&["--check", "x {port:none}", "--", "/waits"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    let ran = lupine.lupine(&["needs", "--check", "true", &image, "--", "/waits"]);
    assert!(ran.stderr.contains("add --run"), "{ran:?}");
}
