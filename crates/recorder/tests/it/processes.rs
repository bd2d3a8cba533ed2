//! Children and threads, however they come to be.

use crate::run::{ask, run};

#[test]
fn all_kinds_of_children_are_followed() {
    for word in ["thread", "fork", "clone", "clone-without-signal", "vfork"] {
        let run = ask(&["syscall:eventfd2=ENOSYS"], &[word]);
        let expected = if word == "vfork" { 0 } else { 38 };
        assert_eq!(
            run.stdout.lines().last(),
            Some(format!("{word} {expected}").as_str())
        );
        assert_eq!(run.hits(), [1], "{word}");
        assert!(run.has("syscall:eventfd2", 38), "{word}");
    }
}

#[test]
fn a_thread_that_calls_exec_becomes_the_process() {
    let run = ask(&["syscall:eventfd2=ENOSYS"], &["exec-in-thread"]);
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), "eventfd 38\n"));
    assert_eq!(run.hits(), [1]);
    assert_eq!(run.ends().len(), 1);
}

#[test]
fn a_thousand_short_processes() {
    let script =
        "i=0; while [ $i -lt 1000 ]; do /bin/busybox true & i=$((i+1)); done; wait; echo $i";
    let run = run(&[], &["busybox", "sh", "-c", script]);
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), "1000\n"));
    assert_eq!(run.ends().len(), 1);
}

#[test]
fn many_threads_and_processes_at_once() {
    let words = ["thread", "fork"].repeat(200);
    let run = ask(&["syscall:eventfd2=EMFILE"], &words);
    assert_eq!(run.hits(), [400]);
    assert_eq!(run.stdout.matches(" 24\n").count(), 400);
}
