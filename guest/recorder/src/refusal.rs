//! Which answers are refusals.

use crate::asked::Asked;

/// A signal came while the call waited: it was granted, and will be made again or end with EINTR.
const RESTARTS: core::ops::RangeInclusive<u16> = 512..=530;
const ENOENT: u16 = 2;
const ENOTDIR: u16 = 20;
/// What happens in the life of any program: it says nothing of the kernel.
/// ESRCH, EINTR, EBADF, ECHILD, EAGAIN, EEXIST, EISDIR, ENOTTY, ESPIPE, EPIPE, ENOTEMPTY, ECONNRESET, ENOTCONN,
/// ETIMEDOUT, ECONNREFUSED, EALREADY, EINPROGRESS.
const ORDINARY: [u16; 17] = [
    3, 4, 9, 10, 11, 17, 21, 25, 29, 32, 39, 104, 107, 110, 111, 114, 115,
];

/// The error of an answer, zero for success.
pub fn errno(asked: &Asked, result: i64) -> u16 {
    let errno = match result {
        -4095..0 => (-result) as u16,
        _ => 0,
    };
    let granted = if RESTARTS.contains(&errno) { 0 } else { errno };
    asked.refused.unwrap_or(granted)
}

/// Whether an error may be why a process gave up.
pub fn counts(asked: &Asked, errno: u16, has_text: bool) -> bool {
    if asked.refused.is_some() {
        return true;
    }
    let missing_file = errno == ENOENT && !has_text;
    errno != 0 && !ORDINARY.contains(&errno) && !missing_file
}

/// Whether a call with a path was answered as any kernel answers it: the file is there, or not.
pub fn is_usual(errno: u16) -> bool {
    matches!(errno, 0 | ENOENT | ENOTDIR)
}
