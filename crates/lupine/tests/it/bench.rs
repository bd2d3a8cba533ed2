//! `lupine bench` and `lupine report`. No times are asserted, only that they were taken.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::guest::{Lupine, Ran};

/// The row whose kernel other tests have built.
const ROW: [&str; 4] = ["--row", "general", "--runs", "1"];

fn lines(dir: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("run.jsonl")).unwrap();
    let line = |line| serde_json::from_str(line).unwrap();
    text.lines().map(line).collect()
}

fn measure(lupine: &Lupine, dir: &Path) -> Ran {
    let dir = dir.to_str().unwrap();
    let words = [&["bench", "size", "boot", "-o", dir], &ROW[..]].concat();
    let ran = lupine.lupine(&words);
    assert_eq!(ran.status, 0, "{ran:?}");
    ran
}

#[test]
fn a_row_is_measured_once_and_a_regression_of_two_percent_fails() {
    let (lupine, place) = (Lupine::new(), tempfile::tempdir().unwrap());
    let run = place.path().join("run");
    let ran = measure(&lupine, &run);
    assert!(ran.stdout.contains("### p1-first-user"), "{ran:?}");
    let all = lines(&run);
    has_all_metrics(&all);
    measure(&lupine, &run);
    assert_eq!(lines(&run), all, "measured again");

    let worse = place.path().join("worse");
    fs::create_dir(&worse).unwrap();
    let slower = all.into_iter().map(|l| slower(l).to_string() + "\n");
    fs::write(worse.join("run.jsonl"), slower.collect::<String>()).unwrap();
    tells_apart(&lupine, run.to_str().unwrap(), worse.to_str().unwrap());
    reports(&lupine, &[&run, &worse], &place.path().join("report"));
}

#[test]
fn operations_are_measured_by_both_clocks() {
    let (lupine, place) = (Lupine::new(), tempfile::tempdir().unwrap());
    let dir = place.path().to_str().unwrap();
    let ran = lupine.lupine(&[&["bench", "crossing", "-o", dir], &ROW[..]].concat());
    assert_eq!(ran.status, 0, "{ran:?}");
    let all = lines(place.path());
    let samples = all.iter().filter_map(|line| line.get("sample"));
    let value = |metric: &str| {
        let mut samples = samples.clone();
        let sample = samples.find(|s| s["metric"] == metric);
        sample.unwrap_or_else(|| panic!("{metric}: {ran:?}"))["value"]
            .as_f64()
            .unwrap()
    };
    assert!(value("work-0") > 0.0 && value("work-1000") > 0.0);
    // Each round of work is two instructions, and the call around it is always the same.
    let call = value("work-0-instructions");
    assert!((50.0..1000.0).contains(&call), "{call}");
    let worked = value("work-1000-instructions") - call;
    assert!((1990.0..2020.0).contains(&worked), "{worked}");
}

#[test]
fn a_program_in_its_kernel_is_measured_in_every_way() {
    let (lupine, place) = (Lupine::new(), tempfile::tempdir().unwrap());
    let dir = place.path().to_str().unwrap();
    let words = ["--row", "ukl-gate", "--runs", "1", "-o", dir];
    let ran = lupine.lupine(&[&["bench", "ukl"], &words[..]].concat());
    assert_eq!(ran.status, 0, "{ran:?}");
    let of = |metric| value(place.path(), metric);
    // The program's main comes after its C library has started, and long after the kernel.
    let (first, main) = (of("p1-first-user"), of("p1-main"));
    assert!(first < main && main < first + 100_000.0, "{first} {main}");
    // A system call alone takes more.
    let call = of("getppid-instructions");
    assert!((20.0..150.0).contains(&call), "{call}");
    let (echo, request) = (of("echo-instructions"), of("request-instructions"));
    assert!(call < echo && call < request, "{echo} {request}");
    for metric in ["image", "least", "host-request"] {
        assert!(of(metric) > 0.0, "{metric}");
    }
}

fn has_all_metrics(lines: &[Value]) {
    let samples = lines.iter().filter_map(|line| line.get("sample"));
    let metrics: BTreeSet<&str> = samples.map(|s| s["metric"].as_str().unwrap()).collect();
    for metric in [
        "bzimage",
        "vmlinux",
        "options",
        "functions",
        "p1-init-start",
        "p1-app-ready",
        "p1-kernel-entry",
        "p1-first-user",
        "p0-init-start",
        "p0-first-user",
    ] {
        assert!(metrics.contains(metric), "{metric}: {metrics:?}");
    }
}

fn tells_apart(lupine: &Lupine, run: &str, worse: &str) {
    let same = lupine.lupine(&["bench", "--compare", run, run]);
    assert_eq!(same.status, 0, "{same:?}");
    let other = lupine.lupine(&["bench", "--compare", run, worse]);
    assert_eq!(other.status, 1, "{other:?}");
    let verdicts = other
        .stdout
        .lines()
        .filter(|line| line.starts_with("worse"));
    assert!(verdicts.count() >= 2, "{other:?}");
}

fn reports(lupine: &Lupine, runs: &[&PathBuf], to: &Path) {
    let runs: Vec<&str> = runs.iter().map(|run| run.to_str().unwrap()).collect();
    let words = [&["report", "-o", to.to_str().unwrap()], &runs[..]].concat();
    assert_eq!(lupine.lupine(&words).status, 0);
    let page = fs::read_to_string(to.join("report.html")).unwrap();
    assert!(
        page.contains("class=\"bars\"") && !page.contains("http"),
        "{page}"
    );
    let json = fs::read_to_string(to.join("report.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["places"].as_array().unwrap().len(), 2);
}

/// The same line with 2% more instructions.
fn slower(mut line: Value) -> Value {
    let instructions = line["sample"]["unit"] == "instructions";
    if let (true, Some(value)) = (instructions, line["sample"]["value"].as_f64()) {
        line["sample"]["value"] = (value * 1.02).into();
    }
    line
}

#[test]
fn what_cannot_be_measured_is_said() {
    let (lupine, place) = (Lupine::new(), tempfile::tempdir().unwrap());
    let dir = place.path().to_str().unwrap();
    let said = |words: &[&str]| {
        let ran = lupine.lupine(&[&["bench", "-o", dir], words].concat());
        assert_eq!(ran.status, 1, "{ran:?}");
        ran.stderr
    };
    assert!(said(&["speed"]).contains("there is no suite speed"));
    assert!(said(&["boot", "--row", "none"]).contains("there is no row none"));
    assert!(said(&["apps", "--row", "hello"]).contains("none of the rows"));
    fs::write(place.path().join("run.jsonl"), "no run\n").unwrap();
    let ran = lupine.lupine(&["bench", "--compare", dir, dir]);
    assert!(ran.stderr.contains("run.jsonl, line 1"), "{ran:?}");
    assert_eq!(ran.status, 1);
}

#[test]
fn a_server_answers_only_after_its_kernel_has_booted() {
    let (lupine, place) = (Lupine::new(), tempfile::tempdir().unwrap());
    let dir = place.path().to_str().unwrap();
    let words = [
        "bench",
        "boot",
        "-o",
        dir,
        "--row",
        "redis-general",
        "--runs",
        "1",
    ];
    let ran = lupine.lupine(&words);
    assert_eq!(ran.status, 0, "{ran:?}");
    let (started, ready) = (
        value(place.path(), "p1-init-start"),
        value(place.path(), "p1-app-ready"),
    );
    // Connections are taken by the VMM long before.
    assert!(started < ready, "{started} {ready}");
    let (entry, first) = (
        value(place.path(), "p1-kernel-entry"),
        value(place.path(), "p1-first-user"),
    );
    assert!(0.0 < entry && entry < first, "{entry} {first}");
}

/// The first value of a metric.
fn value(dir: &Path, metric: &str) -> f64 {
    let all = lines(dir);
    let mut samples = all.iter().filter_map(|line| line.get("sample"));
    let sample = samples.find(|sample| sample["metric"] == metric);
    sample.unwrap()["value"].as_f64().unwrap()
}

#[test]
fn a_server_that_never_works_is_said_and_the_rest_is_measured() {
    let (lupine, place) = (Lupine::new(), tempfile::tempdir().unwrap());
    let client = place.path().join("redis-cli");
    fs::write(&client, "#!/bin/sh\necho no answer >&2; exit 1\n").unwrap();
    fs::set_permissions(&client, Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let run = place.path().join("run");
    let mut command = lupine.command();
    command
        .args(["bench", "density", "size", "--row", "redis-general"])
        .args(["--timeout", "8", "-o", run.to_str().unwrap()])
        .env("PATH", format!("{}:{path}", place.path().display()));
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.status, 1, "{ran:?}");
    let said = "**redis-general** was not measured";
    assert!(ran.stdout.contains(said), "{ran:?}");
    assert!(ran.stdout.contains("no answer, for 8 s"), "{ran:?}");
    assert!(value(&run, "bzimage") > 0.0);
}

#[test]
fn a_baseline_without_a_kernel_is_said_and_the_rest_is_measured() {
    let (lupine, place) = (Lupine::new(), tempfile::tempdir().unwrap());
    let (config, run) = (place.path().join("config"), place.path().join("run"));
    fs::write(&config, "CONFIG_ARM64=y\n").unwrap();
    let (config, run) = (config.to_str().unwrap(), run.to_str().unwrap());
    let words = ["bench", "size", "--row", "general", "-o", run];
    let ran = lupine.lupine(&[&words[..], &["--baseline", config]].concat());
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(
        ran.stderr.contains("warning: without hello-baseline"),
        "{ran:?}"
    );
    let said = "**hello-baseline** was not measured";
    assert!(ran.stdout.contains(said), "{ran:?}");
    assert!(value(Path::new(run), "bzimage") > 0.0);
    let ran = lupine.lupine(&[&words[..], &["--baseline", "https://localhost/x"]].concat());
    assert!(ran.stderr.contains("#sha256=HEX"), "{ran:?}");
}

#[test]
fn rows_that_cannot_be_built_are_said() {
    let (lupine, place) = (Lupine::new(), tempfile::tempdir().unwrap());
    let mut command = lupine.command();
    command
        .args(["bench", "size", "--row", "general", "-o"])
        .arg(place.path())
        .env("LUPINE_KERNEL_SOURCE", "/no/source");
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("warning: without general"), "{ran:?}");
    let said = "**general** was not measured";
    assert!(ran.stdout.contains(said), "{ran:?}");
}
