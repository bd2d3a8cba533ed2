//! What is recorded, and how.

use std::collections::HashSet;

use lupine_recorder::{Line, Record};

use crate::run::{Run, ask, asks, run, run_blind, run_with};

#[test]
fn a_program_runs_as_without_a_recorder() {
    let run = run_with(
        &["busybox", "sh", "-c", "cat; echo err >&2; exit 7"],
        "hello",
    );
    assert_eq!((run.status, run.stdout.as_str()), (Some(7), "hello"));
    assert_eq!(run.stderr, "err\n");
    assert_eq!(run.lines.first(), Some(&Line::Header));
    assert!(run.has("syscall:execve", 0) && !run.has("syscall:exit_group", 0));
    let [end] = run.ends()[..] else {
        panic!("{:?}", run.ends())
    };
    assert_eq!((end.main, end.how), (true, Ok(7)));
}

#[test]
fn records_are_unique() {
    let run = run(
        &[],
        &[
            "busybox",
            "sh",
            "-c",
            "for i in 1 2 3; do (cat /proc/self/stat; cat /nothing); done",
        ],
    );
    let mut seen = HashSet::new();
    for record in run.records() {
        let key = (record.nr, &record.args, record.errno, &record.string);
        assert!(seen.insert(key), "{record:?}");
    }
    assert!(run.has("path:/proc/*/stat", 0));
}

#[test]
fn the_recorder_leaves_no_file_open() {
    let run = run(&[], &["busybox", "ls", "-l", "/proc/self/fd"]);
    assert!(
        run.stdout.contains("/stdout") && !run.stdout.contains("/lines"),
        "{}",
        run.stdout
    );
}

#[test]
fn arguments_become_features() {
    let words = [
        "bind",
        "reuse",
        "lock",
        "pair",
        "shared",
        "inet6",
        "netlink",
        "namespace",
    ];
    let run = ask(&[], &words);
    for feature in [
        "family:2",
        "protocol:2:1:0",
        "syscall:bind",
        "sockopt:1:15",
        "case:fcntl:1:6",
        "family:1",
        "flag:mmap:3:0x1",
        "flag:mmap:3:0x20",
        "family:10",
        "netlink:0",
        "syscall:clone3",
    ] {
        assert!(run.has(feature, 0), "{feature}: {:?}", run.lines);
    }
    assert!(
        run.records()
            .any(|record| record.name == Some("clone3") && record.args == [0x400_0000])
    );
}

#[test]
fn paths_of_the_kernel_are_made_absolute_and_general() {
    let run = ask(
        &[],
        &[
            "relative",
            "directory",
            "/proc/self/task/1/stat",
            "/etc/passwd",
        ],
    );
    assert!(run.has("path:/proc/version", 0), "{:?}", run.lines);
    assert!(run.has("path:/proc/*/status", 0));
    assert!(run.has("path:/proc/*/task/*/stat", 2));
    let is_other = |path: &str| !path.starts_with("/proc") && !path.starts_with("/dev");
    let other = run.records().filter(|record| record.name != Some("execve"));
    let others: Vec<_> = other
        .filter_map(|record| record.string.as_deref())
        .filter(|path| is_other(path) && !path.starts_with("/sys"))
        .collect();
    assert_eq!(others, [""; 0]);
}

#[test]
fn a_symbolic_link_is_followed_when_it_could_be_opened() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink("/proc/self/mounts", &link).unwrap();
    let link = link.to_str().unwrap();
    assert!(ask(&[], &[link]).has("path:/proc/*/mounts", 0));
    let run = ask(&["path:/proc/*/mounts=ENOENT"], &[link]);
    assert_eq!(run.stdout, format!("{link} 2\n"));
}

#[test]
fn scripts_are_told_from_programs() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script");
    std::fs::write(&script, "#!/bin/sh\nexit 3\n").unwrap();
    let sh = ["busybox", "sh", "-c", "chmod +x $0; $0"];
    let program = [&sh[..], &[script.to_str().unwrap()]].concat();
    let run = run(&[], &program);
    assert_eq!(run.status, Some(3));
    assert!(run.has("binfmt:script", 0) && run.has(&format!("path:{}", script.display()), 0));
    assert!(run.records().any(|record| record.comm == "script"));
}

#[test]
fn the_first_process_names_a_record() {
    let run = ask(&[], &["renamed"]);
    let comm = |name| {
        run.records()
            .find(|record| record.name == Some(name))
            .map(|record| record.comm.as_str())
    };
    assert_eq!(comm("getcpu"), Some("another name"));
    assert_eq!(comm("execve"), Some("asks"));
}

#[test]
fn every_call_is_recorded_on_request() {
    let program = ["busybox", "sh", "-c", "echo hi; cat /proc/version"];
    let (some, every) = (run(&[], &program), run(&["--every"], &program));
    assert_eq!(some.stdout, every.stdout);
    assert!(every.has("syscall:write", 0) && every.has("syscall:exit_group", 0));
    assert!(!some.has("syscall:write", 0));
    // What is of interest is the same, whether each call stops or not.
    for record in some.records() {
        let same = |other: &&Record| {
            (other.nr, &other.args, &other.string) == (record.nr, &record.args, &record.string)
        };
        assert!(every.records().any(|other| same(&other)), "{record:?}");
    }
}

#[test]
fn a_kernel_without_cross_memory_attach_will_do() {
    let program = [
        asks(),
        "relative",
        "namespace",
        "renamed",
        "/proc/self/stat",
        "bind",
    ];
    let (seeing, blind) = (run(&[], &program), run_blind(&[], &program));
    assert_eq!(seeing.stdout, blind.stdout);
    let key = |record: &Record| {
        (
            record.nr,
            record.args.clone(),
            record.string.clone(),
            record.comm.clone(),
        )
    };
    let keys = |run: &Run| run.records().map(key).collect::<HashSet<_>>();
    assert_eq!(keys(&seeing), keys(&blind));
}

#[test]
fn calls_of_the_32_bit_interface_are_kept_apart() {
    let run = ask(&["syscall:getpid=ENOSYS"], &["old-door"]);
    // A kernel without IA32_EMULATION kills it instead.
    if run.signal != Some(11) {
        assert!(
            run.records()
                .any(|record| record.nr == lupine_recorder::IA32 + 20)
        );
    }
}

#[test]
fn a_program_may_run_as_somebody_else() {
    let run = run(&["--user", "65534:65533:65532"], &["busybox", "id"]);
    if run.status == Some(126) {
        // Only root can.
        assert!(run.stderr.contains("cannot become the user"));
        return;
    }
    assert_eq!(run.stdout, "uid=65534(nobody) gid=65533 groups=65532\n");
}

#[test]
fn the_environment_and_path_are_the_callers() {
    let program = [recorder_less("env").as_str(), "A=b", asks(), "eventfd"].map(str::to_owned);
    let program: Vec<&str> = program.iter().map(String::as_str).collect();
    assert_eq!(run(&[], &program).stdout, "eventfd 0\n");
}

/// A program that lies on PATH, as a path.
fn recorder_less(name: &str) -> String {
    lupine_tool::find(name).unwrap().to_str().unwrap().into()
}
