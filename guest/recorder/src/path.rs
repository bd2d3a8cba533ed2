//! Paths of other processes: made absolute, made comparable.

use alloc::vec::Vec;

pub use lupine_recorder::path::{general, is_of_kernel};

use crate::sys;
use crate::text::push_decimal;

/// The working directory, where a call takes a directory's descriptor.
const AT_FDCWD: i32 = -100;
/// Only names a file; opens nothing.
const O_PATH: usize = 0x20_0000;
/// Does not wait for the other end of a pipe.
const O_NONBLOCK: usize = 0x800;

/// `/proc/PID/REST` with a zero byte at the end.
pub fn proc_path(pid: i32, rest: &[&[u8]]) -> Vec<u8> {
    let mut path = b"/proc/".to_vec();
    push_decimal(pid as u64, &mut path);
    rest.iter().for_each(|part| path.extend_from_slice(part));
    path.push(0);
    path
}

/// The file that a descriptor of the process stands for; `None` where there is no /proc.
pub fn of_descriptor(pid: i32, fd: i32) -> Option<Vec<u8>> {
    let mut digits = Vec::new();
    push_decimal(u64::try_from(fd).ok()?, &mut digits);
    sys::read_link(&proc_path(pid, &[b"/fd/", &digits]))
}

/// `path` as the process would find it from the directory `dir`: absolute,
/// without `.`, `..` and doubled slashes; symbolic links stay.
pub fn absolute(pid: i32, dir: i32, path: &[u8]) -> Option<Vec<u8>> {
    if path.starts_with(b"/") {
        return Some(clean(path));
    }
    let mut base = if dir == AT_FDCWD {
        sys::read_link(&proc_path(pid, &[b"/cwd"]))?
    } else {
        of_descriptor(pid, dir)?
    };
    if !base.starts_with(b"/") {
        return None;
    }
    base.push(b'/');
    base.extend_from_slice(path);
    Some(clean(&base))
}

fn clean(path: &[u8]) -> Vec<u8> {
    let mut cleaned: Vec<u8> = Vec::with_capacity(path.len());
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                let end = cleaned.iter().rposition(|byte| *byte == b'/');
                cleaned.truncate(end.unwrap_or(0));
            }
            _ => {
                cleaned.push(b'/');
                cleaned.extend_from_slice(part);
            }
        }
    }
    if cleaned.is_empty() {
        cleaned.push(b'/');
    }
    cleaned
}

/// Where the file of a process really is, symbolic links followed.
pub fn real(pid: i32, path: &[u8]) -> Option<Vec<u8>> {
    let fd = sys::open(&proc_path(pid, &[b"/root", path]), O_PATH).ok()?;
    let mut link = b"/proc/self/fd/".to_vec();
    push_decimal(fd as u64, &mut link);
    link.push(0);
    let real = sys::read_link(&link);
    sys::close(fd);
    real
}

/// Whether the file of a process begins with `#!`.
pub fn is_script(pid: i32, path: &[u8]) -> bool {
    let mut plain = path.to_vec();
    plain.push(0);
    let theirs = proc_path(pid, &[b"/root", path]);
    let opened = sys::open(&theirs, O_NONBLOCK);
    let Ok(fd) = opened.or_else(|_| sys::open(&plain, O_NONBLOCK)) else {
        return false;
    };
    let mut start = [0; 2];
    let count = sys::read(fd, &mut start);
    sys::close(fd);
    count == Ok(2) && &start == b"#!"
}

/// Whether `path` is what `pattern` names or lies below it; `*` in the
/// pattern stands for one component.
pub fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let mut parts = path.split(|byte| *byte == b'/');
    let mut wanted = pattern.split(|byte| *byte == b'/');
    wanted.all(|wanted| match parts.next() {
        Some(part) => wanted == part || wanted == b"*",
        // A slash at the pattern's end.
        None => wanted.is_empty(),
    })
}
