//! `log.jsonl`: what the application wrote, one line of it per entry, with the
//! stream it came from and the time.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lupine_store::{At, StoreError};
use serde::{Deserialize, Serialize};

use super::now_ms;

/// A line longer than this is written in parts, in bytes.
const LINE_MAX: usize = 16 << 10;

/// Where bytes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// The application's stdout, or its terminal.
    Stdout,
    /// The application's stderr.
    Stderr,
}

#[derive(Serialize, Deserialize)]
struct Raw {
    time: u64,
    stream: Stream,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// One line of a guest's log, or part of a very long or unfinished one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Unix time in ms.
    pub time_ms: u64,
    /// Stream.
    pub stream: Stream,
    /// The bytes, with their end of line where they have one.
    pub bytes: Vec<u8>,
}

/// Writes a guest's log.
#[derive(Debug)]
pub struct LogWriter {
    file: File,
    partial: [Vec<u8>; 2],
}

impl LogWriter {
    /// Starts or continues the log in a guest's directory.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(guest: &Path) -> Result<Self, StoreError> {
        let path = guest.join("log.jsonl");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .at("open", &path)?;
        Ok(Self {
            file,
            partial: Default::default(),
        })
    }

    /// Adds bytes; unfinished lines wait for their end.
    ///
    /// # Errors
    /// When the disk is full, for example.
    pub fn write(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let partial = &mut self.partial[stream as usize];
        partial.extend_from_slice(bytes);
        let mut entries = Vec::new();
        let mut from = 0;
        while let Some(length) = next_line(&partial[from..]) {
            append(&mut entries, stream, &partial[from..from + length]);
            from += length;
        }
        partial.drain(..from);
        // One write per call keeps entries of one monitor whole.
        self.file.write_all(&entries)
    }

    /// Writes what has no end of line.
    ///
    /// # Errors
    /// As [`LogWriter::write`].
    pub fn finish(&mut self) -> io::Result<()> {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let partial = std::mem::take(&mut self.partial[stream as usize]);
            if !partial.is_empty() {
                let mut entry = Vec::new();
                append(&mut entry, stream, &partial);
                self.file.write_all(&entry)?;
            }
        }
        Ok(())
    }
}

fn next_line(bytes: &[u8]) -> Option<usize> {
    let end = bytes.iter().take(LINE_MAX).position(|byte| *byte == b'\n');
    end.map(|end| end + 1)
        .or((bytes.len() >= LINE_MAX).then_some(LINE_MAX))
}

fn append(entries: &mut Vec<u8>, stream: Stream, line: &[u8]) {
    let text = std::str::from_utf8(line).ok().map(str::to_owned);
    let raw = Raw {
        time: now_ms(),
        stream,
        base64: text.is_none().then(|| STANDARD.encode(line)),
        text,
    };
    entries.extend(serde_json::to_vec(&raw).unwrap_or_default());
    entries.push(b'\n');
}

/// Reads a guest's log, and goes on where it stopped when it has grown.
#[derive(Debug)]
pub struct LogReader {
    file: BufReader<File>,
    line: Vec<u8>,
}

impl LogReader {
    /// Opens the log in a guest's directory, `None` while there is none.
    ///
    /// # Errors
    /// When it is there and cannot be opened.
    pub fn open(guest: &Path) -> Result<Option<Self>, StoreError> {
        let path = guest.join("log.jsonl");
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => Ok(Some(Self {
                file: BufReader::new(other.at("open", &path)?),
                line: Vec::new(),
            })),
        }
    }

    /// The next entry, `None` where the log ends for now. What a killed
    /// monitor wrote half is passed over.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        loop {
            // An unfinished line stays in the buffer until it is finished.
            self.file.read_until(b'\n', &mut self.line)?;
            if self.line.last() != Some(&b'\n') {
                return Ok(None);
            }
            let entry = parse(&self.line);
            self.line.clear();
            if entry.is_some() {
                return Ok(entry);
            }
        }
    }
}

fn parse(line: &[u8]) -> Option<Entry> {
    let raw: Raw = serde_json::from_slice(line).ok()?;
    let bytes = match (raw.text, raw.base64) {
        (Some(text), _) => text.into_bytes(),
        (None, Some(base64)) => STANDARD.decode(base64).ok()?,
        (None, None) => return None,
    };
    Some(Entry {
        time_ms: raw.time,
        stream: raw.stream,
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(dir: &Path) -> Vec<(Stream, Vec<u8>)> {
        let mut reader = LogReader::open(dir).unwrap().unwrap();
        std::iter::from_fn(|| reader.next_entry().unwrap())
            .map(|entry| (entry.stream, entry.bytes))
            .collect()
    }

    #[test]
    fn lines_are_put_together_and_bytes_kept() {
        let dir = tempfile::tempdir().unwrap();
        assert!(LogReader::open(dir.path()).unwrap().is_none());
        let mut log = LogWriter::open(dir.path()).unwrap();
        log.write(Stream::Stdout, b"one\ntw").unwrap();
        log.write(Stream::Stderr, b"\xff\xfe\n").unwrap();
        log.write(Stream::Stdout, b"o\nthree").unwrap();
        log.finish().unwrap();
        let expected: Vec<(Stream, Vec<u8>)> = vec![
            (Stream::Stdout, b"one\n".into()),
            (Stream::Stderr, b"\xff\xfe\n".into()),
            (Stream::Stdout, b"two\n".into()),
            (Stream::Stdout, b"three".into()),
        ];
        assert_eq!(entries(dir.path()), expected);
    }

    #[test]
    fn a_torn_or_foreign_line_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("log.jsonl"),
            "{\"time\":1,\"stre\nnonsense\n",
        )
        .unwrap();
        let mut log = LogWriter::open(dir.path()).unwrap();
        log.write(Stream::Stdout, &vec![b'x'; LINE_MAX + 1])
            .unwrap();
        log.finish().unwrap();
        let lengths: Vec<_> = entries(dir.path()).iter().map(|(_, b)| b.len()).collect();
        assert_eq!(lengths, [LINE_MAX, 1]);
    }

    #[test]
    fn a_reader_goes_on_where_the_log_grows() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogWriter::open(dir.path()).unwrap();
        let mut reader = LogReader::open(dir.path()).unwrap().unwrap();
        assert!(reader.next_entry().unwrap().is_none());
        log.write(Stream::Stdout, b"late\n").unwrap();
        assert_eq!(reader.next_entry().unwrap().unwrap().bytes, b"late\n");
    }
}
