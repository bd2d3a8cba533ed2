//! For build scripts: builds one of the packages below `guest/`.
#![allow(clippy::print_stdout, reason = "cargo reads a build script's stdout")]

use std::path::{Path, PathBuf};

use crate::Tool;

/// Variables of the outer cargo that must not reach the inner one: flags
/// for the host, wrappers such as clippy's, another target directory.
const FOREIGN: [&str; 10] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_TARGET_DIR",
    "MAKEFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];

/// Builds `guest/NAME` and leaves its program as `lupine-guest-NAME` in
/// OUT_DIR. For the build script of a crate in `crates/`, which it tells
/// cargo to run again when the package's own files change.
///
/// # Panics
/// When the package cannot be built: a build script has no better way to say so.
pub fn build_guest(name: &str) {
    let out = PathBuf::from(variable("OUT_DIR"));
    let package = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../../guest");
    let package = package.join(name);
    for part in ["src", "Cargo.toml", "Cargo.lock", "../shared"] {
        println!("cargo::rerun-if-changed={}", package.join(part).display());
    }
    let target = out.join(format!("guest-{name}"));
    let flags = ["--release", "--locked", "--quiet", "--manifest-path"];
    let cargo = inner_cargo()
        .arg("build")
        .args(flags)
        .arg(package.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    let command = cargo.display();
    if let Err(error) = cargo.run() {
        panic!("cannot build guest/{name} with: {command}\n{error}");
    }
    let program = format!("lupine-guest-{name}");
    let built = target.join("release").join(&program);
    if let Err(error) = std::fs::copy(&built, out.join(program)) {
        panic!("cannot copy {}: {error}", built.display());
    }
}

fn inner_cargo() -> Tool {
    let vars = std::env::vars_os()
        .filter(|(key, _)| !FOREIGN.iter().any(|foreign| key.as_os_str() == *foreign));
    let tool = Tool::new(variable("CARGO"))
        .env_clear()
        .env("CARGO_ENCODED_RUSTFLAGS", flags().join("\x1f"));
    vars.fold(tool, |tool, (key, value)| tool.env(key, value))
}

/// Panic messages name source files: keeps this machine's paths out of them.
fn flags() -> [String; 2] {
    let cargo_home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| home + "/.cargo"))
        .unwrap_or_default();
    let repository = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../..");
    let repository = repository.canonicalize().unwrap_or(repository);
    [
        format!("--remap-path-prefix={cargo_home}=/cargo"),
        format!("--remap-path-prefix={}=/lupine", repository.display()),
    ]
}

fn variable(name: &str) -> String {
    match std::env::var(name) {
        Ok(value) => value,
        Err(error) => panic!("cargo did not set {name}: {error}"),
    }
}
