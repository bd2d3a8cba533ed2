//! The recorder in guests: what it tells, and what it leaves as it was.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

use lupine_bundle::Bundle;
use lupine_init::{GuestSpec, Recording};
use lupine_recorder::{Line, RECORDER, Record, Rule, features, listening, parse};
use lupine_tool::Tool;
use lupine_vm::{Accelerator, End, Event, Guest, Qemu, VmSpec};
use tempfile::TempDir;

use crate::guest::{KERNEL, Lupine, busybox_root, vm_spec};

/// Linux's numbers.
const SIGTERM: u8 = 15;
const SIGKILL: u8 = 9;

/// A bundle of busybox and `asks`, which asks the kernel for what its words say.
struct Place {
    _lupine: Lupine,
    bundle: Bundle,
    dir: TempDir,
}

/// What a guest with a recorder left.
#[derive(Debug)]
struct Recorded {
    end: End,
    stdout: String,
    lines: Vec<Line>,
}

impl Place {
    /// With a root file system of this format.
    fn new(format: &str) -> Self {
        let lupine = Lupine::new();
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        let copy = Tool::new("cp").arg("-a").arg(busybox_root()).arg(&root);
        copy.run().unwrap();
        fs::copy(asks(dir.path()), root.join("bin/asks")).unwrap();
        let target = dir.path().join("bundle").display().to_string();
        let image = format!("dir:{}", root.display());
        let flags = ["--fs", format, "-o", &target, &image, "--", "sh"];
        let words = [&["build"], KERNEL.as_slice(), &flags].concat();
        let built = lupine.lupine(&words);
        assert_eq!(built.status, 0, "{built:?}");
        Self {
            _lupine: lupine,
            bundle: lupine_bundle::open(Path::new(&target)).unwrap(),
            dir,
        }
    }

    fn vm(&self) -> VmSpec {
        let dir = tempfile::tempdir_in(self.dir.path()).unwrap().keep();
        vm_spec(&self.bundle, dir)
    }

    /// How init runs `words` with a recorder and rules.
    fn spec(&self, rules: &[&str], words: &[&str]) -> GuestSpec {
        let encoded = |rule: &&str| rule.parse::<Rule>().unwrap().encode();
        GuestSpec {
            argv: words.iter().map(ToString::to_string).collect(),
            recording: Some(Recording {
                program: RECORDER.to_vec(),
                rules: rules.iter().map(encoded).collect(),
                every: false,
            }),
            ..self.bundle.manifest.spec.clone()
        }
    }

    fn boot(&self, spec: &GuestSpec) -> Guest {
        lupine_vm::boot(&Qemu, &self.vm(), Accelerator::Tcg, spec).unwrap()
    }

    fn run(&self, rules: &[&str], words: &[&str]) -> Recorded {
        self.run_spec(&self.spec(rules, words))
    }

    fn run_spec(&self, spec: &GuestSpec) -> Recorded {
        let guest = self.boot(spec);
        Recorded::new(guest.events())
    }
}

/// `asks.c`, compiled.
fn asks(dir: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../recorder/tests/it/asks.c");
    let program = dir.join("asks");
    let gcc = Tool::new("gcc").args(["-O1", "-pthread", "-static", "-o"]);
    gcc.arg(&program).arg(source).run().unwrap();
    program
}

impl Recorded {
    /// All that a guest says, to its end.
    fn new(events: Receiver<Event>) -> Self {
        let (mut stdout, mut records, mut end) = (Vec::new(), Vec::new(), None);
        for event in events {
            assert!(end.is_none(), "{event:?} after the end");
            match event {
                Event::Stdout(bytes) => stdout.extend(bytes),
                Event::Stderr(bytes) => stdout.extend(bytes),
                Event::Record(bytes) => records.extend(bytes),
                Event::End(how) => end = Some(how),
                _ => {}
            }
        }
        let text = String::from_utf8(records).unwrap();
        let line = |line: &str| parse(line.as_bytes()).unwrap_or_else(|_| panic!("{line:?}"));
        Self {
            end: end.unwrap(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            lines: text.split_inclusive('\n').map(line).collect(),
        }
    }

    fn records(&self) -> impl Iterator<Item = &Record> {
        self.lines.iter().filter_map(|line| match line {
            Line::Record(record) => Some(record),
            _ => None,
        })
    }

    /// Whether something was recorded with this feature and answer.
    fn has(&self, feature: &str, errno: u16) -> bool {
        let mut records = self.records().filter(|record| record.errno == errno);
        records.any(|record| features(record).iter().any(|one| one == feature))
    }

    fn hits(&self) -> Vec<u64> {
        let hits = self.lines.iter().filter_map(|line| match line {
            Line::Hits(_, count) => Some(*count),
            _ => None,
        });
        hits.collect()
    }
}

#[test]
fn threads_and_children_are_seen_and_refused() {
    let place = Place::new("ext2");
    let words = ["sh", "-c", "asks thread fork; httpd -p 8080"];
    let free = place.run(&[], &words);
    assert_eq!(free.end, End::Exited(0), "{free:?}");
    assert!(free.stdout.starts_with("thread 0\nfork 0\n"), "{free:?}");
    assert!(free.has("syscall:eventfd2", 0));
    let mut ports = free.records().filter_map(listening);
    assert!(ports.any(|(_, port)| port == 8080), "{free:?}");
    let rules = ["syscall:eventfd2=ENOSYS", "case:fcntl:1:6=EINVAL"];
    let refused = place.run(&rules, &words);
    assert_eq!(refused.end, End::Exited(0), "{refused:?}");
    assert!(refused.stdout.starts_with("thread 38\nfork 38\n"));
    assert_eq!(refused.hits(), [2, 0], "{refused:?}");
    assert!(refused.has("syscall:eventfd2", 38) && !refused.has("syscall:eventfd2", 0));
}

#[test]
fn ends_are_the_applications() {
    let place = Place::new("ext2");
    let end = |script: &str| place.run(&[], &["sh", "-c", script]).end;
    assert_eq!(end("exit 127"), End::Exited(127));
    assert_eq!(end("exit 126"), End::Exited(126));
    assert_eq!(end("kill -SEGV $$"), End::Killed(11));
    let full = end("exec tail /dev/zero");
    let is_tail = matches!(&full, End::OutOfMemory { victim, .. } if victim == "tail");
    assert!(is_tail, "{full:?}");
}

#[test]
fn what_cannot_be_started_is_refused() {
    let place = Place::new("ext2");
    let refused = |spec: GuestSpec| match place.run_spec(&spec).end {
        End::Refused { status, why } => (status, why),
        end => panic!("{end:?}"),
    };
    let (status, why) = refused(place.spec(&[], &["no-such-program"]));
    assert_eq!(status, 127);
    assert_eq!(why, "there is no no-such-program on PATH in the image");
    let (status, why) = refused(place.spec(&[], &["/etc/passwd"]));
    assert_eq!(status, 126);
    assert_eq!(why, "cannot run /etc/passwd: permission denied");
    let mut spec = place.spec(&[], &["true"]);
    spec.recording.as_mut().unwrap().rules = vec!["no rule".into()];
    let (status, why) = refused(spec);
    assert_eq!(status, 125);
    assert!(why.contains("the recorder failed"), "{why}");
    let mut spec = place.spec(&[], &["true"]);
    spec.recording.as_mut().unwrap().program = b"no program".to_vec();
    assert_eq!(refused(spec).0, 125);
}

#[test]
fn another_user_works_on_a_root_that_cannot_be_written() {
    let place = Place::new("erofs");
    let script = "id -u; id -G; pwd; ulimit -n; ls -a /dev | grep lupine; asks eventfd; httpd -p 80 && echo listens";
    let mut spec = place.spec(&["syscall:eventfd2=ENOSYS"], &["sh", "-c", script]);
    spec.user = "app".into();
    spec.cwd = "/tmp".into();
    spec.rlimits = vec![lupine_init::Rlimit {
        resource: 7,
        soft: 99,
        hard: 99,
    }];
    let run = place.run_spec(&spec);
    assert_eq!(
        run.stdout, "1000\n1000\n/tmp\n99\neventfd 38\nlistens\n",
        "{run:?}"
    );
    assert_eq!(run.hits(), [1]);
}

#[test]
fn a_killed_guest_and_a_panic_lose_nothing_that_was_recorded() {
    let place = Place::new("ext2");
    let guest = place.boot(&place.spec(&[], &["sh", "-c", "asks eventfd; echo up; sleep 1000"]));
    let (sender, events) = std::sync::mpsc::channel();
    for event in guest.events() {
        if matches!(&event, Event::Stdout(bytes) if bytes.ends_with(b"up\n")) {
            guest.kill();
        }
        sender.send(event).unwrap();
    }
    drop(sender);
    let killed = Recorded::new(events);
    assert_eq!(killed.end, End::VmmKilled { signal: SIGKILL });
    assert!(killed.has("syscall:eventfd2", 0), "{killed:?}");
    let script = "echo 2 > /proc/sys/vm/panic_on_oom; asks eventfd; exec tail /dev/zero";
    let panicked = place.run(&[], &["sh", "-c", script]);
    assert!(matches!(panicked.end, End::KernelPanic { .. }));
    assert!(panicked.has("syscall:eventfd2", 0), "{panicked:?}");
}

#[test]
fn signals_reach_the_application_and_its_end_is_told() {
    let place = Place::new("ext2");
    for (signal, told) in [(SIGTERM, true), (SIGKILL, false)] {
        let guest = place.boot(&place.spec(&[], &["asks", "eventfd", "wait"]));
        let (sender, events) = std::sync::mpsc::channel();
        for event in guest.events() {
            if matches!(&event, Event::Stdout(_)) {
                guest.signal(signal);
            }
            sender.send(event).unwrap();
        }
        drop(sender);
        let run = Recorded::new(events);
        assert_eq!(run.end, End::Killed(signal));
        assert!(run.has("syscall:eventfd2", 0), "{run:?}");
        // The kernel ends the application with its recorder.
        let exit = |line: &Line| matches!(line, Line::Exit(end) if end.how == Err(signal));
        assert_eq!(run.lines.iter().any(exit), told, "{run:?}");
    }
}

#[test]
fn a_terminal_is_the_applications() {
    let place = Place::new("ext2");
    let script = "trap 'echo once; exit 9' INT; tty; while :; do sleep 0.1; done";
    let mut spec = place.spec(&[], &["sh", "-c", script]);
    spec.terminal = true;
    let mut vm = place.vm();
    vm.terminal = true;
    let guest = lupine_vm::boot(&Qemu, &vm, Accelerator::Tcg, &spec).unwrap();
    let events = guest.events();
    let mut terminal = guest.terminal().unwrap();
    let mut shown = Vec::new();
    let mut portion = [0; 256];
    while let Ok(count @ 1..) = terminal.read(&mut portion) {
        shown.extend_from_slice(&portion[..count]);
        if shown.ends_with(b"/dev/hvc0\r\n") {
            terminal.write_all(b"\x03").unwrap();
        }
    }
    assert_eq!(String::from_utf8_lossy(&shown), "/dev/hvc0\r\n^Conce\r\n");
    assert_eq!(Recorded::new(events).end, End::Exited(9));
}
