//! Sentences for a person, without the weight of `core::fmt`.

use alloc::ffi::CString;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rustix::io::Errno;

/// A string for the kernel; cut at a NUL, which the host has refused already.
pub fn c_string(text: &str) -> CString {
    let bytes: Vec<u8> = text.bytes().take_while(|byte| *byte != 0).collect();
    CString::new(bytes).unwrap_or_default()
}

/// `cannot WHAT: why`.
pub fn failed(what: &[&str], error: Errno) -> String {
    ["cannot ", &what.concat(), ": ", &reason(error)].concat()
}

/// What an error number means.
pub fn reason(error: Errno) -> String {
    let known = match error {
        Errno::PERM => "operation not permitted",
        Errno::NOENT => "no such file or directory",
        Errno::IO => "input or output error",
        Errno::NOEXEC => "not in an executable format",
        Errno::NOMEM => "out of memory",
        Errno::ACCESS => "permission denied",
        Errno::BUSY => "busy",
        Errno::NODEV => "no such device or file system in this kernel",
        Errno::NOTDIR => "not a directory",
        Errno::ISDIR => "a directory",
        Errno::INVAL => "invalid argument",
        Errno::NOSPC => "no space left",
        Errno::ROFS => "the file system is read-only",
        Errno::NOSYS => "not in this kernel",
        Errno::LOOP => "too many symbolic links",
        Errno::TOOBIG => "arguments too long",
        _ => return ["error ", &number(error.raw_os_error().unsigned_abs())].concat(),
    };
    known.into()
}

/// A number in decimal digits.
pub fn number(mut value: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(b'0' + (value % 10) as u8);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    digits.reverse();
    String::from_utf8_lossy(&digits).to_string()
}
