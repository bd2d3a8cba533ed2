//! Programs at CPL 0 behave as they do at CPL 3, on one kernel.

use std::fs;
use std::path::{Path, PathBuf};

use lupine_tool::Tool;

use crate::guest::{Lupine, Ran};

/// The least kernel, and what the test program needs besides.
const KERNEL: [&str; 7] = [
    "--profile",
    "base",
    "--option",
    "FUTEX=y",
    "--option",
    "POSIX_TIMERS=y",
    "--kernel-arg=loglevel=4",
];

/// No program is at CPL 0.
pub const NOBODY: &str = "--kernel-arg=kml=/nothing/";
/// What a dynamic program of this host needs.
const LIBRARIES: [&str; 3] = [
    "lib64/ld-linux-x86-64.so.2",
    "lib/x86_64-linux-gnu/libc.so.6",
    // Threads are cancelled by unwinding.
    "lib/x86_64-linux-gnu/libgcc_s.so.1",
];

/// `guest/kml-test` in `root`, made by `compiler` and `linked` so.
pub fn compile(root: &Path, compiler: &str, linked: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/kml-test");
    let sources = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let sources: Vec<PathBuf> = sources
        .filter(|path| path.extension().is_some_and(|end| end == "c"))
        .collect();
    assert!(!sources.is_empty());
    let tool = Tool::new(compiler).args(["-O2", linked, "-pthread", "-o"]);
    let tool = tool.arg(root.join("kml-test"));
    let tool = sources.iter().fold(tool, |tool, source| tool.arg(source));
    tool.run().unwrap();
}

/// The test program alone in a tree with its libraries.
fn image(root: &Path, compiler: &str, linked: &str) {
    compile(root, compiler, linked);
    for dir in ["dev", "proc", "sys", "tmp"] {
        fs::create_dir(root.join(dir)).unwrap();
    }
    for library in LIBRARIES.iter().filter(|_| linked != "-static") {
        let to = root.join(library);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(Path::new("/").join(library), to).unwrap();
    }
}

/// The test program, told the level that it must find itself at.
fn run(compiler: &str, linked: &str, level: &str, flags: &[&str]) -> Ran {
    let root = tempfile::tempdir().unwrap();
    image(root.path(), compiler, linked);
    let reference = format!("dir:{}", root.path().display());
    let words = ["--rm", &reference, "/kml-test", level];
    Lupine::new().lupine(&[&["run"], &KERNEL[..], flags, &words].concat())
}

fn assert_good(ran: &Ran, level: &str) {
    let last = format!("0 failures at CPL {level}\n");
    assert!(ran.stdout.ends_with(&last), "{ran:?}");
    assert_eq!(ran.stdout.matches("ok ").count(), 7, "{ran:?}");
    assert!(ran.stdout.contains("skipped samples"), "{ran:?}");
    assert_eq!(ran.status, 0, "{ran:?}");
}

#[test]
fn programs_at_cpl_0_behave_as_at_cpl_3() {
    for compiler in ["gcc", "musl-gcc"] {
        let ran = run(compiler, "-static", "0", &["--kml"]);
        assert_good(&ran, "0");
        assert!(ran.stderr.contains("kml: programs run at CPL 0"), "{ran:?}");
    }
}

#[test]
fn the_kernel_for_cpl_0_runs_others_at_cpl_3() {
    let ran = run("gcc", "-static", "3", &["--kml", NOBODY]);
    assert_good(&ran, "3");
}

#[test]
fn rewritten_programs_behave_alike_at_both_levels() {
    for (compiler, linked) in [
        ("gcc", "-static"),
        ("gcc", "-no-pie"),
        ("musl-gcc", "-static"),
    ] {
        assert_good(&run(compiler, linked, "0", &["--kml=call"]), "0");
        assert_good(&run(compiler, linked, "3", &["--kml=call", NOBODY]), "3");
    }
}

#[test]
fn a_bundle_tells_what_was_rewritten() {
    let root = tempfile::tempdir().unwrap();
    image(root.path(), "gcc", "-no-pie");
    let reference = format!("dir:{}", root.path().display());
    let place = tempfile::tempdir().unwrap();
    let bundle = place.path().join("bundle").display().to_string();
    let lupine = Lupine::new();
    let built = lupine.lupine(
        &[
            &["build", "--kml=call", "-o", &bundle],
            &KERNEL[..6],
            &[&reference],
        ]
        .concat(),
    );
    assert_eq!(built.status, 0, "{built:?}");
    let changed = lupine.inspect(&bundle)["rootfs"]["changed"].clone();
    let changed = changed.as_array().unwrap();
    for library in &LIBRARIES[..2] {
        let path = format!("/{library}");
        let file = changed.iter().find(|file| file["path"] == path.as_str());
        let file = file.unwrap_or_else(|| panic!("{library}: {changed:?}"));
        assert!(file["calls"].as_u64() > Some(20), "{file}");
        assert_ne!(file["before"], file["after"]);
    }
    let kept = fs::read(root.path().join(LIBRARIES[1])).unwrap();
    let host = fs::read(Path::new("/").join(LIBRARIES[1])).unwrap();
    assert!(kept == host, "the image itself was changed");
}
