//! How a recorder ends, and what it leaves behind.

use std::time::{Duration, Instant};

use lupine_recorder::{Line, NO_PROGRAM, RUNS, decode_report};

use crate::run::{ask, asks, run, run_reporting, start};

#[test]
fn what_cannot_be_run_is_told_as_a_shell_tells_it() {
    let missing = run(&[], &["/no/such/program"]);
    assert_eq!(missing.status, Some(127));
    assert!(
        missing.stderr.contains("/no/such/program: not found"),
        "{}",
        missing.stderr
    );
    assert_eq!(run(&[], &["no-such-program"]).status, Some(127));
    assert_eq!(run(&[], &["/etc/passwd"]).status, Some(126));
    assert_eq!(run(&[], &["/"]).status, Some(126));
    assert_eq!(missing.records().count(), 0);
}

#[test]
fn a_parent_hears_once_whether_the_program_runs() {
    let report = |program: &[&str]| {
        let (run, report) = run_reporting(&[], program);
        assert_eq!(run.stderr, "");
        decode_report(report.try_into().unwrap())
    };
    // Its own status is not taken for a program that cannot be run.
    let itself = ["busybox", "sh", "-c", "exit 127"];
    assert_eq!(report(&itself), (RUNS, 0));
    assert_eq!(report(&["no-such-program"]), (NO_PROGRAM, 2));
    assert_eq!(report(&["/etc/passwd/x"]), (NO_PROGRAM, 2));
    assert_eq!(report(&["/etc/passwd"]), (NO_PROGRAM, 13));
    let (_, nothing) = run_reporting(&["--refuse", "x"], &["true"]);
    assert!(nothing.is_empty(), "{nothing:?}");
}

#[test]
fn wrong_options_are_told() {
    for options in [
        &["--what"][..],
        &["--refuse", "family:x=1"],
        &["--rules", "/nothing"],
    ] {
        let run = run(options, &["true"]);
        assert_eq!(run.status, Some(125), "{options:?}");
        assert!(run.stderr.contains("usage: recorder"), "{}", run.stderr);
    }
}

#[test]
fn a_signal_that_kills_is_told_and_kills_the_recorder_too() {
    for (word, signal) in [("segv", 11), ("crash", 11), ("abort", 6)] {
        let run = ask(&[], &[word]);
        assert_eq!(run.signal, Some(i32::from(signal)), "{word}");
        assert_eq!(run.ends()[0].how, Err(signal), "{word}");
    }
}

#[test]
fn the_death_of_a_child_is_told_once_for_each_kind() {
    let script = "for i in 1 2 3; do $0 crash; $0 eventfd exit; done; exit 0";
    let run = run(
        &["--refuse", "syscall:290=38"],
        &["busybox", "sh", "-c", script, asks()],
    );
    let ends: Vec<_> = run.ends().iter().map(|end| (end.main, end.how)).collect();
    assert_eq!(ends, [(false, Err(11)), (false, Ok(38)), (true, Ok(0))]);
    let last = run.last_refusal("asks").map(|last| (last.name, last.errno));
    assert_eq!(last, Some((Some("eventfd2"), 38)));
}

const DAEMON: &str = "(sleep 1; echo late; exec $0 eventfd) & echo $!";

#[test]
fn the_main_process_ends_all_unless_told_otherwise() {
    let program = ["busybox", "sh", "-c", DAEMON, asks()];
    let without = run(&[], &program);
    assert_eq!(without.status, Some(0));
    assert!(!without.has("syscall:eventfd2", 0));
    until_gone(without.stdout.trim());
    let with = run(&["--all"], &program);
    assert_eq!(with.status, Some(0));
    assert!(with.has("syscall:eventfd2", 0) && with.stdout.contains("late\neventfd 0\n"));
}

#[test]
fn nothing_is_left_when_the_recorder_is_killed() {
    let script = "sleep 600 & echo $!; sleep 600 & echo $!; echo $$; echo ready; wait";
    let started = start(&[], &["busybox", "sh", "-c", script]);
    started.until("stdout", "ready");
    // The tool's process becomes the recorder by exec.
    kill("KILL", &started.running.pid().to_string());
    let pids = started.text("stdout");
    let run = started.finish();
    assert_eq!(run.status, None);
    assert!(run.has("syscall:execve", 0));
    for pid in pids.lines().filter(|line| *line != "ready") {
        until_gone(pid);
    }
}

#[test]
fn a_reader_that_goes_away_harms_nobody() {
    let script = "exec 3>/dev/full; exec $0 --output 3 -- busybox sh -c 'cat /proc/version >/dev/null; exit 4'";
    let mut running = lupine_tool::Tool::new("sh")
        .args(["-c", script, crate::run::recorder()])
        .spawn()
        .unwrap();
    assert_eq!(running.status().unwrap().code(), Some(4));
}

#[test]
fn a_call_that_lasts_to_the_end_is_recorded() {
    let started = start(&[], &[asks(), "eventfd", "wait"]);
    started.until("stdout", "eventfd");
    kill("TERM", &started.running.pid().to_string());
    let run = started.finish();
    assert_eq!(run.signal, Some(15));
    assert!(run.has("syscall:pause", 0));
    assert!(matches!(
        run.lines.last(),
        Some(Line::Exit(_) | Line::LastRefusal { .. })
    ));
}

/// Sends a signal.
pub fn kill(signal: &str, pid: &str) {
    lupine_tool::Tool::new("kill")
        .args(["-s", signal, pid])
        .run()
        .unwrap();
}

/// Waits until a process is gone, or dead.
fn until_gone(pid: &str) {
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat"));
    let started = Instant::now();
    while state().is_ok_and(|state| !state.contains(") Z ")) {
        assert!(started.elapsed() < Duration::from_secs(60), "{pid} lives");
        std::thread::sleep(Duration::from_millis(5));
    }
}
