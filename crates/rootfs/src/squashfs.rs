//! squashfs, by `sqfstar` from a tar archive that is made here and never lies
//! on the disk: owners, modes and devices need no root that way. Below
//! `fakeroot`, because `sqfstar` also writes down who runs it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

use lupine_store::At;
use lupine_tool::{Progress, Tool};
use tar::{Builder, EntryType, Header};

use crate::content::{BLOCK, Content, Reader};
use crate::pack::keeps;
use crate::plan::{Body, Inode, Plan, shown};
use crate::{Format, RootfsError};

/// Last second that squashfs can tell.
const LAST_TIME: i64 = u32::MAX as i64;
/// How much of a file passes through memory at a time, in bytes.
const PIECE: u64 = 256 * BLOCK;

/// Writes the file system.
pub(crate) fn write(plan: &Plan, image: &Path, progress: &dyn Progress) -> Result<(), RootfsError> {
    let (reader, writer) = io::pipe().at("make a pipe for", image)?;
    let running = sqfstar(&plan.inodes[0], image).stdin(reader).spawn()?;
    let archived = archive(plan, writer, progress);
    // Where sqfstar died the pipe broke: what it said tells more.
    match archived {
        Err(Failure::Content(error)) => Err(error),
        Err(Failure::Pipe(error)) => {
            running.wait()?;
            Err(error).at("write", image)?
        }
        Ok(()) => {
            running.wait()?;
            Ok(set_root_time(image, time(&plan.inodes[0]) as u32).at("correct", image)?)
        }
    }
}

/// sqfstar 4.5.1 gives the root directory the time at which it runs, whatever
/// `-root-time` says. Its inode is not compressed (`-noI`) and can be corrected.
fn set_root_time(image: &Path, time: u32) -> io::Result<()> {
    /// Bytes of an inode before its time, and of the header of a metadata block.
    const TIME: u64 = 8;
    const HEADER: u64 = 2;
    let file = File::options().read(true).write(true).open(image)?;
    let read = |at| -> io::Result<u64> {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, at)?;
        Ok(u64::from_le_bytes(bytes))
    };
    let (root, table) = (read(32)?, read(64)?);
    // The block of the table that the inode begins in, and the place within it.
    let (block, offset) = (table + (root >> 16), root & 0xffff);
    // An inode may reach into the next block, behind that block's header.
    let place = |at: u64| block + HEADER + at + if at < 8192 { 0 } else { HEADER };
    for (at, byte) in (offset + TIME..).zip(time.to_le_bytes()) {
        file.write_all_at(&[byte], place(at))?;
    }
    Ok(())
}

/// The command; it takes the root directory's metadata as options.
fn sqfstar(root: &Inode, image: &Path) -> Tool {
    Tool::new("fakeroot")
        .args(["--", "sqfstar"])
        .args(["-quiet", "-no-progress", "-reproducible", "-exit-on-error"])
        .args(["-comp", "gzip", "-noI", "-mkfs-time", "0"])
        .args(["-root-mode".to_owned(), format!("{:o}", root.mode)])
        .args(["-root-uid".to_owned(), root.uid.to_string()])
        .args(["-root-gid".to_owned(), root.gid.to_string()])
        .env("LC_ALL", "C")
        .arg(image)
}

fn time(inode: &Inode) -> u64 {
    inode.mtime.clamp(0, LAST_TIME).cast_unsigned()
}

/// Why the archive broke off.
enum Failure {
    Content(RootfsError),
    Pipe(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Pipe(error)
    }
}

fn archive(plan: &Plan, writer: impl Write, progress: &dyn Progress) -> Result<(), Failure> {
    let mut builder = Builder::new(BufWriter::with_capacity(1 << 20, writer));
    let mut first_names: Vec<Option<Vec<u8>>> = vec![None; plan.inodes.len()];
    let (mut done, total) = (0, plan.data_bytes());
    for (path, number) in plan.names() {
        let inode = &plan.inodes[number];
        let name = Path::new(OsStr::from_bytes(&path));
        if let Some(first) = &first_names[number] {
            let mut header = header(inode, EntryType::Link);
            builder.append_link(&mut header, name, Path::new(OsStr::from_bytes(first)))?;
            continue;
        }
        first_names[number] = Some(path.clone());
        if number != 0 {
            entry(&mut builder, name, inode)?;
        }
        if let Body::File(content) = &inode.body {
            done += content.data_blocks() * BLOCK;
            progress.advance(done, Some(total));
        }
    }
    builder.into_inner()?.flush()?;
    Ok(())
}

fn entry(builder: &mut Builder<impl Write>, name: &Path, inode: &Inode) -> Result<(), Failure> {
    attributes(builder, inode)?;
    let kind = match &inode.body {
        Body::Directory { .. } => EntryType::Directory,
        Body::Device { block: true, .. } => EntryType::Block,
        Body::Device { block: false, .. } => EntryType::Char,
        Body::Fifo => EntryType::Fifo,
        Body::File(content) => return file(builder, name, inode, content),
        Body::Symlink(target) => {
            let mut header = header(inode, EntryType::Symlink);
            return Ok(builder.append_link(&mut header, name, OsStr::from_bytes(target))?);
        }
    };
    let mut header = header(inode, kind);
    if let Body::Device { major, minor, .. } = &inode.body {
        header.set_device_major(*major)?;
        header.set_device_minor(*minor)?;
    }
    Ok(builder.append_data(&mut header, name, io::empty())?)
}

fn attributes(builder: &mut Builder<impl Write>, inode: &Inode) -> io::Result<()> {
    let names = inode.xattrs.iter();
    let kept = names.filter(|(name, _)| keeps(Format::Squashfs, name));
    let records: Vec<(String, &[u8])> = kept
        .map(|(name, value)| (format!("SCHILY.xattr.{name}"), &value[..]))
        .collect();
    if records.is_empty() {
        return Ok(());
    }
    builder.append_pax_extensions(records.iter().map(|(name, value)| (&name[..], *value)))
}

fn header(inode: &Inode, kind: EntryType) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(inode.mode);
    header.set_uid(inode.uid.into());
    header.set_gid(inode.gid.into());
    header.set_mtime(time(inode));
    header.set_size(0);
    header
}

fn file(
    builder: &mut Builder<impl Write>,
    name: &Path,
    inode: &Inode,
    content: &Content,
) -> Result<(), Failure> {
    let damaged = |error: &io::Error| {
        Failure::Content(RootfsError::Content {
            path: shown(&inode.path),
            why: error.to_string(),
        })
    };
    let reader = content.open().map_err(|error| damaged(&error))?;
    let mut stream = Stream {
        reader,
        at: 0,
        bytes: content.bytes,
        failed: None,
    };
    let mut header = header(inode, EntryType::Regular);
    header.set_size(content.bytes);
    let appended = builder.append_data(&mut header, name, &mut stream);
    match stream.failed {
        Some(error) => Err(damaged(&error)),
        None => Ok(appended?),
    }
}

/// A content from its first byte to its last.
struct Stream<'a> {
    reader: Reader<'a>,
    at: u64,
    bytes: u64,
    /// Kept apart from what the pipe says.
    failed: Option<io::Error>,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = (self.bytes - self.at).min(PIECE).min(buffer.len() as u64);
        let buffer = &mut buffer[..left as usize];
        if let Err(error) = self.reader.read(self.at, buffer) {
            self.failed = Some(error);
            return Err(io::ErrorKind::Other.into());
        }
        self.at += left;
        Ok(left as usize)
    }
}
