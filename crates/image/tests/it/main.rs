//! Images end to end: a real registry, a misbehaving one, real archives, real packages.
//!
//! Needs docker-registry, skopeo, umoci, htpasswd, tar and mmdebstrap; `make test` installs them.

mod archives;
mod debian;
mod layers;
mod made;
mod real_registry;
mod registry;
mod rude_registry;
mod rude_server;

use lupine_image::{Image, ImageError, ImageRef, LoadOptions, Pull};
use lupine_store::Store;

/// A store of its own, removed at the end.
fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("store")).unwrap();
    (dir, store)
}

fn load(store: &Store, reference: &str) -> Result<Image, ImageError> {
    load_with(store, reference, Pull::Missing)
}

fn load_with(store: &Store, reference: &str, pull: Pull) -> Result<Image, ImageError> {
    let options = LoadOptions {
        pull,
        ..LoadOptions::default()
    };
    let reference: ImageRef = reference.parse()?;
    lupine_image::load(store, &reference, &options)
}

/// Runs one test of this binary again as a process of its own, in another
/// environment; the test sees `LUPINE_CHILD` and does its real work.
fn in_child(wrapper: &[&str], test: &str, env: &[(&str, &str)]) {
    let exe = std::env::current_exe().unwrap();
    let mut words: Vec<String> = wrapper.iter().map(|w| (*w).to_owned()).collect();
    words.push(exe.to_str().unwrap().to_owned());
    words.extend([test, "--exact", "--nocapture"].map(str::to_owned));
    let mut tool = lupine_tool::Tool::new(words.remove(0)).args(words);
    for (key, value) in env {
        tool = tool.env(key, value);
    }
    let output = tool.env("LUPINE_CHILD", "1").run();
    if let Err(error) = output {
        panic!("{error}");
    }
}

fn is_child() -> bool {
    std::env::var_os("LUPINE_CHILD").is_some()
}
