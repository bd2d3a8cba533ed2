//! Texts in constant data that name files.

use super::Elf;

/// A text and its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub address: u64,
    pub text: String,
}

/// Longest text that is looked at.
const LONGEST: usize = 512;

/// Whether a byte may stand in the name of a file (or of a `printf` format for one).
fn in_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._-+%*@,:[]{}=~".contains(&byte)
}

impl Elf {
    /// All texts that look like a path or like the name of a shared library. A text ends at a byte
    /// that no such name has.
    pub(crate) fn names(&self) -> Vec<Text> {
        let mut found = Vec::new();
        for region in &self.data {
            let bytes = &self.bytes[region.range.clone()];
            let mut at = 0;
            while at < bytes.len() {
                let run = bytes[at..].iter().position(|&b| !in_path(b));
                let end = run.map_or(bytes.len(), |run| at + run);
                if end - at >= 5 {
                    self.names_in(bytes, at, end, region.address, &mut found);
                }
                at = end + 1;
            }
        }
        found
    }

    /// The names in one run of bytes. Go puts strings behind each other without a mark, so that a
    /// path may start within a run; elsewhere it starts where the run does.
    fn names_in(&self, bytes: &[u8], start: usize, end: usize, base: u64, found: &mut Vec<Text>) {
        let run = &bytes[start..end];
        let mut note = |at: usize, stop: usize| {
            if let Ok(text) = std::str::from_utf8(&bytes[at..stop.min(at + LONGEST)]) {
                let address = base.saturating_add(at as u64);
                found.push(Text {
                    address,
                    text: text.to_owned(),
                });
            }
        };
        if self.go {
            let roots: [&[u8]; 3] = [b"/proc/", b"/sys/", b"/dev/"];
            let begins = |at: &usize| roots.iter().any(|root| run[*at..].starts_with(root));
            // Where it ends, only what points at the next one can tell.
            (0..run.len())
                .filter(begins)
                .for_each(|place| note(start + place, end));
        } else if run[0] == b'/'
            || run.windows(3).any(|part| part == b".so")
            || run.ends_with(b".conf")
        {
            note(start, end);
        } else if let Some(slash) = run
            .windows(2)
            .position(|pair| pair == b":/" || pair == b"=/")
        {
            note(start + slash + 1, end);
        }
    }
}
