//! Guests in the background, and what other commands do with them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::guest::{Lupine, eventually};

#[test]
fn a_detached_guest_is_listed_logged_stopped_and_removed() {
    let lupine = Lupine::new();
    let script =
        "echo out; echo err >&2; trap 'echo bye; exit 3' TERM; while :; do sleep 0.1; done";
    let name = lupine.detach(&["--name", "guest"], &["sh", "-c", script]);
    assert_eq!(name, "guest");
    assert!(lupine.ps("guest").contains("up "), "{}", lupine.ps("guest"));
    eventually("both lines are logged", || {
        let logs = lupine.lupine(&["logs", "guest"]);
        logs.stdout == "out\n" && logs.stderr == "err\n"
    });
    let refused = lupine.lupine(&["rm", "guest"]);
    assert!(
        refused.status == 1 && refused.stderr.contains("is running"),
        "{refused:?}"
    );
    let stopped = lupine.lupine(&["stop", "guest"]);
    assert_eq!(
        (stopped.status, stopped.stdout.as_str()),
        (0, "guest\n"),
        "{stopped:?}"
    );
    assert!(
        lupine.ps("guest").contains("exited (3)"),
        "{}",
        lupine.ps("guest")
    );
    assert_eq!(lupine.lupine(&["wait", "guest"]).stdout, "3\n");
    let logs = lupine.lupine(&["logs", "--tail", "1", "guest"]);
    assert_eq!(logs.stdout, "bye\n", "{logs:?}");
    assert_eq!(lupine.lupine(&["rm", "guest"]).status, 0);
    assert_eq!(lupine.ps("guest"), "");
}

#[test]
fn a_guest_that_ignores_its_stop_signal_is_killed() {
    let lupine = Lupine::new();
    let script = "trap '' TERM; echo ready; while :; do sleep 0.1; done";
    let name = lupine.detach(&[], &["sh", "-c", script]);
    eventually("it ignores signals", || {
        lupine.lupine(&["logs", &name]).stdout == "ready\n"
    });
    let stopped = lupine.lupine(&["stop", "-t", "1", &name]);
    assert_eq!(stopped.status, 0, "{stopped:?}");
    assert_eq!(lupine.inspect(&name)["end"]["status"], 137);
}

#[test]
fn kill_sends_any_signal_and_ends_the_guest_by_itself() {
    let lupine = Lupine::new();
    let script = "trap 'echo usr1' USR1; echo ready; while :; do sleep 0.1; done";
    let name = lupine.detach(&[], &["sh", "-c", script]);
    eventually("the trap is set", || {
        lupine.lupine(&["logs", &name]).stdout == "ready\n"
    });
    assert_eq!(lupine.lupine(&["kill", "-s", "USR1", &name]).status, 0);
    eventually("the application got it", || {
        lupine.lupine(&["logs", &name]).stdout == "ready\nusr1\n"
    });
    assert_eq!(lupine.lupine(&["kill", &name]).status, 0);
    assert_eq!(lupine.inspect(&name)["end"]["kind"], "killed");
    assert_eq!(lupine.lupine(&["kill", &name]).status, 1);
}

#[test]
fn following_a_log_ends_with_the_guest() {
    let lupine = Lupine::new();
    let name = lupine.detach(
        &[],
        &["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done"],
    );
    let logs = lupine.lupine(&["logs", "-f", &name]);
    assert_eq!(logs.stdout, "1\n2\n3\n", "{logs:?}");
}

#[test]
fn a_published_port_answers_once_the_guest_is_ready() {
    let lupine = Lupine::new();
    let flags = ["-p", "0:8080", "--wait-ready"];
    let name = lupine.detach(&flags, &["httpd", "-f", "-p", "8080", "-h", "/etc"]);
    let record = lupine.inspect(&name);
    let port = u16::try_from(record["ports"][0]["host_port"].as_u64().unwrap()).unwrap();
    assert!(
        record["stats"]["boot_us"]["vmm-start..app-ready"]
            .as_u64()
            .is_some(),
        "{record}"
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream.write_all(b"GET /passwd HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("root:x:0:0"), "{answer}");
    // The port is taken now.
    let again = lupine.run(&["--rm", "-p", &format!("{port}:80")], &["true"]);
    assert_eq!(again.status, 125, "{again:?}");
    assert!(
        again.stderr.contains(&format!("127.0.0.1:{port}")),
        "{again:?}"
    );
}

#[test]
fn rm_at_the_end_leaves_nothing() {
    let lupine = Lupine::new();
    let name = lupine.detach(&["--rm"], &["sleep", "0.2"]);
    eventually("the record is gone", || lupine.ps(&name).is_empty());
    let left = std::fs::read_dir(lupine.state().join("guests"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
}

#[test]
fn a_detached_guest_that_cannot_start_says_why() {
    let lupine = Lupine::new();
    let ran = lupine.run(&["-d"], &["no-such-program"]);
    assert_eq!(ran.status, 127, "{ran:?}");
    assert!(ran.stderr.contains("no-such-program"), "{ran:?}");
}

#[test]
fn redis_answers_from_its_own_kernel() {
    let lupine = Lupine::new();
    let ran = lupine.lupine(&[
        "run",
        "-d",
        "--name",
        "redis",
        "-p",
        "0:6379",
        "--wait-ready",
        "deb:redis-server",
    ]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let record = lupine.inspect("redis");
    let port = u16::try_from(record["ports"][0]["host_port"].as_u64().unwrap()).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
        .write_all(b"SET greeting hello\r\nGET greeting\r\n")
        .unwrap();
    let expected = "+OK\r\n$5\r\nhello\r\n";
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), expected);
    assert_eq!(lupine.lupine(&["stop", "redis"]).status, 0);
}
