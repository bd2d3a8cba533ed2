//! Programs at CPL 0 behave as they do at CPL 3, on one kernel.

use std::fs;
use std::path::{Path, PathBuf};

use lupine_tool::Tool;

use crate::guest::{Lupine, Ran};

/// The least kernel, and what the test program needs besides.
const KERNEL: [&str; 8] = [
    "--kml",
    "--profile",
    "base",
    "--option",
    "FUTEX=y",
    "--option",
    "POSIX_TIMERS=y",
    "--kernel-arg=loglevel=4",
];

/// `guest/kml-test`, made by `compiler`, alone in a tree.
fn image(root: &Path, compiler: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/kml-test");
    let sources = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let sources: Vec<PathBuf> = sources
        .filter(|path| path.extension().is_some_and(|end| end == "c"))
        .collect();
    assert!(!sources.is_empty());
    let tool = Tool::new(compiler).args(["-O2", "-static", "-pthread", "-o"]);
    let tool = tool.arg(root.join("kml-test"));
    let tool = sources.iter().fold(tool, |tool, source| tool.arg(source));
    tool.run().unwrap();
    for dir in ["dev", "proc", "sys", "tmp"] {
        fs::create_dir(root.join(dir)).unwrap();
    }
}

/// The test program, told the level that it must find itself at.
fn run(compiler: &str, level: &str, flags: &[&str]) -> Ran {
    let root = tempfile::tempdir().unwrap();
    image(root.path(), compiler);
    let reference = format!("dir:{}", root.path().display());
    let words = ["--rm", &reference, "/kml-test", level];
    Lupine::new().lupine(&[&["run"], &KERNEL[..], flags, &words].concat())
}

fn assert_good(ran: &Ran, level: &str) {
    let last = format!("0 failures at CPL {level}\n");
    assert!(ran.stdout.ends_with(&last), "{ran:?}");
    assert_eq!(ran.stdout.matches("ok ").count(), 7, "{ran:?}");
    assert_eq!(ran.status, 0, "{ran:?}");
}

#[test]
fn programs_at_cpl_0_behave_as_at_cpl_3() {
    for compiler in ["gcc", "musl-gcc"] {
        let ran = run(compiler, "0", &[]);
        assert_good(&ran, "0");
        assert!(ran.stderr.contains("kml: programs run at CPL 0"), "{ran:?}");
    }
}

#[test]
fn the_kernel_for_cpl_0_runs_others_at_cpl_3() {
    let ran = run("gcc", "3", &["--kernel-arg=kml=/nothing/"]);
    assert_good(&ran, "3");
}
