//! Numbers as text, without the weight of `core::fmt`.

use alloc::vec::Vec;

/// Appends `number` in the digits of `base`.
fn digits(mut number: u64, base: u64, into: &mut Vec<u8>) {
    let start = into.len();
    loop {
        into.push(b"0123456789abcdef"[(number % base) as usize]);
        number /= base;
        if number == 0 {
            break;
        }
    }
    into[start..].reverse();
}

/// Appends `number` in decimal digits.
pub fn push_decimal(number: u64, into: &mut Vec<u8>) {
    digits(number, 10, into);
}

/// Appends `number` in hexadecimal digits.
pub fn push_hexadecimal(number: u64, into: &mut Vec<u8>) {
    digits(number, 16, into);
}

/// `number` in decimal digits.
pub fn decimal(number: u64) -> Vec<u8> {
    let mut text = Vec::new();
    push_decimal(number, &mut text);
    text
}

/// A number in decimal digits and nothing else.
pub fn number(text: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    let add = |sum: u64, byte: &u8| sum.checked_mul(10)?.checked_add(digit(byte)?);
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0, add)
}
