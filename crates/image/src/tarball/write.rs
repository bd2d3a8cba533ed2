//! Writing a deterministic tar: ustar headers, pax records only where they are needed.

use std::io::{self, Read, Write};

use super::{BLOCK, padded, pax};
use crate::{Kind, Node};

/// Greatest number of an 8-byte field.
const SMALL_MAX: u64 = 0o7_777_777;
/// Greatest number of a 12-byte field.
const LARGE_MAX: u64 = 0o77_777_777_777;

/// Writes members to `W`.
pub(crate) struct Writer<W> {
    inner: W,
}

impl<W: Write> Writer<W> {
    /// Starts a tar.
    pub fn new(inner: W) -> Self {
        Self { inner }
    }

    /// One entry that holds no data. Regular files go through [`Writer::file`].
    pub fn entry(&mut self, path: &[u8], node: &Node) -> io::Result<()> {
        let empty: &[u8] = b"";
        let (flag, link, device) = match &node.kind {
            Kind::Directory => (b'5', empty, (0, 0)),
            Kind::File { .. } => (b'0', empty, (0, 0)),
            Kind::Symlink(target) => (b'2', &target[..], (0, 0)),
            Kind::CharDevice(major, minor) => (b'3', empty, (*major, *minor)),
            Kind::BlockDevice(major, minor) => (b'4', empty, (*major, *minor)),
            Kind::Fifo => (b'6', empty, (0, 0)),
        };
        self.header(path, node, flag, link, 0, device)
    }

    /// A hard link to the earlier member `target`.
    pub fn hard_link(&mut self, path: &[u8], node: &Node, target: &[u8]) -> io::Result<()> {
        self.header(path, node, b'1', target, 0, (0, 0))
    }

    /// A regular file of exactly `bytes` bytes.
    ///
    /// # Errors
    /// I/O, and `UnexpectedEof` when `data` is shorter: the file changed meanwhile.
    pub fn file(
        &mut self,
        path: &[u8],
        node: &Node,
        bytes: u64,
        data: impl Read,
    ) -> io::Result<()> {
        self.header(path, node, b'0', b"", bytes, (0, 0))?;
        let copied = io::copy(&mut data.take(bytes), &mut self.inner)?;
        if copied != bytes {
            let why = "it shrank while it was read";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
        }
        self.pad(bytes)
    }

    /// Ends the tar.
    pub fn finish(mut self) -> io::Result<W> {
        self.inner.write_all(&[0; 2 * BLOCK])?;
        Ok(self.inner)
    }

    fn pad(&mut self, bytes: u64) -> io::Result<()> {
        let rest = padded(bytes).unwrap_or(bytes) - bytes;
        self.inner.write_all(&[0; BLOCK][..rest as usize])
    }

    fn header(
        &mut self,
        path: &[u8],
        node: &Node,
        flag: u8,
        link: &[u8],
        bytes: u64,
        device: (u32, u32),
    ) -> io::Result<()> {
        let mut path = path.to_vec();
        if flag == b'5' {
            path.push(b'/');
        }
        let records = records(&path, node, link, bytes);
        if !records.is_empty() {
            let length = records.len() as u64;
            self.block(
                b"pax",
                &Node::implied_directory(),
                b'x',
                b"",
                length,
                (0, 0),
            )?;
            self.inner.write_all(&records)?;
            self.pad(length)?;
        }
        self.block(&path, node, flag, link, bytes, device)
    }

    fn block(
        &mut self,
        path: &[u8],
        node: &Node,
        flag: u8,
        link: &[u8],
        bytes: u64,
        (major, minor): (u32, u32),
    ) -> io::Result<()> {
        let mut header = [0; BLOCK];
        text(&mut header[..100], path);
        octal(&mut header[100..108], u64::from(node.mode & 0o7777));
        octal(&mut header[108..116], u64::from(node.uid).min(SMALL_MAX));
        octal(&mut header[116..124], u64::from(node.gid).min(SMALL_MAX));
        octal(&mut header[124..136], bytes.min(LARGE_MAX));
        octal(&mut header[136..148], plain_time(node.mtime).unwrap_or(0));
        header[156] = flag;
        text(&mut header[157..257], link);
        header[257..265].copy_from_slice(b"ustar\x0000");
        octal(&mut header[329..337], u64::from(major));
        octal(&mut header[337..345], u64::from(minor));
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|&b| u64::from(b)).sum();
        octal(&mut header[148..155], sum);
        self.inner.write_all(&header)
    }
}

/// The pax records for what a plain header cannot hold.
fn records(path: &[u8], node: &Node, link: &[u8], bytes: u64) -> Vec<u8> {
    let mut records = Vec::new();
    if path.len() > 100 {
        pax::push(&mut records, "path", path);
    }
    if link.len() > 100 {
        pax::push(&mut records, "linkpath", link);
    }
    let numbers = [
        ("uid", u64::from(node.uid), SMALL_MAX),
        ("gid", u64::from(node.gid), SMALL_MAX),
        ("size", bytes, LARGE_MAX),
    ];
    for (key, value, max) in numbers {
        if value > max {
            pax::push(&mut records, key, value.to_string().as_bytes());
        }
    }
    if plain_time(node.mtime).is_none() {
        pax::push(&mut records, "mtime", node.mtime.to_string().as_bytes());
    }
    for (name, value) in &node.xattrs {
        pax::push(&mut records, &format!("SCHILY.xattr.{name}"), value);
    }
    records
}

fn plain_time(mtime: i64) -> Option<u64> {
    u64::try_from(mtime).ok().filter(|time| *time <= LARGE_MAX)
}

fn text(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

fn octal(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    text(field, format!("{value:0digits$o}").as_bytes());
}
