//! Rebuilds the crate when a file of `kernel/` changes: it is embedded.

fn main() {
    println!("cargo:rerun-if-changed=../../kernel");
}
