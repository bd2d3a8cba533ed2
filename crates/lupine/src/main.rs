//! The lupine command.
fn main() {}
