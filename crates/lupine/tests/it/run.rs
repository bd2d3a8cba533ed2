//! Guests in the foreground.

use std::fs;

use serde_json::Value;

use crate::guest::{Lupine, image};

#[test]
fn output_goes_to_the_same_streams_and_the_status_is_the_applications() {
    let lupine = Lupine::new();
    let ran = lupine.run(&["--rm"], &["sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (7, "out\n"), "{ran:?}");
    assert!(ran.stderr.ends_with("err\n"), "{ran:?}");
    assert_eq!(lupine.lupine(&["ps", "-a", "-q"]).stdout, "");
}

#[test]
fn a_signal_that_kills_the_application_shows_in_the_status() {
    let ran = Lupine::new().run(&["--rm"], &["sh", "-c", "kill -SEGV $$"]);
    assert_eq!(ran.status, 128 + 11, "{ran:?}");
}

#[test]
fn commands_that_cannot_be_started_are_126_and_127() {
    let lupine = Lupine::new();
    let ran = lupine.run(&["--rm"], &["no-such-program"]);
    assert_eq!(ran.status, 127, "{ran:?}");
    assert!(ran.stderr.contains("no-such-program"), "{ran:?}");
    let ran = lupine.run(&["--rm"], &["/etc/passwd"]);
    assert_eq!(ran.status, 126, "{ran:?}");
}

#[test]
fn stdin_passes_whole_and_ends() {
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n / 7 % 251) as u8).collect();
    let mut command = Lupine::new().run_command(&["--rm", "-i"], &["cat"]);
    let output = command.write_stdin(bytes.clone()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        output.stdout == bytes,
        "{} bytes came back",
        output.stdout.len()
    );
}

#[test]
fn without_i_stdin_is_empty() {
    let mut command = Lupine::new().run_command(&["--rm"], &["wc", "-c"]);
    let output = command.write_stdin("not for the guest").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n");
}

#[test]
fn environment_directory_user_and_host_name_are_as_asked() {
    let lupine = Lupine::new();
    let mut command = lupine.run_command(
        &[
            "--rm",
            "-e",
            "A=b c",
            "-e",
            "FROM_HOST",
            "-w",
            "/tmp/new",
            "-u",
            "app",
            "--hostname",
            "box",
            "--ulimit",
            "nofile=99:100",
        ],
        &[
            "sh",
            "-c",
            "echo $A/$FROM_HOST/$HOME; pwd; id -u; id -g; hostname; ulimit -n; httpd -p 80 && echo listens",
        ],
    );
    let output = command.env("FROM_HOST", "here").output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "b c/here//tmp\n/tmp/new\n1000\n1000\nbox\n99\nlistens\n",
        "{output:?}"
    );
}

#[test]
fn volumes_are_shared_and_read_only_ones_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in"), "from the host\n").unwrap();
    fs::write(dir.path().join("one"), "single\n").unwrap();
    let path = dir.path().display();
    let lupine = Lupine::new();
    let ran = lupine.run(
        &[
            "--rm",
            "-v",
            &format!("{path}:/rw"),
            "-v",
            &format!("{path}:/ro:ro"),
            "-v",
            &format!("{path}/one:/etc/one:ro"),
        ],
        &[
            "sh",
            "-c",
            "cat /rw/in /etc/one; echo back > /rw/out; touch /ro/no || echo refused",
        ],
    );
    assert_eq!(ran.stdout, "from the host\nsingle\nrefused\n", "{ran:?}");
    assert_eq!(
        fs::read_to_string(dir.path().join("out")).unwrap(),
        "back\n"
    );
    assert!(!dir.path().join("no").exists());
}

#[test]
fn a_guest_cannot_change_its_image() {
    let lupine = Lupine::new();
    let ran = lupine.run(
        &["--rm"],
        &["sh", "-c", "echo changed > /etc/passwd; ls /etc/passwd"],
    );
    assert_eq!(ran.stdout, "/etc/passwd\n", "{ran:?}");
    let ran = lupine.run(&["--rm"], &["head", "-c", "4", "/etc/passwd"]);
    assert_eq!(ran.stdout, "root", "{ran:?}");
}

#[test]
fn a_terminal_is_one() {
    // script(1) gives the command a terminal to begin with.
    let lupine = Lupine::new();
    let command = format!(
        "stty rows 33 cols 101; {} run --rm -t --profile general {} sh -c 'tty; stty size'",
        crate::guest::LUPINE,
        image()
    );
    let output = assert_cmd::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env("LUPINE_CACHE", crate::guest::cache())
        .env("LUPINE_STATE", lupine.state())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("/dev/hvc0") && text.contains("33 101"),
        "{text}"
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_application() {
    let lupine = Lupine::new();
    let ran = lupine.run(&["--rm"], &["sh", "-c", "yes | head -n 1"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "y\n"), "{ran:?}");
}

#[test]
fn a_static_program_runs_without_init() {
    let lupine = Lupine::new();
    let ran = lupine.run(&["--rm", "--no-init"], &["/bin/busybox", "echo", "bare"]);
    assert!(ran.stdout.contains("bare"), "{ran:?}");
    assert_eq!(ran.status, 0, "{ran:?}");
}

#[test]
fn the_least_kernel_boots() {
    let lupine = Lupine::new();
    let image = image();
    let words = [
        "run",
        "--rm",
        "--profile",
        "base",
        "--tiny",
        &image,
        "/bin/echo",
        "hello",
    ];
    let ran = lupine.lupine(&words);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "hello\n"), "{ran:?}");
}

#[test]
fn measurements_are_written() {
    let lupine = Lupine::new();
    let file = lupine.state().join("stats.json");
    let path = file.display().to_string();
    let ran = lupine.run(&["--rm", "--stats", &path, "-m", "100m"], &["true"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let stats: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert!(stats["vmm_us"].as_u64().unwrap() > 0, "{stats}");
    assert!(
        stats["boot_us"]["vmm-start..init-start"].as_u64().unwrap() > 0,
        "{stats}"
    );
    assert!(
        stats["kernel"]["options"].as_u64().unwrap() > 100,
        "{stats}"
    );
    assert_eq!(stats["memory"]["mem_mib"], 100, "{stats}");
    assert_eq!(stats["status"], 0, "{stats}");
}

#[test]
fn a_bundle_runs_without_its_image() {
    let lupine = Lupine::new();
    let dir = lupine.state().join("a.bundle");
    let bundle = dir.display().to_string();
    let image = image();
    let built = lupine.lupine(&[
        "build",
        "--profile",
        "general",
        "-o",
        &bundle,
        &image,
        "--",
        "sh",
        "-c",
        "echo from $0",
        "bundle",
    ]);
    assert_eq!(
        (built.status, built.stdout.trim()),
        (0, bundle.as_str()),
        "{built:?}"
    );
    let ran = lupine.lupine(&["run", "--rm", &bundle]);
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (0, "from bundle\n"),
        "{ran:?}"
    );
    let ran = lupine.lupine(&["run", "--rm", &bundle, "echo", "other"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "other\n"), "{ran:?}");
}

#[test]
fn products_come_alone() {
    let lupine = Lupine::new();
    let file = |name: &str| lupine.state().join(name).display().to_string();
    let image = image();
    let kernel = file("vmlinux");
    let ran = lupine.lupine(&[
        "kernel",
        "--profile",
        "general",
        "-o",
        &kernel,
        &image,
        "--",
        "sh",
    ]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(&fs::read(&kernel).unwrap()[..4], b"\x7fELF");
    let compressed = file("bzImage");
    let words = [
        "kernel",
        "--profile",
        "general",
        "--format",
        "bzImage",
        "-o",
        &compressed,
        &image,
        "--",
        "sh",
    ];
    let ran = lupine.lupine(&words);
    assert_eq!(ran.status, 0, "{ran:?}");
    // The magic number of the x86 boot protocol.
    assert_eq!(&fs::read(&compressed).unwrap()[0x202..0x206], b"HdrS");
    for format in ["ext2", "erofs", "cpio"] {
        let rootfs = file(format);
        let ran = lupine.lupine(&["rootfs", "--fs", format, "-o", &rootfs, &image, "--", "sh"]);
        assert_eq!(ran.status, 0, "{ran:?}");
        assert!(fs::metadata(&rootfs).unwrap().len() > 1 << 20);
    }
}
