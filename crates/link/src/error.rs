//! Why there is no kernel with the program in it.

use std::path::PathBuf;

use lupine_store::StoreError;
use lupine_tool::ToolError;

/// A symbol that nobody defines, and the object that refers to it first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The symbol.
    pub symbol: String,
    /// The object, `ARCHIVE(MEMBER)` for one of an archive.
    pub by: String,
}

/// Why there is no kernel with the program in it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LinkError {
    /// A file could not be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The compiler or the linker is missing or failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Tool(#[from] ToolError),
    /// A file is none of those that can be linked.
    #[error("{} is neither source (.c, .cc, .cpp), an object (.o) nor an archive (.a)", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// The compiler's library of C++ is made for glibc.
    #[error("{}: C++ needs glibc", path.display())]
    #[diagnostic(help("link it with --libc glibc"))]
    Plusplus {
        /// The file.
        path: PathBuf,
    },
    /// The C library does not run what chooses this function.
    #[error("{name} is chosen when the program starts (ifunc), which musl does not do")]
    #[diagnostic(help("link it with --libc glibc"))]
    Chosen {
        /// The function.
        name: String,
    },
    /// The C library cannot be made to use the gate.
    #[error("--gate: {why}")]
    #[diagnostic(help("leave out --gate"))]
    Gate {
        /// Why not.
        why: &'static str,
    },
    /// Neither the program nor the C library defines these, and the kernel's are not for programs.
    #[error("undefined: {}", listed(wanted))]
    #[diagnostic(help("{hint}"))]
    Undefined {
        /// Each with one that refers to it.
        wanted: Vec<Wanted>,
        /// What to do about it.
        hint: &'static str,
    },
    /// The program reaches too far.
    #[error("the program has {} MiB with its data, and there is room for {}", bytes.div_ceil(1 << 20), room >> 20)]
    #[diagnostic(help("let it allocate large data when it runs"))]
    TooLarge {
        /// Bytes in memory.
        bytes: u64,
        /// Bytes below the kernel at most.
        room: u64,
    },
    /// What the linker made, or what is left of a kernel's build, is not what it should be.
    #[error("{}: {why}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

fn listed(wanted: &[Wanted]) -> String {
    let one = |w: &Wanted| format!("{} (wanted by {})", w.symbol, w.by);
    wanted.iter().map(one).collect::<Vec<_>>().join(", ")
}
