//! What can go wrong.

use std::path::PathBuf;

use lupine_store::StoreError;
use lupine_tool::ToolError;

/// Why nothing can be measured or compared.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BenchError {
    /// A file of results that cannot be read.
    #[error("{place}, line {line}: {why}")]
    #[diagnostic(help("give a directory that lupine bench wrote, or its {}", crate::FILE))]
    Malformed {
        /// The file.
        place: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// The file has results of other inputs.
    #[error("{} has results of other kernels, suites or another machine", path.display())]
    #[diagnostic(help("name another directory: -o DIR; or remove this one"))]
    OtherRun {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else writes to it.
    #[error("another process writes to {}", path.display())]
    #[diagnostic(help("wait for it, or name another directory: -o DIR"))]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// No such suite.
    #[error("there is no suite {name}")]
    #[diagnostic(help("there are: {}", known.join(", ")))]
    UnknownSuite {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The data of the suites.
    #[error("{file}: {why}")]
    Data {
        /// Which file below `bench/suites/bench`.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The plugin counted nothing.
    #[error("{}: {why}", path.display())]
    #[diagnostic(help("the VMM must be QEMU with TCG and plugins (lupine doctor)"))]
    Counts {
        /// Where it should have.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The compiler.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Tool(#[from] ToolError),
}
