//! Programs that know nothing of the gate, and use it: their libc does.

use std::fs;
use std::path::{Path, PathBuf};

use lupine_store::At;
use lupine_tool::Tool;

use crate::{Libc, LinkError};

/// musl's functions for the system calls that the gate has.
const SOURCE: &str = include_str!("../../../kernel/ukl/musl.c");
/// Of these, what stands in one object of musl's with others: its own becomes the weaker one.
const SHARED: &str = "epoll_wait";
/// Who calls this expects system calls to end when it does.
pub(crate) const CANCEL: &str = "pthread_cancel";

/// The source that takes the place of musl's functions, in `dir`.
pub(crate) fn source(libc: Libc, dir: &Path) -> Result<PathBuf, LinkError> {
    if libc != Libc::Musl {
        return Err(LinkError::Gate {
            why: "only musl can be made to call the gate",
        });
    }
    let path = dir.join("gate.c");
    fs::write(&path, SOURCE).at("write", &path)?;
    Ok(path)
}

/// A copy of musl in `dir` that gives way.
pub(crate) fn yielding(musl: &Path, dir: &Path) -> Result<PathBuf, LinkError> {
    let copy = dir.join("libc.a");
    let weaken = Tool::new("objcopy").arg(format!("--weaken-symbol={SHARED}"));
    weaken.arg(musl).arg(&copy).run()?;
    Ok(copy)
}
