//! C libraries that programs can be linked with: compilers, start files, archives.

use std::path::{Path, PathBuf};

use lupine_tool::Tool;

use crate::LinkError;

/// The C library that is linked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Libc {
    /// Debian's static musl.
    Musl,
    /// Debian's static glibc.
    Glibc,
}

impl Libc {
    /// Where Debian has it.
    fn dir(self) -> &'static Path {
        Path::new(match self {
            Self::Musl => "/usr/lib/x86_64-linux-musl",
            Self::Glibc => "/usr/lib/x86_64-linux-gnu",
        })
    }

    /// The compiler of `source`, if its language is one of those that can be linked with it.
    pub(crate) fn compiler(self, source: &Path) -> Result<Tool, LinkError> {
        let end = source.extension().and_then(|end| end.to_str());
        match (end, self) {
            (Some("c"), Self::Musl) => Ok(Tool::new("musl-gcc")),
            (Some("c"), Self::Glibc) => Ok(Tool::new("gcc")),
            (Some("cc" | "cpp" | "cxx"), Self::Glibc) => Ok(Tool::new("g++")),
            (Some("cc" | "cpp" | "cxx"), Self::Musl) => Err(LinkError::Plusplus {
                path: source.into(),
            }),
            _ => Err(LinkError::Kind {
                path: source.into(),
            }),
        }
    }

    /// What comes before all other objects.
    pub(crate) fn first(self) -> [PathBuf; 2] {
        ["crt1.o", "crti.o"].map(|name| self.dir().join(name))
    }

    /// What comes behind all other objects.
    pub(crate) fn last(self) -> PathBuf {
        self.dir().join("crtn.o")
    }

    /// The library itself, then the compiler's own: arithmetic, and unwinding for who wants it; `plusplus`:
    /// what C++ needs, too, where it is installed.
    pub(crate) fn archives(self, plusplus: bool) -> Result<Vec<PathBuf>, LinkError> {
        let mut found = vec![self.dir().join("libc.a")];
        if self == Self::Glibc {
            found.push(self.dir().join("libm.a"));
        }
        let cxx = plusplus.then_some("libstdc++.a");
        for name in ["libgcc.a", "libgcc_eh.a"].into_iter().chain(cxx) {
            let ask = Tool::new("gcc").arg(format!("-print-file-name={name}"));
            let said = ask.run()?.stdout;
            found.push(String::from_utf8_lossy(&said).trim().into());
        }
        // The name alone is what gcc says of one that is not there.
        found.retain(|path| path.is_absolute());
        Ok(found)
    }

    /// Whether it runs the functions that choose functions (`STT_GNU_IFUNC`) before main.
    pub(crate) fn has_chosen_functions(self) -> bool {
        self == Self::Glibc
    }
}
