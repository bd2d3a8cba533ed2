//! Programs that are rewritten, and run.

mod broken;
mod reasons;
mod running;

use std::path::{Path, PathBuf};

use lupine_tool::Tool;
use tempfile::TempDir;

/// A source file and what a compiler made of it.
struct Program {
    dir: TempDir,
    path: PathBuf,
}

impl Program {
    /// `source` with this end of its name, by `compiler` with `flags`.
    fn new(compiler: &str, end: &str, source: &str, flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (from, path) = (dir.path().join(format!("p.{end}")), dir.path().join("p"));
        std::fs::write(&from, source).unwrap();
        let tool = Tool::new(compiler)
            .args(flags)
            .arg("-o")
            .arg(&path)
            .arg(&from);
        tool.run().unwrap();
        Self { dir, path }
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap()
    }

    /// The program with another content.
    fn with(&self, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join("new");
        std::fs::copy(&self.path, &path).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// What a program writes; it must end well.
fn output(path: &Path) -> String {
    let done = Tool::new(path).run().unwrap();
    String::from_utf8(done.stdout).unwrap()
}
