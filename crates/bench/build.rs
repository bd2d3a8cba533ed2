//! Builds `guest/bench` for the guest and leaves it in OUT_DIR.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    lupine_tool::build_guest("bench");
}
