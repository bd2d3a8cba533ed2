//! newc archives, which the kernel unpacks as its initramfs.

use crate::content::{BLOCK, Content, Run};
use crate::output::Output;
use crate::plan::{Body, Inode, Plan, shown};
use crate::{Format, RootfsError};

/// The kernel runs this from an initramfs unless `rdinit=` says otherwise.
const INIT: &[u8] = b"init";
/// Where [`INIT`] points when the image has none of its own.
const INIT_TARGET: &[u8] = b".lupine/init";

/// Writes the archive and returns its length in bytes.
pub(crate) fn write(plan: &Plan, output: &mut Output) -> Result<u64, RootfsError> {
    let mut writer = Writer { output, at: 0 };
    // The last of a file's names carries its contents, as cpio itself does it.
    let mut names_left: Vec<u32> = plan.inodes.iter().map(|inode| inode.links).collect();
    for (path, number) in plan.names() {
        let inode = &plan.inodes[number];
        names_left[number] -= 1;
        let path = if number == 0 { b"." } else { &path[..] };
        writer.entry(path, number as u32 + 1, inode, names_left[number] == 0)?;
    }
    if !has_init(plan) {
        let header = Header {
            number: plan.inodes.len() as u32 + 1,
            mode: 0o120_777,
            links: 1,
            bytes: INIT_TARGET.len() as u32,
            ..Header::default()
        };
        writer.header(&header, INIT)?;
        writer.bytes(INIT_TARGET)?;
    }
    let trailer = Header {
        links: 1,
        ..Header::default()
    };
    writer.header(&trailer, b"TRAILER!!!")?;
    // Padded to 512 bytes, as cpio pads.
    Ok(writer.at.next_multiple_of(512))
}

fn has_init(plan: &Plan) -> bool {
    matches!(&plan.inodes[0].body, Body::Directory { entries, .. } if entries.contains_key(INIT))
}

#[derive(Default)]
struct Header {
    number: u32,
    mode: u32,
    uid: u32,
    gid: u32,
    links: u32,
    mtime: u32,
    bytes: u32,
    device: (u32, u32),
}

struct Writer<'a, 'b> {
    output: &'a mut Output<'b>,
    at: u64,
}

impl Writer<'_, '_> {
    fn entry(
        &mut self,
        path: &[u8],
        number: u32,
        inode: &Inode,
        last: bool,
    ) -> Result<(), RootfsError> {
        let mut header = Header {
            number,
            mode: inode.st_mode(),
            uid: inode.uid,
            gid: inode.gid,
            links: inode.links,
            mtime: inode.mtime.clamp(0, u32::MAX.into()) as u32,
            ..Header::default()
        };
        match &inode.body {
            Body::File(content) if last => {
                header.bytes = length(inode, content)?;
                self.header(&header, path)?;
                self.content(path, content)
            }
            Body::Symlink(target) => {
                header.bytes = target.len() as u32;
                self.header(&header, path)?;
                self.bytes(target)
            }
            body => {
                if let Body::Device { major, minor, .. } = body {
                    header.device = (*major, *minor);
                }
                self.header(&header, path)
            }
        }
    }

    fn header(&mut self, header: &Header, name: &[u8]) -> Result<(), RootfsError> {
        let fields = [
            header.number,
            header.mode,
            header.uid,
            header.gid,
            header.links,
            header.mtime,
            header.bytes,
            0, // the device that the file lay on
            0,
            header.device.0,
            header.device.1,
            name.len() as u32 + 1,
            0, // checksum, which newc does not use
        ];
        let mut bytes = b"070701".to_vec();
        for field in fields {
            bytes.extend(format!("{field:08X}").bytes());
        }
        bytes.extend(name);
        bytes.push(0);
        self.bytes(&bytes)
    }

    /// Writes `bytes` and pads to four.
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), RootfsError> {
        self.output.write(self.at, bytes)?;
        self.at = (self.at + bytes.len() as u64).next_multiple_of(4);
        Ok(())
    }

    fn content(&mut self, path: &[u8], content: &Content) -> Result<(), RootfsError> {
        let begin = self.at;
        let place = |run: &Run| (*run, begin + run.start * BLOCK);
        self.output
            .copy(path, content, content.runs.iter().map(place))?;
        self.at = (begin + content.bytes).next_multiple_of(4);
        Ok(())
    }
}

fn length(inode: &Inode, content: &Content) -> Result<u32, RootfsError> {
    u32::try_from(content.bytes).map_err(|_| RootfsError::Unfit {
        format: Format::Cpio,
        path: shown(&inode.path),
        why: "a file in an archive is smaller than 4 GiB".into(),
    })
}
