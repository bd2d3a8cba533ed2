//! Reading a tar stream member by member.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::header::{bad, check_sum, id, plain, positive, until_nul};
use super::{BLOCK, padded, pax};
use crate::layer::Exceeded;

/// Longest extended header or long name that is believed, in bytes.
const EXTENSION_MAX: u64 = 1 << 20;
/// Most data segments of one sparse file.
const SEGMENTS_MAX: u64 = 1 << 20;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A regular file, sparse or not.
    File,
    /// A hard link to an earlier member.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
    /// Something that does not describe a file, for example a volume label.
    Other,
}

/// One member's header with all its extensions applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// The path as it was written.
    pub path: Vec<u8>,
    /// Target of a link.
    pub link: Vec<u8>,
    /// What it is.
    pub what: What,
    /// Permission and setuid bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Seconds since 1970.
    pub mtime: i64,
    /// Major and minor number of a device.
    pub device: (u32, u32),
    /// Extended attributes.
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// Length of the file, holes included.
    pub bytes: u64,
    /// Offset and length of the data in the file; the rest is holes.
    pub segments: Vec<(u64, u64)>,
}

impl Member {
    /// How much of it is kept in memory, about.
    pub fn metadata_bytes(&self) -> u64 {
        let xattrs = self
            .xattrs
            .iter()
            .map(|(key, value)| key.len() + value.len());
        (self.path.len() + self.link.len() + xattrs.sum::<usize>()) as u64
    }
}

/// A tar stream.
pub(crate) struct Members<R> {
    inner: R,
    /// Unread bytes of the current member's data.
    data: u64,
    /// Unread padding after them.
    padding: u64,
}

/// Extensions that apply to the next member.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    records: Vec<(String, Vec<u8>)>,
}

impl<R: Read> Members<R> {
    /// Reads from `inner`.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            data: 0,
            padding: 0,
        }
    }

    /// The next member, `None` at the end. Unread data of the one before is skipped.
    ///
    /// # Errors
    /// I/O, malformed headers, [`Exceeded`] for absurd ones.
    pub fn next(&mut self) -> io::Result<Option<Member>> {
        let mut extensions = Extensions::default();
        loop {
            self.skip()?;
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            let size = positive(&header[124..136], "size")?;
            match header[156] {
                b'L' => extensions.name = Some(until_nul(&self.extension(size)?)),
                b'K' => extensions.link = Some(until_nul(&self.extension(size)?)),
                b'x' | b'X' => extensions.records = pax::parse(&self.extension(size)?)?,
                // Global records speak of the archive, not of a file.
                b'g' => drop(self.extension(size)?),
                _ => return self.member(&header, extensions).map(Some),
            }
        }
    }

    /// Everything up to the end of the stream, so that digests see all of it.
    pub fn drain(mut self) -> io::Result<R> {
        io::copy(&mut self.inner, &mut io::sink())?;
        Ok(self.inner)
    }

    fn skip(&mut self) -> io::Result<()> {
        let rest = self.data + self.padding;
        (self.data, self.padding) = (0, 0);
        let skipped = io::copy(&mut (&mut self.inner).take(rest), &mut io::sink())?;
        if skipped < rest {
            return Err(bad("it ends in the middle of a file"));
        }
        Ok(())
    }

    fn header(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut header = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.inner.read(&mut header[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(bad("it ends in the middle of a header")),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if header.iter().all(|&b| b == 0) {
            return Ok(None);
        }
        check_sum(&header)?;
        Ok(Some(header))
    }

    fn extension(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > EXTENSION_MAX {
            return Err(Exceeded {
                what: "bytes in the name or attributes of one entry",
                limit: EXTENSION_MAX,
            }
            .into());
        }
        self.expect(size)?;
        let mut bytes = vec![0; size as usize];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// `size` bytes of data and their padding follow.
    fn expect(&mut self, size: u64) -> io::Result<()> {
        let total = padded(size).ok_or_else(|| bad("a size is absurd"))?;
        (self.data, self.padding) = (size, total - size);
        Ok(())
    }

    fn member(&mut self, header: &[u8; BLOCK], extensions: Extensions) -> io::Result<Member> {
        let mut member = plain(header)?;
        let mut size = positive(&header[124..136], "size")?;
        if let Some(name) = extensions.name {
            member.path = name;
        }
        if let Some(link) = extensions.link {
            member.link = link;
        }
        let sparse = apply(&mut member, &mut size, &extensions.records)?;
        let holds_data = matches!(member.what, What::File | What::Other);
        self.expect(if holds_data { size } else { 0 })?;
        if member.what == What::Directory || member.path.ends_with(b"/") && size == 0 {
            member.what = match member.what {
                What::File => What::Directory,
                other => other,
            };
        }
        if member.what == What::File {
            (member.bytes, member.segments) = self.segments(header, sparse, size)?;
        }
        Ok(member)
    }

    /// Length of the file and where its data belongs.
    fn segments(
        &mut self,
        header: &[u8; BLOCK],
        sparse: Sparse,
        size: u64,
    ) -> io::Result<(u64, Vec<(u64, u64)>)> {
        let (bytes, list) = match sparse {
            _ if header[156] == b'S' => self.gnu_sparse(header)?,
            Sparse::No => return Ok((size, vec![(0, size)])),
            Sparse::Listed(bytes, list) => (bytes, list),
            Sparse::InData(bytes) => (bytes, self.sparse_map()?),
        };
        let mut at = 0;
        let mut data: u64 = 0;
        for &(offset, length) in &list {
            if offset < at {
                return Err(bad("the pieces of a sparse file overlap"));
            }
            let end = offset.checked_add(length).filter(|end| *end <= bytes);
            at = end.ok_or_else(|| bad("a piece of a sparse file lies behind its end"))?;
            data += length;
        }
        if data != self.data {
            return Err(bad("the pieces of a sparse file are not its data"));
        }
        Ok((bytes, list))
    }

    /// The old GNU format: a map in the header and in blocks that follow it.
    fn gnu_sparse(&mut self, header: &[u8; BLOCK]) -> io::Result<(u64, Vec<(u64, u64)>)> {
        let bytes = positive(&header[483..495], "size")?;
        let mut list = Vec::new();
        pieces(&header[386..482], &mut list)?;
        let mut more = header[482] != 0;
        let (data, padding) = (self.data, self.padding);
        while more {
            let mut block = [0; BLOCK];
            self.inner.read_exact(&mut block)?;
            pieces(&block[..504], &mut list)?;
            more = block[504] != 0;
            segments_bound(list.len() as u64)?;
        }
        (self.data, self.padding) = (data, padding);
        Ok((bytes, list))
    }

    /// The pax format 1.0: decimal lines in front of the data, padded to a block.
    fn sparse_map(&mut self) -> io::Result<Vec<(u64, u64)>> {
        let mut lines = Lines::default();
        let count = self.line(&mut lines)?;
        segments_bound(count)?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push((self.line(&mut lines)?, self.line(&mut lines)?));
        }
        Ok(list)
    }

    fn line(&mut self, lines: &mut Lines) -> io::Result<u64> {
        let mut value: Option<u64> = None;
        loop {
            if lines.at == lines.block.len() {
                lines.block.resize(BLOCK, 0);
                self.read_exact(&mut lines.block)?;
                lines.at = 0;
            }
            let byte = lines.block[lines.at];
            lines.at += 1;
            match (byte, value) {
                (b'\n', Some(value)) => return Ok(value),
                (b'0'..=b'9', _) => {
                    let next = value.unwrap_or(0).checked_mul(10);
                    value = next.and_then(|v| v.checked_add(u64::from(byte - b'0')));
                    value.ok_or_else(|| bad("a sparse map has an absurd number"))?;
                }
                _ => return Err(bad("a sparse map is malformed")),
            }
        }
    }
}

/// Where in the pax 1.0 sparse map we are.
#[derive(Default)]
struct Lines {
    block: Vec<u8>,
    at: usize,
}

/// The current member's packed data.
impl<R: Read> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer
            .len()
            .min(usize::try_from(self.data).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let read = self.inner.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(bad("it ends in the middle of a file"));
        }
        self.data -= read as u64;
        Ok(read)
    }
}

/// How pax records describe a sparse file.
enum Sparse {
    /// They do not.
    No,
    /// Formats 0.0 and 0.1: length and map.
    Listed(u64, Vec<(u64, u64)>),
    /// Format 1.0: length; the map lies in front of the data.
    InData(u64),
}

/// Applies pax records to a member and its size in the archive.
fn apply(member: &mut Member, size: &mut u64, records: &[(String, Vec<u8>)]) -> io::Result<Sparse> {
    let mut real = None;
    let mut in_data = false;
    let mut numbers = Vec::new();
    for (key, value) in records {
        match key.as_str() {
            // A sparse file's true name; `path` then names a place for ignorant readers.
            "path" if records.iter().any(|(key, _)| key == "GNU.sparse.name") => {}
            "path" | "GNU.sparse.name" => member.path = value.clone(),
            "linkpath" => member.link = value.clone(),
            "size" => *size = pax::number(value)?,
            "uid" => member.uid = id(pax::number(value)?)?,
            "gid" => member.gid = id(pax::number(value)?)?,
            "mtime" => member.mtime = pax::seconds(value)?,
            "GNU.sparse.major" => in_data = value == b"1",
            "GNU.sparse.size" | "GNU.sparse.realsize" => real = Some(pax::number(value)?),
            "GNU.sparse.map" => {
                for number in value.split(|&b| b == b',').filter(|n| !n.is_empty()) {
                    numbers.push(pax::number(number)?);
                }
            }
            "GNU.sparse.offset" | "GNU.sparse.numbytes" => numbers.push(pax::number(value)?),
            _ => {
                if let Some(name) = key.strip_prefix("SCHILY.xattr.") {
                    member.xattrs.insert(name.into(), value.clone());
                }
            }
        }
    }
    segments_bound(numbers.len() as u64 / 2)?;
    Ok(match real {
        None => Sparse::No,
        Some(bytes) if in_data => Sparse::InData(bytes),
        Some(bytes) => Sparse::Listed(
            bytes,
            numbers.chunks_exact(2).map(|p| (p[0], p[1])).collect(),
        ),
    })
}

/// The (offset, length) pairs of an old GNU sparse map.
fn pieces(map: &[u8], list: &mut Vec<(u64, u64)>) -> io::Result<()> {
    for pair in map.chunks_exact(24) {
        if pair[0] == 0 {
            break;
        }
        list.push((
            positive(&pair[..12], "sparse map")?,
            positive(&pair[12..], "sparse map")?,
        ));
    }
    Ok(())
}

fn segments_bound(count: u64) -> io::Result<()> {
    if count <= SEGMENTS_MAX {
        return Ok(());
    }
    Err(Exceeded {
        what: "pieces of one sparse file",
        limit: SEGMENTS_MAX,
    }
    .into())
}
