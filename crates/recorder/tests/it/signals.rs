//! Signals pass through, in both ways.

use crate::ends::kill;
use crate::run::{ask, asks, start};

const TRAPS: &str = "trap 'echo term' TERM; trap 'echo usr1' USR1; trap 'echo int; exit 9' INT; echo ready; while :; do sleep 1; done";

#[test]
fn signals_to_the_recorder_reach_the_program() {
    let started = start(&[], &["bash", "-c", TRAPS]);
    started.until("stdout", "ready");
    let pid = started.running.pid().to_string();
    for (signal, text) in [("TERM", "term"), ("USR1", "usr1"), ("INT", "int")] {
        kill(signal, &pid);
        started.until("stdout", text);
    }
    let run = started.finish();
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (Some(9), "ready\nterm\nusr1\nint\n")
    );
}

#[test]
fn a_stopped_process_stays_stopped_until_it_is_continued() {
    let started = start(&[], &[asks(), "eventfd", "stop", "eventfd"]);
    let lines = || started.text("lines");
    started.until("stdout", "eventfd 0\n");
    let pid = pid_of_main(&lines());
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    while !state().contains(") t ") && !state().contains(") T ") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(started.text("stdout"), "eventfd 0\n");
    kill("CONT", &pid);
    let run = started.finish();
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (Some(0), "eventfd 0\nstop 0\neventfd 0\n")
    );
}

#[test]
fn a_shell_sees_its_child_stop() {
    let script = "$0 stop & wait -f $!; echo never";
    let watch = "set -m; $0 stop; echo stopped $?; kill -CONT %1; wait %1; echo $?";
    assert_ne!(script, watch);
    let started = start(&[], &["bash", "-c", watch, asks()]);
    let run = started.finish();
    assert!(
        run.stdout.contains("stopped 147"),
        "{} {}",
        run.stdout,
        run.stderr
    );
}

#[test]
fn a_trap_of_the_programs_own_is_its_own() {
    let run = ask(&[], &["trap", "eventfd"]);
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (Some(0), "trap 0\neventfd 0\n")
    );
}

/// The process of the first record.
fn pid_of_main(lines: &str) -> String {
    let record = lines.lines().nth(1).unwrap();
    record.rsplit('\t').next().unwrap().into()
}
