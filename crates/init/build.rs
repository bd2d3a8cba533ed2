//! Builds `guest/init` for the guest and leaves it in OUT_DIR.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    // guest/init reads the recorder's reports.
    println!("cargo::rerun-if-changed=../recorder/src");
    #[cfg(feature = "embed")]
    lupine_tool::build_guest("init");
}
