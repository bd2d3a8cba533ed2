//! Bad input meets a clear error, and nothing is lost. No guest boots here.

use crate::guest::{Lupine, Ran, image};

/// Checks an error's status, text and hint.
fn refused(ran: &Ran, status: i32, words: &[&str]) {
    assert_eq!(ran.status, status, "{ran:?}");
    let said = ran
        .stderr
        .lines()
        .any(|line| line.starts_with("lupine: error: "));
    assert!(said, "{ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "{word} is not in {ran:?}");
    }
    assert_eq!(ran.stdout, "", "{ran:?}");
}

#[test]
fn flags_with_bad_values_say_what_is_right() {
    let lupine = Lupine::new();
    let cases: [(&[&str], &str); 8] = [
        (&["-m", "512"], "did you mean 512m"),
        (&["-p", "80-90:80"], "one -p for each port"),
        (&["-v", "data:/data"], "./data:/data"),
        (&["--platform", "linux/arm64"], "linux/amd64"),
        (&["--option", "CONFIG_SMP=m"], "=y"),
        (&["--cpus", "1.5"], "whole number"),
        (&["--fs", "btrfs"], "erofs"),
        (&["--no-such-flag"], "--no-such-flag"),
    ];
    for (flags, word) in cases {
        refused(&lupine.run(flags, &["true"]), 125, &[word]);
    }
}

#[test]
fn combinations_that_cannot_be_are_refused_before_anything_is_built() {
    let lupine = Lupine::new();
    let cases: [(&[&str], &str); 7] = [
        (&["--vmm", "firecracker"], "only qemu"),
        (&["--network", "tap", "-p", "80:80"], "user network"),
        (&["--network", "none", "-p", "80:80"], "without a network"),
        (&["-v", "/no/such/dir:/data"], "mkdir -p /no/such/dir"),
        (&["--no-init", "-u", "app"], "--no-init"),
        (&["--feature", "port-console"], "add --no-init"),
        (&["--feature", "port-console", "--no-init"], "add --fs cpio"),
    ];
    for (flags, word) in cases {
        refused(&lupine.run(flags, &["true"]), 125, &[word]);
    }
}

#[test]
fn images_that_are_not_there_are_named() {
    let lupine = Lupine::new();
    let ran = lupine.lupine(&["run", "dir:/no/such/image", "true"]);
    refused(&ran, 125, &["/no/such/image"]);
    let ran = lupine.lupine(&["run", "--pull", "never", "localhost:1/no/image", "true"]);
    refused(&ran, 125, &["localhost:1/no/image"]);
    let ran = lupine.lupine(&["run", "localhost:1/no/image", "true"]);
    refused(&ran, 125, &["localhost:1"]);
    refused(
        &lupine.lupine(&["run", "./no-such.tar", "true"]),
        125,
        &["./no-such.tar"],
    );
    let ran = lupine.lupine(&["run", "/etc/passwd", "true"]);
    refused(&ran, 125, &["docker-archive:/etc/passwd"]);
    let dir = lupine.state().display().to_string();
    refused(
        &lupine.lupine(&["run", &dir, "true"]),
        125,
        &["no bundle", "dir:"],
    );
}

#[test]
fn an_image_without_a_command_asks_for_one() {
    let lupine = Lupine::new();
    refused(&lupine.lupine(&["run", &image()]), 125, &["what to run"]);
}

#[test]
fn an_unknown_kernel_option_is_named() {
    let lupine = Lupine::new();
    let image = image();
    let ran = lupine.lupine(&[
        "config",
        "--option",
        "CONFIG_NO_SUCH=y",
        &image,
        "--",
        "true",
    ]);
    refused(&ran, 1, &["CONFIG_NO_SUCH"]);
}

#[test]
fn guests_that_are_not_there_are_named() {
    let lupine = Lupine::new();
    for verb in ["logs", "stop", "kill", "rm", "wait"] {
        refused(
            &lupine.lupine(&[verb, "nobody"]),
            1,
            &["nobody", "lupine ps -a"],
        );
    }
}

#[test]
fn a_name_in_use_is_refused_before_anything_is_built() {
    let lupine = Lupine::new();
    let ran = lupine.run(&["--name", "taken"], &["true"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let again = lupine.run(&["--name", "taken"], &["true"]);
    refused(&again, 125, &["taken", "has exited", "lupine rm taken"]);
}

#[test]
fn one_damaged_record_does_not_break_the_list() {
    let lupine = Lupine::new();
    let dir = lupine.state().join("guests/broken");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("guest.json"), "{").unwrap();
    let ps = lupine.lupine(&["ps"]);
    assert!(ps.status == 0 && ps.stdout.contains("damaged"), "{ps:?}");
    assert_eq!(lupine.lupine(&["rm", "broken"]).status, 0);
    assert_eq!(lupine.ps("broken"), "");
}
