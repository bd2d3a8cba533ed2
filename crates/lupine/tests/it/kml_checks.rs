//! Programs at CPL 0 on a kernel that checks itself: two processors, preemption, guard pages, assertions in entries.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lupine_tool::find;

use crate::guest::{Lupine, Ran, eventually};
use crate::kml::{NOBODY, compile};

/// The kernel; `stray` wants its symbols, what it says has to be seen.
const KERNEL: [&str; 15] = [
    "--kml", "--profile", "base", "--cpus", "2", "--feature", "debug", "--feature", "checks",
    "--option", "FUTEX=y", "--option", "POSIX_TIMERS=y", "--kernel-arg=loglevel=5", "--kernel-arg=oops=panic",
];
/// What a kernel says that found something. "WARNING" alone also stands in harmless lines.
const FOUND: [&str; 5] = ["WARNING: ", "BUG: ", "INFO: ", "Call Trace", "Oops"];

/// One bundle with this kernel, `kml-test` and busybox, for runs that differ in their commands.
struct Checked {
    lupine: Lupine,
    dir: tempfile::TempDir,
}

impl Checked {
    fn new() -> Self {
        let checked = Self {
            lupine: Lupine::new(),
            dir: tempfile::tempdir().unwrap(),
        };
        let root = checked.dir.path().join("root");
        fs::create_dir(&root).unwrap();
        compile(&root, "gcc", "-static");
        let busybox = find("busybox").expect("busybox-static is not installed");
        fs::copy(busybox, root.join("busybox")).unwrap();
        let reference = format!("dir:{}", root.display());
        let bundle = checked.bundle().display().to_string();
        let words = [&["build", "-o", &bundle], &KERNEL[..13], &[&reference]].concat();
        let built = checked.lupine.lupine(&words);
        assert_eq!(built.status, 0, "{built:?}");
        checked
    }

    fn bundle(&self) -> PathBuf {
        self.dir.path().join("bundle")
    }

    /// Runs a shell script; what the kernel said is added to what the guest wrote.
    fn run(&self, flags: &[&str], script: &str) -> Ran {
        let bundle = self.bundle().display().to_string();
        let words = [&["run", "--name", "checked"], &KERNEL[13..], flags, &[&bundle, "/busybox", "sh", "-c", script]];
        let mut ran = self.lupine.lupine(&words.concat());
        ran.stderr += &self.lupine.lupine(&["logs", "--kernel", "checked"]).stdout;
        self.lupine.lupine(&["rm", "checked"]);
        ran
    }
}

fn assert_nothing_found(ran: &Ran) {
    for found in FOUND {
        assert!(!ran.stderr.contains(found), "{found}: {ran:?}");
    }
}

#[test]
fn a_kernel_that_checks_itself_finds_nothing() {
    let checked = Checked::new();
    for (level, flags) in [("0", &[][..]), ("3", &[NOBODY])] {
        let ran = checked.run(flags, &format!("/kml-test {level} && /kml-test {level} storm"));
        let last = format!("0 failures at CPL {level}\n");
        assert_eq!(ran.stdout.matches(&last).count(), 2, "{ran:?}");
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_nothing_found(&ran);
    }
}
