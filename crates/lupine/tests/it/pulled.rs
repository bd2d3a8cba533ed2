//! Images of a real registry, run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lupine_tool::Tool;

use crate::guest::{KERNEL, Lupine, Ran, busybox_root};
use crate::registry::Registry;

/// An OCI layout of the busybox image, made by umoci; it prints its user and an
/// environment variable that the image declares.
fn layout(dir: &Path) {
    let image = format!("{}:x", dir.display());
    let root = busybox_root();
    let root = root.to_str().unwrap();
    let umoci = |words: &[&str]| {
        Tool::new("umoci").args(words).run().unwrap();
    };
    umoci(&["init", "--layout", dir.to_str().unwrap()]);
    umoci(&["new", "--image", &image]);
    umoci(&["insert", "--image", &image, root, "/"]);
    umoci(&[
        "config",
        "--image",
        &image,
        "--config.user=app",
        "--config.env=GREETING=hello",
        "--config.entrypoint=/bin/sh",
        "--config.cmd=-c",
        "--config.cmd=id -un; echo $GREETING",
    ]);
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
    layout(&dir.path().join("layout"));
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
