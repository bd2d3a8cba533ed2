//! Where a file's bytes come from, and which of its blocks hold anything.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};

/// Size of a block in every format that is written here, in bytes.
pub(crate) const BLOCK: u64 = 4096;
/// Blocks that are looked at or copied at a time.
const BATCH: u64 = 256;

/// Where a file's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file of the store.
    Stored(PathBuf),
    /// Memory.
    Memory(Vec<u8>),
}

/// Consecutive blocks of a file, none of them all zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// First block.
    pub start: u64,
    /// Number of blocks.
    pub blocks: u64,
}

/// A regular file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// Where they come from.
    pub source: Source,
    /// How many.
    pub bytes: u64,
    /// The blocks that are not all zeros. They depend on the bytes alone, not
    /// on the holes that the host's file system happened to keep.
    pub runs: Vec<Run>,
}

impl Content {
    /// Looks at all bytes of `source`, skipping the holes that the host knows.
    pub(crate) fn scan(source: Source, bytes: u64) -> io::Result<Self> {
        let mut content = Self {
            source,
            bytes,
            runs: Vec::new(),
        };
        let mut runs = Vec::new();
        let mut reader = content.open()?;
        let mut buffer = vec![0; (BATCH * BLOCK) as usize];
        let mut at = 0;
        while at < bytes {
            let Some(data) = reader.next_data(at)? else {
                break;
            };
            // A hole need not begin or end at one of our blocks.
            at = data / BLOCK * BLOCK;
            let length = (bytes - at).min(BATCH * BLOCK) as usize;
            reader.read(at, &mut buffer[..length])?;
            note_runs(&mut runs, at / BLOCK, &buffer[..length]);
            at += length as u64;
        }
        content.runs = runs;
        Ok(content)
    }

    /// Number of blocks, holes included.
    pub(crate) fn blocks(&self) -> u64 {
        self.bytes.div_ceil(BLOCK)
    }

    /// Number of blocks that hold something.
    pub(crate) fn data_blocks(&self) -> u64 {
        self.runs.iter().map(|run| run.blocks).sum()
    }

    /// Opens it for reading.
    pub(crate) fn open(&self) -> io::Result<Reader<'_>> {
        Ok(match &self.source {
            Source::Memory(bytes) => Reader::Memory(bytes),
            Source::Stored(path) => {
                let file = File::open(path)?;
                let found = file.metadata()?.len();
                if found != self.bytes {
                    let why = format!("it has {found} bytes and should have {}", self.bytes);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, why));
                }
                Reader::Stored(file)
            }
        })
    }

    /// Hands the bytes of `run` to `sink` in pieces, with each piece's offset.
    pub(crate) fn read_run<E: From<io::Error>>(
        &self,
        reader: &Reader,
        run: Run,
        mut sink: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = ((run.start + run.blocks) * BLOCK).min(self.bytes);
        let mut at = run.start * BLOCK;
        let mut buffer = vec![0; end.saturating_sub(at).min(BATCH * BLOCK) as usize];
        while at < end {
            let length = (end - at).min(BATCH * BLOCK) as usize;
            reader.read(at, &mut buffer[..length])?;
            sink(at, &buffer[..length])?;
            at += length as u64;
        }
        Ok(())
    }
}

/// A file's bytes, opened.
#[derive(Debug)]
pub(crate) enum Reader<'a> {
    /// See [`Source::Stored`].
    Stored(File),
    /// See [`Source::Memory`].
    Memory(&'a [u8]),
}

impl Reader<'_> {
    /// Fills `buffer` from `offset`.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Stored(file) => file.read_exact_at(buffer, offset),
            Self::Memory(bytes) => {
                let from = offset as usize;
                buffer.copy_from_slice(&bytes[from..from + buffer.len()]);
                Ok(())
            }
        }
    }

    /// The first offset from `offset` on that the host does not know for a
    /// hole; `None` when only a hole is left.
    fn next_data(&mut self, offset: u64) -> io::Result<Option<u64>> {
        let Self::Stored(file) = self else {
            return Ok(Some(offset));
        };
        match lseek(&*file, offset.cast_signed(), Whence::SeekData) {
            Ok(data) => Ok(Some(data.cast_unsigned())),
            Err(Errno::ENXIO) => Ok(None),
            // A file system that does not know holes has none.
            Err(Errno::EINVAL | Errno::EOPNOTSUPP) => Ok(Some(offset)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Adds the blocks of `bytes`, which begin at block `first`, that hold something.
fn note_runs(runs: &mut Vec<Run>, first: u64, bytes: &[u8]) {
    const ZEROS: [u8; BLOCK as usize] = [0; BLOCK as usize];
    for (block, bytes) in (first..).zip(bytes.chunks(BLOCK as usize)) {
        if bytes == &ZEROS[..bytes.len()] {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.start + run.blocks == block => run.blocks += 1,
            _ => runs.push(Run {
                start: block,
                blocks: 1,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(bytes: Vec<u8>) -> Vec<(u64, u64)> {
        let length = bytes.len() as u64;
        let content = Content::scan(Source::Memory(bytes), length).unwrap();
        let runs = content.runs.iter();
        runs.map(|run| (run.start, run.blocks)).collect()
    }

    #[test]
    fn blocks_of_zeros_are_holes_wherever_they_lie() {
        let mut bytes = vec![0; 10 * 4096 + 1];
        assert_eq!(runs(bytes.clone()), []);
        bytes[4096] = 1;
        bytes[3 * 4096 - 1] = 1;
        bytes[10 * 4096] = 1;
        assert_eq!(runs(bytes), [(1, 2), (10, 1)]);
        assert_eq!(runs(Vec::new()), []);
    }

    #[test]
    fn a_run_goes_on_across_batches() {
        assert_eq!(runs(vec![7; (2 * BATCH * BLOCK) as usize + 5]), [(0, 513)]);
    }

    #[test]
    fn holes_of_the_host_and_written_zeros_are_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let file = File::create(&path).unwrap();
        file.set_len(1 << 33).unwrap();
        file.write_all_at(b"x", (5 << 20) + 17).unwrap();
        file.write_all_at(&[0; 9000], 1 << 30).unwrap();
        let content = Content::scan(Source::Stored(path), 1 << 33).unwrap();
        let expected = Run {
            start: (5 << 20) / 4096,
            blocks: 1,
        };
        assert_eq!(content.runs, [expected]);
    }

    #[test]
    fn a_file_of_another_size_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "abc").unwrap();
        let error = Content::scan(Source::Stored(path), 4).unwrap_err();
        assert!(error.to_string().contains("3 bytes"), "{error}");
    }
}
