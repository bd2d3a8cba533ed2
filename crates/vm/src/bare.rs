//! The output of a program that the kernel starts itself.

/// A program without init shares its console with the kernel, whose last
/// words, the panic that its end causes, are none of its output.
#[derive(Debug, Default)]
pub(crate) struct BareOutput {
    /// The line that has begun.
    line: Vec<u8>,
    panicked: bool,
}

impl BareOutput {
    /// Takes bytes and gives those that are output, whole lines only.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        for byte in bytes {
            self.line.push(*byte);
            if *byte == b'\n' {
                output.extend(self.end());
            }
        }
        output
    }

    /// What is left at the end.
    pub(crate) fn end(&mut self) -> Vec<u8> {
        const PANIC: &[u8] = b"Kernel panic - not syncing: ";
        let line = std::mem::take(&mut self.line);
        let found = line.windows(PANIC.len()).position(|window| window == PANIC);
        if let Some(at) = found {
            self.panicked = true;
            // The kernel begins its line where the program left off.
            let before = line.get(..at).unwrap_or_default();
            let stamp = before.iter().rposition(|byte| *byte == b'[').unwrap_or(at);
            return before.get(..stamp).unwrap_or_default().to_vec();
        }
        if self.panicked {
            return Vec::new();
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_last_words_are_no_output() {
        let mut output = BareOutput::default();
        assert_eq!(output.push(b"hello\npart"), b"hello\n");
        let rest = b"ial[    0.100000] Kernel panic - not syncing: Attempted to kill init!\n[    0.1] CPU: 0\n";
        assert_eq!(output.push(rest), b"partial");
        assert_eq!(output.end(), b"");
    }
}
