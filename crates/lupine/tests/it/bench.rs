//! `lupine bench` and `lupine report`. No times are asserted, only that they were taken.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

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
    let samples = all.iter().filter_map(|line| line.get("sample"));
    let metrics: BTreeSet<&str> = samples.map(|s| s["metric"].as_str().unwrap()).collect();
    for metric in [
        "bzimage",
        "vmlinux",
        "options",
        "functions",
        "p1-init-start",
        "p1-app-ready",
        "p1-first-user",
        "p0-init-start",
        "p0-first-user",
    ] {
        assert!(metrics.contains(metric), "{metric}: {metrics:?}");
    }
    measure(&lupine, &run);
    assert_eq!(lines(&run), all, "measured again");

    let worse = place.path().join("worse");
    fs::create_dir(&worse).unwrap();
    let text: String = all
        .into_iter()
        .map(|l| slower(l).to_string() + "\n")
        .collect();
    fs::write(worse.join("run.jsonl"), text).unwrap();
    let (run, worse) = (run.to_str().unwrap(), worse.to_str().unwrap());
    let same = lupine.lupine(&["bench", "--compare", run, run]);
    assert_eq!(same.status, 0, "{same:?}");
    let other = lupine.lupine(&["bench", "--compare", run, worse]);
    assert_eq!(other.status, 1, "{other:?}");
    let verdicts = other
        .stdout
        .lines()
        .filter(|line| line.starts_with("worse"));
    assert!(verdicts.count() >= 2, "{other:?}");

    let report = place.path().join("report");
    let words = ["report", run, worse, "-o", report.to_str().unwrap()];
    assert_eq!(lupine.lupine(&words).status, 0);
    let page = fs::read_to_string(report.join("report.html")).unwrap();
    assert!(page.contains("<svg") && !page.contains("http"), "{page}");
    let json = fs::read_to_string(report.join("report.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["machines"].as_array().unwrap().len(), 2);
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
