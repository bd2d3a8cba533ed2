//! Ends that nobody planned: kills at bad moments, panics, full memory.

use nix::sys::signal::Signal;

use crate::guest::{Lupine, eventually, is_running, pid, signal};

#[test]
fn a_killed_monitor_takes_its_vmm_along_and_is_seen() {
    let lupine = Lupine::new();
    let name = lupine.detach(&["--name", "guest"], &["sleep", "1000"]);
    let record = lupine.inspect(&name);
    signal(pid(&record["monitor_pid"]), Signal::SIGKILL);
    eventually("the VMM is gone", || !is_running(&record["vmm_pid"]));
    assert!(
        lupine.ps(&name).contains("dead (monitor killed)"),
        "{}",
        lupine.ps(&name)
    );
    // The same command again works.
    lupine.detach(&["--name", "guest"], &["sleep", "1000"]);
    assert!(lupine.ps(&name).contains("up "), "{}", lupine.ps(&name));
}

#[test]
fn a_killed_vmm_is_said_as_such() {
    let lupine = Lupine::new();
    let mut run = lupine.start(&["--name", "guest"], &["sh", "-c", "echo up; sleep 1000"]);
    eventually("it runs", || lupine.started_stdout() == "up\n");
    signal(pid(&lupine.inspect("guest")["vmm_pid"]), Signal::SIGKILL);
    assert_eq!(run.status().unwrap().code(), Some(125));
    let stderr = std::fs::read_to_string(lupine.state().join("stderr")).unwrap();
    assert!(
        stderr.contains("the VMM was killed by signal 9"),
        "{stderr}"
    );
    assert_eq!(lupine.inspect("guest")["end"]["kind"], "vmm-killed");
}

#[test]
fn a_killed_command_leaves_no_vmm_and_the_same_command_works() {
    let lupine = Lupine::new();
    let mut run = lupine.start(&["--name", "guest"], &["sh", "-c", "echo up; sleep 1000"]);
    eventually("it runs", || lupine.started_stdout() == "up\n");
    let record = lupine.inspect("guest");
    signal(run.pid(), Signal::SIGKILL);
    let _ = run.status();
    eventually("the VMM is gone", || !is_running(&record["vmm_pid"]));
    let again = lupine.run(&["--name", "guest"], &["echo", "again"]);
    assert_eq!(
        (again.status, again.stdout.as_str()),
        (0, "again\n"),
        "{again:?}"
    );
}

#[test]
fn a_detached_guest_outlives_the_command_that_started_it() {
    let lupine = Lupine::new();
    let name = lupine.detach(&[], &["sleep", "1000"]);
    // The command has ended long ago; its whole session is the test's.
    assert!(is_running(&lupine.inspect(&name)["monitor_pid"]));
    let session = |pid: &serde_json::Value| {
        nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(
            i32::try_from(pid.as_u64().unwrap()).unwrap(),
        )))
    };
    let monitor = session(&lupine.inspect(&name)["monitor_pid"]).unwrap();
    assert_ne!(monitor, nix::unistd::getsid(None).unwrap());
}

#[test]
fn interrupting_the_command_interrupts_the_application() {
    let lupine = Lupine::new();
    let script = "trap 'echo interrupted; exit 9' INT; echo up; while :; do sleep 0.1; done";
    let mut run = lupine.start(&["--rm"], &["sh", "-c", script]);
    eventually("it runs", || lupine.started_stdout() == "up\n");
    signal(run.pid(), Signal::SIGINT);
    assert_eq!(run.status().unwrap().code(), Some(9));
    assert_eq!(lupine.started_stdout(), "up\ninterrupted\n");
}

#[test]
fn an_application_that_ignores_interrupts_goes_at_the_third() {
    let lupine = Lupine::new();
    let script = "trap '' INT; echo up; while :; do sleep 0.1; done";
    let mut run = lupine.start(&["--rm"], &["sh", "-c", script]);
    eventually("it runs", || lupine.started_stdout() == "up\n");
    for _ in 0..3 {
        signal(run.pid(), Signal::SIGINT);
        // Two equal signals at once would be one.
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(run.status().unwrap().code(), Some(137));
}

#[test]
fn out_of_memory_is_said_and_is_137() {
    let lupine = Lupine::new();
    let ran = lupine.run(&["--rm", "-m", "64m"], &["tail", "/dev/zero"]);
    assert_eq!(ran.status, 137, "{ran:?}");
    assert!(ran.stderr.contains("ran out of its 64 MiB"), "{ran:?}");
    assert!(ran.stderr.contains("-m"), "{ran:?}");
}

#[test]
fn a_kernel_panic_is_said_and_is_125() {
    let lupine = Lupine::new();
    let script = "echo 2 > /proc/sys/vm/panic_on_oom; tail /dev/zero";
    let ran = lupine.run(&["-m", "64m", "--name", "guest"], &["sh", "-c", script]);
    assert_eq!(ran.status, 125, "{ran:?}");
    assert!(ran.stderr.contains("kernel panicked"), "{ran:?}");
    let logs = lupine.lupine(&["logs", "--kernel", "guest"]);
    assert!(logs.stdout.contains("Kernel panic"), "{logs:?}");
}

#[test]
fn memory_too_small_for_the_kernel_is_said_as_such() {
    let lupine = Lupine::new();
    let ran = lupine.run(&["--rm", "-m", "4m"], &["true"]);
    assert_eq!(ran.status, 125, "{ran:?}");
    assert!(
        ran.stderr.contains("4 MiB of memory is too small"),
        "{ran:?}"
    );
}

#[test]
fn many_guests_at_once_do_not_disturb_each_other() {
    let lupine = Lupine::new();
    // The kernel is there before they begin.
    lupine.run(&["--rm"], &["true"]);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let lupine = &lupine;
                scope.spawn(move || {
                    let text = format!("guest {number}");
                    let ran = lupine.run(&["--rm"], &["echo", &text]);
                    assert_eq!(
                        (ran.status, ran.stdout),
                        (0, format!("{text}\n")),
                        "{}",
                        ran.stderr
                    );
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
    assert_eq!(lupine.lupine(&["ps", "-a", "-q"]).stdout, "");
}
