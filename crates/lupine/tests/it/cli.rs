//! What the command says about itself.

use crate::guest::Lupine;

#[test]
fn help_of_the_whole() {
    insta::assert_snapshot!(Lupine::new().lupine(&["--help"]).stdout);
}

#[test]
fn help_of_run() {
    insta::assert_snapshot!(Lupine::new().lupine(&["run", "--help"]).stdout);
}

#[test]
fn empty_lists_are_lists() {
    let lupine = Lupine::new();
    assert_eq!(lupine.lupine(&["ps", "--format", "json"]).stdout, "[]\n");
    let header = "NAME   IMAGE   COMMAND   CREATED   STATUS   PORTS\n";
    assert_eq!(lupine.lupine(&["ps", "-a"]).stdout, header);
}

#[test]
fn completions_name_the_verbs() {
    let lupine = Lupine::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = lupine.lupine(&["completions", shell]).stdout;
        assert!(script.contains("inspect") && !script.is_empty(), "{shell}");
    }
}

#[test]
fn the_doctor_answers_in_json() {
    let ran = Lupine::new().lupine(&["doctor", "--format", "json"]);
    let checks: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let names: Vec<_> = checks
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str())
        .collect();
    for name in ["qemu", "kvm", "tcg", "kernel build", "tap", "disk"] {
        assert!(names.contains(&Some(name)), "{name} is not in {names:?}");
    }
}

#[test]
fn the_version_is_said() {
    let text = Lupine::new().lupine(&["version"]).stdout;
    assert!(text.starts_with("lupine 0.1.0\nLinux 6.12."), "{text}");
}

#[test]
fn errors_say_what_why_and_what_next() {
    let lupine = Lupine::new();
    let commands: [&[&str]; 6] = [
        &["run", "-m", "512", "redis"],
        &["run", "--vmm", "firecracker", "redis"],
        &["run", "--network", "none", "-p", "80", "redis"],
        &["run", "-v", "/no/such:/data", "redis"],
        &["rm", "nobody"],
        &["run"],
    ];
    let errors: Vec<String> = commands
        .iter()
        .map(|words| {
            let ran = lupine.lupine(words);
            format!(
                "$ lupine {}\n{}status {}\n",
                words.join(" "),
                ran.stderr,
                ran.status
            )
        })
        .collect();
    insta::assert_snapshot!(errors.join("\n"));
}
