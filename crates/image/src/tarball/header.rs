//! The 512 bytes of a member's header.

use std::collections::BTreeMap;
use std::io;

use super::BLOCK;
use super::read::{Member, What};

/// What the 512 bytes themselves say.
pub(super) fn plain(header: &[u8; BLOCK]) -> io::Result<Member> {
    let posix = &header[257..263] == b"ustar\0";
    let name = until_nul(&header[..100]);
    let prefix = until_nul(&header[345..500]);
    let path = if posix && !prefix.is_empty() {
        [prefix, name].join(&b'/')
    } else {
        name
    };
    let what = match header[156] {
        0 | b'0' | b'7' | b'S' => What::File,
        b'1' => What::HardLink,
        b'2' => What::Symlink,
        b'3' => What::CharDevice,
        b'4' => What::BlockDevice,
        b'5' => What::Directory,
        b'6' => What::Fifo,
        _ => What::Other,
    };
    let device = |field| positive(field, "device number").map(|n| n as u32);
    let is_device = matches!(what, What::CharDevice | What::BlockDevice);
    Ok(Member {
        path,
        link: until_nul(&header[157..257]),
        what,
        mode: positive(&header[100..108], "mode")? as u32 & 0o7777,
        uid: id(positive(&header[108..116], "owner")?)?,
        gid: id(positive(&header[116..124], "group")?)?,
        mtime: number(&header[136..148]).ok_or_else(|| bad("a time is malformed"))?,
        device: if is_device {
            (device(&header[329..337])?, device(&header[337..345])?)
        } else {
            (0, 0)
        },
        xattrs: BTreeMap::new(),
        bytes: 0,
        segments: Vec::new(),
    })
}

pub(super) fn check_sum(header: &[u8; BLOCK]) -> io::Result<()> {
    let covered = |at: usize| {
        if (148..156).contains(&at) {
            b' '
        } else {
            header[at]
        }
    };
    let unsigned: i64 = (0..BLOCK).map(|at| i64::from(covered(at))).sum();
    // Some ancient tars added signed bytes.
    let signed: i64 = (0..BLOCK)
        .map(|at| i64::from(covered(at).cast_signed()))
        .sum();
    let stored = number(&header[148..156]);
    if stored != Some(unsigned) && stored != Some(signed) {
        return Err(bad("a header's checksum is wrong"));
    }
    Ok(())
}

/// A number of a header: octal, or base 256 when the first bit is set.
fn number(field: &[u8]) -> Option<i64> {
    if field[0] & 0x80 != 0 {
        // The second bit is the sign of a two's complement number.
        let mut value = i128::from(field[0] & 0x3f) - if field[0] & 0x40 != 0 { 0x40 } else { 0 };
        for &byte in &field[1..] {
            value = value.checked_mul(256)?.checked_add(i128::from(byte))?;
        }
        return i64::try_from(value).ok();
    }
    let text = field.split(|&b| b == 0).next()?;
    let text = std::str::from_utf8(text).ok()?.trim();
    if text.is_empty() {
        return Some(0);
    }
    i64::from_str_radix(text, 8).ok()
}

pub(super) fn positive(field: &[u8], what: &str) -> io::Result<u64> {
    number(field)
        .and_then(|n| u64::try_from(n).ok())
        .ok_or_else(|| bad(&format!("a {what} is malformed")))
}

pub(super) fn id(number: u64) -> io::Result<u32> {
    u32::try_from(number).map_err(|_| bad("an owner has more than 32 bits"))
}

pub(super) fn until_nul(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|&b| b == 0).next().unwrap_or_default().to_vec()
}

pub(super) fn bad(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the tar is malformed: {why}"),
    )
}
