//! Images of a real registry, run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lupine_tool::Tool;

use crate::guest::{KERNEL, Lupine, Ran, busybox_root};
use crate::registry::Registry;

/// What the image of the registry declares: it prints its user and a variable.
const GREETS: [&str; 5] = [
    "--config.user=app",
    "--config.env=GREETING=hello",
    "--config.entrypoint=/bin/sh",
    "--config.cmd=-c",
    "--config.cmd=id -un; echo $GREETING",
];

/// An OCI layout of the busybox image, made by umoci, with that configuration.
fn layout(dir: &Path, config: &[&str]) {
    let image = format!("{}:x", dir.display());
    let root = busybox_root();
    let root = root.to_str().unwrap();
    let umoci = |words: &[&str]| {
        Tool::new("umoci").args(words).run().unwrap();
    };
    umoci(&["init", "--layout", dir.to_str().unwrap()]);
    umoci(&["new", "--image", &image]);
    umoci(&["insert", "--image", &image, root, "/"]);
    umoci(&[&["config", "--image", &image], config].concat());
}

fn run(lupine: &Lupine, home: &Path, words: &[&str]) -> Ran {
    let mut command = lupine.command();
    let path = std::env::var("PATH").unwrap();
    command
        .env("DOCKER_CONFIG", home)
        .env("PATH", format!("{}:{path}", home.display()))
        .args(["run", "--rm"])
        .args(KERNEL)
        .args(words);
    Ran::from(command.output().unwrap())
}

#[test]
fn an_image_of_a_registry_runs_as_it_declares_with_what_a_credential_helper_knows() {
    let lupine = Lupine::new();
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::start(Some(("me", "se:cret")));
    layout(&dir.path().join("layout"), &GREETS);
    let image = format!("{}/team/app:1", registry.address);
    registry.push(
        &dir.path().join("layout"),
        "x",
        "team/app:1",
        Some("me:se:cret"),
    );

    let refused = run(&lupine, dir.path(), &["--pull", "always", &image]);
    assert_eq!(refused.status, 125, "{refused:?}");
    assert!(refused.stderr.contains("docker login"), "{refused:?}");

    let helper = dir.path().join("docker-credential-fake");
    let answer = r#"{"ServerURL":"","Username":"me","Secret":"se:cret"}"#;
    fs::write(&helper, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let config = r#"{"credsStore":"fake"}"#;
    fs::write(dir.path().join("config.json"), config).unwrap();
    let ran = run(&lupine, dir.path(), &["--pull", "always", &image]);
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (0, "app\nhello\n"),
        "{ran:?}"
    );

    let ran = run(&lupine, dir.path(), &[&image, "-c", "exit 7"]);
    assert_eq!(ran.status, 7, "known without asking again: {ran:?}");
}

#[test]
fn a_server_that_listens_on_loopback_is_reached_where_its_image_says_so() {
    let lupine = Lupine::new();
    let dir = tempfile::tempdir().unwrap();
    let config = [
        "--config.label=lupine.listens=loopback",
        "--config.entrypoint=/bin/sh",
        "--config.cmd=-c",
        "--config.cmd=httpd -f -p 127.0.0.1:8080 -h /etc",
    ];
    layout(&dir.path().join("layout"), &config);
    let image = format!("oci:{}/layout:x", dir.path().display());
    let words = ["run", "-d", "--name", "inward", "-p", "0:8080"];
    let ran = lupine.lupine(&[&words[..], &KERNEL, &[&image]].concat());
    assert_eq!(ran.status, 0, "{ran:?}");
    let port = lupine.inspect("inward")["ports"][0]["host_port"].clone();
    let url = format!("http://127.0.0.1:{port}/passwd");
    let curl = [
        "-sf",
        "--retry",
        "10",
        "--retry-all-errors",
        "-m",
        "5",
        &url,
    ];
    let page = Tool::new("curl").args(curl).run();
    lupine.lupine(&["rm", "-f", "inward"]);
    let page = String::from_utf8_lossy(&page.unwrap().stdout).into_owned();
    assert!(page.contains("root:x:0:0"), "{page}");
}
