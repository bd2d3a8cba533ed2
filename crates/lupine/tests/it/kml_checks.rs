//! Programs at CPL 0 on a kernel that checks itself: two processors, preemption, guard pages, assertions in entries.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lupine_tool::find;

use crate::guest::{Lupine, Ran, eventually};
use crate::kml::{NOBODY, compile};

/// Makes the kernel.
const KERNEL: [&str; 7] = [
    "--kml",
    "--profile",
    "base",
    "--option",
    "FUTEX=y",
    "--option",
    "POSIX_TIMERS=y",
];
/// Flags of any kernel that checks itself.
pub const CHECKS: [&str; 6] = ["--cpus", "2", "--feature", "debug", "--feature", "checks"];
/// What it says is to be seen, and what it finds ends the guest.
pub const ARGUMENTS: [&str; 5] = [
    "--cpus",
    "2",
    "--kernel-arg=loglevel=5",
    "--kernel-arg=oops=panic",
    "--kernel-arg=panic_on_warn=1",
];
/// What a kernel says that found something and goes on.
pub const FOUND: [&str; 4] = ["WARNING: ", "BUG: ", "INFO: ", "Call Trace"];
/// What a panic says where programs were at CPL 0.
const SUSPECT: &str = "kml: programs ran at CPL 0; one of them may have overwritten the kernel";

/// Bytes of an instruction that moves the stack.
const SHIFT: usize = 12;

/// Within an NMI there is a breakpoint whose handler runs, and not a jump to it.
const PROBE_NMIS: &str = "busybox mount -t proc none /proc; busybox mount -t sysfs none /sys
    busybox mount -t tracefs none /sys/kernel/tracing && cd /sys/kernel/tracing || exit 9
    echo 0 > /proc/sys/debug/kprobes-optimization && echo p:nmi default_get_nmi_reason > kprobe_events || exit 9
    echo 1 > events/kprobes/nmi/enable || exit 9
    echo ready";

/// A bundle of this kernel, `kml-test` and busybox, for runs that differ in what they do.
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
        for dir in ["", "bin", "dev", "proc", "sys", "tmp"] {
            fs::create_dir(root.join(dir)).unwrap();
        }
        compile(&root, "gcc", "-static");
        let busybox = find("busybox").expect("busybox-static is not installed");
        fs::copy(busybox, root.join("bin/busybox")).unwrap();
        let reference = format!("dir:{}", root.display());
        let bundle = checked.bundle().display().to_string();
        let words = [
            &["build", "-o", &bundle][..],
            &KERNEL,
            &CHECKS,
            &[&reference],
        ];
        let built = checked.lupine.lupine(&words.concat());
        assert_eq!(built.status, 0, "{built:?}");
        checked
    }

    fn bundle(&self) -> PathBuf {
        self.dir.path().join("bundle")
    }

    /// The words that run a shell script.
    fn words(&self, flags: &[&str], script: &str) -> Vec<String> {
        let bundle = self.bundle().display().to_string();
        let command = [&bundle, "/bin/busybox", "sh", "-c", script];
        let words = [
            &["run", "--name", "checked"],
            &ARGUMENTS[..],
            flags,
            &command,
        ];
        words.concat().into_iter().map(str::to_owned).collect()
    }

    /// Runs it.
    fn run(&self, flags: &[&str], script: &str) -> Ran {
        let words = self.words(flags, script);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = self.lupine.lupine(&words);
        self.with_kernel_log(ran)
    }

    /// What the kernel said, behind what the guest wrote to stderr. The guest is removed.
    fn with_kernel_log(&self, mut ran: Ran) -> Ran {
        ran.stderr += &self.lupine.lupine(&["logs", "--kernel", "checked"]).stdout;
        self.lupine.lupine(&["rm", "-f", "checked"]);
        ran
    }

    /// Faults at CPL 0 while NMIs come every few milliseconds, with a breakpoint in each.
    fn under_nmis(&self) -> Ran {
        let socket = self.dir.path().join("control");
        let monitor = format!("unix:{},server=on,wait=off", socket.display());
        let script =
            format!("{PROBE_NMIS}; /kml-test 0 storm; status=$?; cat kprobe_profile; exit $status");
        let words = self.words(&["--vmm-arg", "-qmp", "--vmm-arg", &monitor], &script);
        let mut guest = self.lupine.start_lupine(words);
        eventually("the guest is ready", || {
            self.lupine.started_stdout().contains("ready")
        });
        inject_nmis(&socket);
        // A kernel that has lost its way may not find an end.
        if guest.try_status().unwrap().is_none() {
            self.lupine.lupine(&["stop", "-t", "10", "checked"]);
        }
        let status = guest.status().unwrap().code().unwrap_or(-1);
        let stdout = self.lupine.started_stdout();
        self.with_kernel_log(Ran {
            status,
            stdout,
            stderr: String::new(),
        })
    }
}

/// By QEMU's own control socket, until the guest ends, or three minutes long.
fn inject_nmis(socket: &Path) {
    let mut control = BufReader::new(UnixStream::connect(socket).unwrap());
    let start = Instant::now();
    let mut say = |command: &str| {
        let line = format!("{{\"execute\":\"{command}\"}}\n");
        control.get_mut().write_all(line.as_bytes()).is_ok()
            && control.read_line(&mut String::new()).is_ok_and(|n| n > 0)
    };
    say("qmp_capabilities");
    while start.elapsed() < Duration::from_secs(180) && say("inject-nmi") {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Takes out that handlers which may come at any place move the stack of what they interrupted out of their own
/// faults' way: `subq $1024, %gs:(...)(%rip)` and `addq`. How many there were.
fn take_out_shifts(vmlinux: &mut [u8]) -> usize {
    let is_shift = |code: &[u8]| {
        matches!(
            code,
            [0x65, 0x48, 0x81, 0x2d | 0x05, .., 0x00, 0x04, 0x00, 0x00]
        )
    };
    let places: Vec<usize> = (0..vmlinux.len() - SHIFT)
        .filter(|at| is_shift(&vmlinux[*at..*at + SHIFT]))
        .collect();
    for at in &places {
        vmlinux[*at..*at + SHIFT].fill(0x90);
    }
    places.len()
}

fn assert_good(ran: &Ran, level: &str, programs: usize) {
    let last = format!("0 failures at CPL {level}\n");
    assert_eq!(ran.stdout.matches(&last).count(), programs, "{ran:?}");
    assert!(!ran.stdout.contains("skipped"), "{ran:?}");
    assert_eq!(ran.status, 0, "{ran:?}");
    for found in FOUND {
        assert!(!ran.stderr.contains(found), "{found}: {ran:?}");
    }
}

#[test]
fn a_kernel_that_checks_itself_finds_nothing() {
    let checked = Checked::new();
    for (level, flags) in [("0", &[][..]), ("3", &[NOBODY])] {
        let script = format!("/kml-test {level} && /kml-test {level} storm");
        assert_good(&checked.run(flags, &script), level, 2);
    }
}

#[test]
fn breakpoints_in_nmis_leave_what_they_interrupted_as_it_was() {
    let checked = Checked::new();
    let ran = checked.under_nmis();
    assert_good(&ran, "0", 1);
    let hits = ran
        .stdout
        .lines()
        .find_map(|line| line.trim().strip_prefix("nmi"));
    let hits: u32 = hits
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(hits > 500, "{ran:?}");

    // What keeps it so is taken out: the test must be able to tell.
    let vmlinux = checked.bundle().join("vmlinux");
    let mut bytes = fs::read(&vmlinux).unwrap();
    // Those of NMI, #DB and #DF: this kernel has no machine checks.
    assert_eq!(take_out_shifts(&mut bytes), 6);
    // The file may be a link into the cache.
    fs::remove_file(&vmlinux).unwrap();
    fs::write(&vmlinux, bytes).unwrap();
    let ran = checked.under_nmis();
    assert_ne!(ran.status, 0, "{ran:?}");
}

#[test]
fn a_kernel_that_crashes_says_what_of_and_who_ran() {
    let checked = Checked::new();
    let stray = checked.run(&[], "busybox mount -t proc none /proc; /kml-test 0 stray");
    assert_eq!(stray.status, 125, "{stray:?}");
    for said in ["Kernel panic", "Tainted: [U]=USER", SUSPECT] {
        assert!(stray.stderr.contains(said), "{said}: {stray:?}");
    }
    let refused = checked.run(
        &[NOBODY],
        "busybox mount -t proc none /proc; /kml-test 3 stray",
    );
    assert_eq!(refused.status, 7, "{refused:?}");

    let provoke = |what: &str| {
        let mount =
            "busybox mount -t sysfs none /sys; busybox mount -t debugfs none /sys/kernel/debug";
        format!("{mount} && echo {what} > /sys/kernel/debug/provoke-crash/DIRECT")
    };
    let crashes = [
        ("EXHAUST_STACK", "stack guard page was hit"),
        // The kernel is in the lower half then, where programs are.
        ("EXEC_NULL", "BUG: kernel NULL pointer dereference"),
    ];
    for (what, said) in crashes {
        for (flags, suspected) in [(&[][..], true), (&[NOBODY], false)] {
            let ran = checked.run(flags, &provoke(what));
            assert_eq!(ran.status, 125, "{ran:?}");
            assert!(ran.stderr.contains(said), "{said}: {ran:?}");
            assert_eq!(ran.stderr.contains(SUSPECT), suspected, "{ran:?}");
        }
    }
}
