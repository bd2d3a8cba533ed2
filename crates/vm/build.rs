//! Assembles `guest/probe`, the guest that finds out whether KVM works.

use std::path::{Path, PathBuf};

use lupine_tool::Tool;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let directory = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../../guest/probe");
    let [source, layout] = ["probe.S", "probe.ld"].map(|name| directory.join(name));
    for file in [&source, &layout] {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    // The C compiler is there, because rustc links with it.
    let assemble = Tool::new("cc")
        .args([
            "-m64",
            "-nostdlib",
            "-static",
            "-no-pie",
            "-Wl,--build-id=none",
        ])
        .arg(format!("-Wl,-T,{}", layout.display()))
        .arg("-o")
        .arg(PathBuf::from(variable("OUT_DIR")).join("probe"))
        .arg(source);
    let command = assemble.display();
    if let Err(error) = assemble.run() {
        panic!("cannot assemble the probe with: {command}\n{error}");
    }
}

fn variable(name: &str) -> String {
    match std::env::var(name) {
        Ok(value) => value,
        Err(error) => panic!("cargo did not set {name}: {error}"),
    }
}
