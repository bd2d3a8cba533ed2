//! Rules: that they refuse, that they count, and what they leave alone.

use crate::run::{Run, ask, asks, run};

/// Asks one thing twice under a rule.
fn refused(rule: &str, word: &str, errno: u16) -> Run {
    let run = ask(&[rule], &[word, word]);
    let line = format!("{word} {errno}\n");
    assert_eq!(run.stdout, line.repeat(2), "{rule}");
    assert_eq!((run.hits(), run.first_hits()), (vec![2], 1), "{rule}");
    run
}

#[test]
fn each_kind_of_rule_refuses() {
    refused("syscall:eventfd2=ENOSYS", "eventfd", 38);
    refused("case:fcntl:1:6=EINVAL", "lock", 22);
    refused("flag:mmap:3:0x21=ENODEV", "shared", 19);
    refused("flag:clone3:0:0x4000000=EINVAL", "namespace", 22);
    refused("family:10=EAFNOSUPPORT", "inet6", 97);
    refused("family:1=EAFNOSUPPORT", "pair", 97);
    refused("protocol:10:2:0=EPROTONOSUPPORT", "inet6", 93);
    refused("netlink:0=EPROTONOSUPPORT", "netlink", 93);
    refused("sockopt:1:15=ENOPROTOOPT", "reuse", 92);
    refused("fs:tmpfs=ENODEV", "mount", 19);
    refused("path:/proc/version=ENOENT", "relative", 2);
    refused("path:/proc/*/status=EACCES", "directory", 13);
    refused("path:/etc=EPERM", "/etc/passwd", 1);
}

#[test]
fn a_refused_script_does_not_run() {
    let script = "echo '#!/bin/sh' > $0; chmod +x $0; $0; echo $?";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("script");
    let program = ["busybox", "sh", "-c", script, file.to_str().unwrap()];
    let run = run(&["--refuse", "binfmt:script=13"], &program);
    assert_eq!((run.stdout.as_str(), run.hits()), ("126\n", vec![1]));
}

#[test]
fn a_refusal_is_recorded_with_its_error() {
    let run = refused("path:/proc/version=ENOENT", "relative", 2);
    assert!(run.has("path:/proc/version", 2) && !run.has("path:/proc/version", 0));
}

#[test]
fn a_rule_that_never_fits_has_no_hits() {
    let rules = [
        "syscall:mount=ENOSYS",
        "path:/proc/versio=ENOENT",
        "family:2=97",
    ];
    let run = ask(&rules, &["relative", "pair"]);
    assert_eq!(run.stdout, "relative 0\npair 0\n");
    assert_eq!((run.hits(), run.first_hits()), (vec![0, 0, 0], 0));
}

#[test]
fn other_arguments_are_left_alone() {
    let rules = [
        "case:fcntl:1:7=EINVAL",
        "protocol:10:1:0=93",
        "flag:mmap:3:0x40001=19",
    ];
    let run = ask(&rules, &["lock", "inet6", "shared"]);
    assert_eq!(run.stdout, "lock 0\ninet6 0\nshared 0\n");
}

#[test]
fn rules_come_from_a_file_or_a_descriptor() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rules");
    std::fs::write(&file, "family:10=97\nsyscall:290=38\n").unwrap();
    let file = file.to_str().unwrap();
    for from in [file, "0"] {
        let options = ["--rules", from];
        let program = [
            "busybox",
            "sh",
            "-c",
            "exec 0</dev/null; exec $0 inet6 eventfd",
            asks(),
        ];
        let run = match from {
            "0" => crate::run::run(&["--rules", "/dev/stdin", "--rules", file], &program),
            _ => run(&options, &program),
        };
        assert_eq!(run.stdout, "inet6 97\neventfd 38\n", "{}", run.stderr);
    }
}

#[test]
fn the_last_refusal_is_the_diagnosis() {
    let run = ask(&["syscall:eventfd2=ENOSYS"], &["inet6", "eventfd", "crash"]);
    assert_eq!(run.signal, Some(11));
    let last = run.last_refusal("asks").unwrap();
    assert_eq!((last.name, last.errno), (Some("eventfd2"), 38));
}

#[test]
fn a_threads_last_refusal_is_its_processs() {
    let run = ask(&["syscall:eventfd2=ENOSYS"], &["thread", "abort"]);
    assert_eq!(
        run.last_refusal("asks").and_then(|last| last.name),
        Some("eventfd2")
    );
}
