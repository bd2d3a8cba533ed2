//! The least application there is: [`hello`].

use std::fs;
use std::path::PathBuf;

use lupine_store::{At, Store};
use lupine_tool::Tool;

use crate::BenchError;
use crate::suite::hash;

/// `bench/hello/hello.c`.
const SOURCE: &str = include_str!("../../../bench/hello/hello.c");
/// Without a C library, and without what a linker adds for others.
const FLAGS: [&str; 10] = [
    "-Os",
    "-static",
    "-nostdlib",
    "-no-pie",
    "-fno-pie",
    "-fno-stack-protector",
    "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables",
    "-Wl,--build-id=none,-z,noseparate-code,-z,max-page-size=4096",
    "-s",
];
/// Store kind of directories with it.
const KIND: &str = "hello";

/// A directory that holds nothing but `hello`, a static program; compiled at its first use and kept in the store.
///
/// # Errors
/// No compiler, or a compiler's error.
pub fn hello(store: &Store) -> Result<PathBuf, BenchError> {
    let key = hash(&[SOURCE, &FLAGS.join(" ")].concat());
    if let Some(dir) = store.get(KIND, &key) {
        return Ok(dir);
    }
    let staging = store.staging()?;
    let (source, root) = (staging.path().join("hello.c"), staging.path().join("root"));
    fs::write(&source, SOURCE).at("write", &source)?;
    fs::create_dir(&root).at("create", &root)?;
    let program = root.join("hello");
    Tool::new("gcc")
        .args(FLAGS)
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .run()?;
    Ok(store.publish(&root, KIND, &key)?)
}
