//! A store, the fake kernel, and somebody who writes down what is said.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lupine_kconfig::{Fragment, Layer, Merged, merge};
use lupine_kernel::{Data, Formats, KernelError, KernelImage, Options, SourceSpec, build};
use lupine_store::Store;
use lupine_tool::Progress;

/// Remembers steps and notes.
#[derive(Default)]
pub struct Said(Mutex<Vec<String>>);

impl Said {
    /// Whether any of it contains `text`.
    pub fn has(&self, text: &str) -> bool {
        self.0
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.contains(text))
    }
}

impl Progress for Said {
    fn step(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }

    fn advance(&self, _done: u64, _total: Option<u64>) {}

    fn note(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

/// Where the fake kernel lies.
pub fn fake_kernel() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/fake-kernel")
}

/// Requests from `.config` lines.
pub fn asked(lines: &str) -> Merged {
    let text = format!("# asked for by a test\n{lines}\n");
    merge(&[Fragment::parse("test.config", Layer::Base, &text).unwrap()]).unwrap()
}

/// One store and one source.
pub struct World {
    pub dir: tempfile::TempDir,
    pub store: Store,
    pub data: Data,
    pub source: SourceSpec,
    pub patch_sets: Vec<String>,
    pub said: Said,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            store: Store::open(dir.path().join("store")).unwrap(),
            data: Data::builtin().unwrap(),
            source: SourceSpec::Directory(fake_kernel()),
            // Lupine's own patches do not fit the fake kernel.
            patch_sets: vec!["none".into()],
            said: Said::default(),
            dir,
        }
    }

    pub fn options(&self) -> Options<'_> {
        Options {
            data: &self.data,
            source: &self.source,
            patch_sets: &self.patch_sets,
            jobs: 2,
            formats: Formats::default(),
            progress: &self.said,
        }
    }

    pub fn build(&self, lines: &str) -> Result<KernelImage, KernelError> {
        build(&self.store, &asked(lines), &self.options())
    }
}
