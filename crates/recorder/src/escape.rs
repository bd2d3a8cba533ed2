//! Strings of traced programs inside lines of text.

use alloc::string::String;
use alloc::vec::Vec;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends `bytes` with everything but printable ASCII as `\xHH`. Nothing at
/// all becomes `-`, and a lone `-` is escaped, so that they stay apart.
pub fn escape(bytes: &[u8], into: &mut Vec<u8>) {
    if bytes.is_empty() {
        into.push(b'-');
    }
    let lone = bytes == b"-";
    for &byte in bytes {
        if (b' '..0x7f).contains(&byte) && byte != b'\\' && !lone {
            into.push(byte);
            continue;
        }
        let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
        into.extend([b'\\', b'x', DIGITS[high], DIGITS[low]]);
    }
}

/// What [`escape`] was given; bytes that are no UTF-8 are replaced. `None`
/// where it was nothing.
pub(crate) fn unescape(text: &str) -> Option<Option<String>> {
    if text == "-" {
        return Some(None);
    }
    let mut parts = text.split('\\');
    let mut bytes: Vec<u8> = parts.next().unwrap_or_default().into();
    for part in parts {
        let digits = part.strip_prefix('x')?;
        let (digits, rest) = digits.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(rest.bytes());
    }
    Some(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
