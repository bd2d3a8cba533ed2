//! What a guest says by I/O port 0xe9: marks of its init, and lines of its kernel (docs/why.md).

use lupine_init::MARK_INIT_START;

/// Before a line, and nowhere in it.
const LINE_START: u8 = 0x1e;
/// Bytes of a line: the kernel's longest has less.
const LINE_MAX: usize = 1024;
/// Lines of one guest: its kernel says fewer, but its root can write to the port, too.
const LINES_MAX: usize = 1024;

/// One thing that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// [`MARK_INIT_START`].
    InitStart,
    /// A whole line, without its ends: printable ASCII and tabs.
    Line(String),
}

/// Takes bytes one by one. Whatever is neither a mark nor part of a line is ignored.
#[derive(Debug, Default)]
pub(crate) struct Port {
    /// The line that has begun.
    line: Option<String>,
    /// How many were whole.
    lines: usize,
}

impl Port {
    pub(crate) fn push(&mut self, byte: u8) -> Option<Said> {
        match (byte, &mut self.line) {
            (LINE_START, line) => *line = Some(String::new()),
            (MARK_INIT_START, None) => return Some(Said::InitStart),
            (b'\n', line) => return line.take().and_then(|line| self.whole(line)),
            (b'\t' | b' '..=b'~', Some(line)) if line.len() < LINE_MAX => line.push(byte.into()),
            (_, line) => *line = None,
        }
        None
    }

    fn whole(&mut self, line: String) -> Option<Said> {
        self.lines += 1;
        (self.lines <= LINES_MAX).then_some(Said::Line(line))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8]) -> Vec<Said> {
        let mut port = Port::default();
        bytes.iter().filter_map(|byte| port.push(*byte)).collect()
    }

    fn line(text: &str) -> Said {
        Said::Line(text.into())
    }

    #[test]
    fn marks_and_lines_are_told_apart() {
        let said = all(b"I\x1eI 1\t2\nxI\x1e3\n");
        assert_eq!(
            said,
            [Said::InitStart, line("I 1\t2"), Said::InitStart, line("3")]
        );
    }

    #[test]
    fn a_torn_line_is_no_line_and_harms_no_other() {
        assert_eq!(all(b"\x1etorn\x1ewhole\n"), [line("whole")]);
        assert_eq!(all(b"\x1ebad\xff byte\n\x1ewhole\n"), [line("whole")]);
        let mut long = vec![b'x'; LINE_MAX + 1];
        long.insert(0, LINE_START);
        long.extend(b"\n\x1ewhole\n");
        assert_eq!(all(&long), [line("whole")]);
    }

    #[test]
    fn a_guest_that_never_stops_is_not_listened_to_for_ever() {
        assert_eq!(all(&b"\x1ex\n".repeat(LINES_MAX + 9)).len(), LINES_MAX);
    }

    /// Pieces that mean something, more often than arbitrary ones do; some too long for a line.
    fn nearly() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(vec![LINE_START]),
            Just(vec![b'\n']),
            Just(vec![MARK_INIT_START]),
            Just(vec![b'x'; 700]),
            prop::collection::vec(any::<u8>(), 0..9),
        ];
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn whatever_comes_lines_are_short_and_plain(bytes in nearly()) {
            for said in all(&bytes) {
                if let Said::Line(line) = said {
                    prop_assert!(line.len() <= LINE_MAX);
                    prop_assert!(line.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)));
                }
            }
        }

        #[test]
        fn a_whole_line_is_heard_after_anything(bytes in nearly(), text in "[ -~\t]{0,99}") {
            let mut bytes = bytes;
            bytes.push(LINE_START);
            bytes.extend(text.bytes());
            bytes.push(b'\n');
            let mut port = Port::default();
            let last = bytes.iter().map(|byte| port.push(*byte)).last();
            prop_assert_eq!(last, Some(Some(Said::Line(text))));
        }
    }
}
