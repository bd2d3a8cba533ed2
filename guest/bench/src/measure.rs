//! How everything is measured: [`Bench::measure`].

use core::ffi::CStr;

use crate::call::Result;
use crate::{mark, sys};

/// The longest line, and the longest name in it.
const LINE: usize = 128;
const NAME: usize = 64;

/// What all operations share.
pub struct Bench {
    /// How long an operation is repeated, at least.
    nanoseconds: u64,
    /// Where this program lies.
    pub program: &'static CStr,
}

impl Bench {
    /// For operations that are repeated for so long, by the program of this path.
    pub fn new(milliseconds: u64, program: &'static CStr) -> Self {
        Self {
            nanoseconds: milliseconds.max(1) * 1_000_000,
            program,
        }
    }

    /// Measures `work`, which does something as many times as it is told, after it has done so for a while: caches are
    /// warm then. `each` is how many operations one time stands for.
    pub fn measure(
        &self,
        name: &[u8],
        each: u64,
        mut work: impl FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let count = self.enough(&mut work)?;
        let start = sys::now();
        mark::begin();
        work(count)?;
        mark::end();
        let time = sys::now() - start;
        line(name, Some(count * each), time);
        Ok(())
    }

    /// How often `work` is to be done, from how long a quarter of that took.
    fn enough(&self, work: &mut impl FnMut(u64) -> Result<()>) -> Result<u64> {
        let mut count = 1;
        loop {
            let start = sys::now();
            work(count)?;
            let time = sys::now() - start;
            if time >= self.nanoseconds / 4 {
                let wanted = u128::from(count) * u128::from(self.nanoseconds) / u128::from(time);
                return Ok((wanted as u64).max(1));
            }
            count *= 2;
        }
    }
}

/// Writes `NAME COUNT VALUE`; without a count, `NAME - VALUE`.
pub fn line(name: &[u8], count: Option<u64>, value: u64) {
    let mut text = Text::new();
    text.push(&name[..name.len().min(NAME)]);
    text.push(b" ");
    match count {
        Some(count) => text.push_number(count),
        None => text.push(b"-"),
    }
    text.push(b" ");
    text.push_number(value);
    text.push(b"\n");
    sys::print(text.bytes());
}

/// `NAME-NUMBER`.
pub fn numbered(name: &[u8], number: u64) -> Text {
    let mut text = Text::new();
    text.push(name);
    text.push(b"-");
    text.push_number(number);
    text
}

/// A short text; what is too long for it is cut.
pub struct Text {
    bytes: [u8; LINE],
    length: usize,
}

impl Text {
    fn new() -> Self {
        Self {
            bytes: [0; LINE],
            length: 0,
        }
    }

    /// What was pushed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().take(LINE - self.length) {
            self.bytes[self.length] = *byte;
            self.length += 1;
        }
    }

    fn push_number(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.push(&digits[first..]);
    }
}

/// A number in decimal digits and nothing else.
pub fn number(text: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    let add = |sum: u64, byte: &u8| sum.checked_mul(10)?.checked_add(digit(byte)?);
    (!text.is_empty()).then(|| text.iter().try_fold(0, add))?
}
