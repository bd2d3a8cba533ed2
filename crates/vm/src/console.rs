//! Input of a program that the kernel starts itself.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

/// The next byte means nothing.
const QUOTE: u8 = 0x16;
/// What was read so far is handed on; where that is nothing, input ends.
const HAND_ON: u8 = 0x04;
/// Bytes of a line at most; the guest's terminal has room for 4095.
const PORTION: usize = 1024;

/// Writes what a program without init reads from its console. Dropping it ends that.
///
/// A console reads by lines, which alone can tell an end, and some bytes mean something to it. So
/// those are quoted, and what has no newline at its end is handed on without one.
#[derive(Debug)]
pub struct ConsoleWriter {
    pub(crate) stream: UnixStream,
}

impl Write for ConsoleWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let portion = bytes.get(..PORTION).unwrap_or(bytes);
        self.stream.write_all(&typed(portion))?;
        Ok(portion.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Drop for ConsoleWriter {
    fn drop(&mut self) {
        // A guest that has ended needs no end of input.
        let _ = self.stream.write_all(&[HAND_ON]);
    }
}

/// What has to be typed for the program to read `bytes`.
fn typed(bytes: &[u8]) -> Vec<u8> {
    let mut typed = Vec::new();
    for byte in bytes {
        if byte.is_ascii_control() && *byte != b'\n' {
            typed.push(QUOTE);
        }
        typed.push(*byte);
    }
    if bytes.last().is_some_and(|last| *last != b'\n') {
        typed.push(HAND_ON);
    }
    typed
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn bytes_with_a_meaning_are_quoted_and_nothing_waits_for_a_newline() {
        assert_eq!(typed(b"a line\n"), b"a line\n");
        assert_eq!(typed(b"part"), b"part\x04");
        assert_eq!(
            typed(b"\x04\x16\r\x7f\xff"),
            b"\x16\x04\x16\x16\x16\r\x16\x7f\xff\x04"
        );
        assert_eq!(typed(b""), b"");
    }

    #[test]
    fn long_lines_are_portioned_and_dropping_ends_the_input() {
        let (stream, mut guest) = UnixStream::pair().unwrap();
        let mut writer = ConsoleWriter { stream };
        writer.write_all(&[b'x'; PORTION + 1]).unwrap();
        drop(writer);
        let mut read = Vec::new();
        guest.read_to_end(&mut read).unwrap();
        let expected = [&[b'x'; PORTION][..], &[HAND_ON], b"x", &[HAND_ON, HAND_ON]];
        assert_eq!(read, expected.concat());
    }
}
