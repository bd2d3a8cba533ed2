//! The image file that is being written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use lupine_store::{At, StoreError};
use lupine_tool::Progress;

use crate::RootfsError;
use crate::content::{BLOCK, Content, Run};
use crate::plan::shown;

/// A sparse file, written by position.
pub(crate) struct Output<'a> {
    file: File,
    path: PathBuf,
    progress: &'a dyn Progress,
    done: u64,
    total: u64,
}

impl<'a> Output<'a> {
    /// Makes the file at `path`; `total` bytes of contents will be copied into it.
    pub(crate) fn create(
        path: &Path,
        total: u64,
        progress: &'a dyn Progress,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            file: File::create_new(path).at("make", path)?,
            path: path.into(),
            progress,
            done: 0,
            total,
        })
    }

    /// Writes `bytes` at `offset`.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.file
            .write_all_at(bytes, offset)
            .at("write", &self.path)
    }

    /// Writes `bytes` at block number `block`.
    pub(crate) fn write_block(&mut self, block: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(block * BLOCK, bytes)
    }

    /// Ends the file after `bytes` bytes; what was not written is a hole.
    pub(crate) fn finish(self, bytes: u64) -> Result<(), StoreError> {
        self.file.set_len(bytes).at("size", &self.path)
    }

    /// Copies blocks of a file to `offset`; `path` is its path in the guest.
    pub(crate) fn copy(
        &mut self,
        path: &[u8],
        content: &Content,
        runs: impl IntoIterator<Item = (Run, u64)>,
    ) -> Result<(), RootfsError> {
        let damaged = |error: io::Error| RootfsError::Content {
            path: shown(path),
            why: error.to_string(),
        };
        let reader = content.open().map_err(damaged)?;
        for (run, offset) in runs {
            let begin = run.start * BLOCK;
            let mut failed = None;
            let copied = content.read_run(&reader, run, |at, bytes| {
                self.done += bytes.len() as u64;
                self.progress.advance(self.done, Some(self.total));
                self.write(offset + (at - begin), bytes).map_err(|error| {
                    failed = Some(error);
                    io::Error::other("")
                })
            });
            if let Some(error) = failed {
                return Err(error.into());
            }
            copied.map_err(damaged)?;
        }
        Ok(())
    }
}
