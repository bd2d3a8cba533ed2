//! For all programs below guest/: links without libc and without the C start files, at a fixed address.

fn main() {
    let package = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let shared = format!("{package}/../shared");
    for file in ["build.rs", "layout.ld"] {
        println!("cargo::rerun-if-changed={shared}/{file}");
    }
    let layout = format!("-Wl,-T,{shared}/layout.ld");
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,--build-id=none",
        "-Wl,--no-eh-frame-hdr",
        &layout,
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
