//! Becoming another program, as execvp does.

use crate::call::{Errno, call};
use crate::words::Words;

const ENOENT: Errno = 2;
const EACCES: Errno = 13;
const ENOTDIR: Errno = 20;
const ENAMETOOLONG: Errno = 36;
const EXECVE: usize = 59;
/// The longest path, its zero byte included.
const PATH_MAX: usize = 4096;
/// PATH where the environment has none.
const PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Becomes the program that the first word of `command` names; returns why not. A name without a slash is looked for
/// on PATH: what is there and cannot be run is remembered while others are tried.
pub fn execvp(command: Words, environment: Words) -> Errno {
    let name = { command }.next().unwrap_or_default();
    let attempt = |parts: &[&[u8]]| exec(parts, command, environment);
    if name.contains(&b'/') {
        return match attempt(&[name]) {
            ENOTDIR => ENOENT,
            error => error,
        };
    }
    let path = { environment }.find_map(|entry| entry.strip_prefix(b"PATH="));
    let mut found = ENOENT;
    for dir in path.unwrap_or(PATH).split(|byte| *byte == b':') {
        let dir: &[u8] = if dir.is_empty() { b"." } else { dir };
        match attempt(&[dir, b"/", name]) {
            ENOENT | ENOTDIR => {}
            EACCES => found = EACCES,
            error => return error,
        }
    }
    found
}

/// Becomes the program whose path these parts make.
fn exec(parts: &[&[u8]], command: Words, environment: Words) -> Errno {
    let mut path = [0_u8; PATH_MAX];
    let mut end = 0;
    for part in parts {
        // The last byte stays zero.
        let Some(place) = path[..PATH_MAX - 1].get_mut(end..end + part.len()) else {
            return ENAMETOOLONG;
        };
        place.copy_from_slice(part);
        end += part.len();
    }
    let lists = [command.address(), environment.address()];
    // SAFETY: the path ends with a zero byte; both lists are the kernel's, or parts of them.
    let result = unsafe {
        call(
            EXECVE,
            [path.as_ptr() as usize, lists[0], lists[1], 0, 0, 0],
        )
    };
    result.err().unwrap_or(0)
}
