//! The output of a program that the kernel starts itself.

/// A program without init shares its console with the kernel, whose words are none of its
/// output: the panic that its end causes, and the faults of PID 1, which the kernel tells of even if
/// the program handles them.
#[derive(Debug, Default)]
pub(crate) struct BareOutput {
    /// The line that has begun.
    line: Vec<u8>,
    /// The last line told of a fault; its code comes next.
    faulted: bool,
    panicked: bool,
}

const PANIC: &[u8] = b"Kernel panic - not syncing: ";
const FAULT: &[u8] = b"[1]: segfault at ";
const TRAP: &[u8] = b"traps: ";
const OF_INIT: &[u8] = b"[1] ";
/// The longest name of a program that the kernel tells.
const NAME: usize = 15;
const CODE: &[u8] = b"Code: ";

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
        let line = std::mem::take(&mut self.line);
        if self.panicked {
            return Vec::new();
        }
        let told = self.faulted.then(|| before(&line, CODE)).flatten();
        self.faulted = false;
        if let Some(output) = told {
            return output.to_vec();
        }
        if let Some(output) = before(&line, PANIC) {
            self.panicked = true;
            return output.to_vec();
        }
        if let Some(output) = before_fault(&line) {
            self.faulted = true;
            return output.to_vec();
        }
        if let Some(output) = before_trap(&line) {
            return output.to_vec();
        }
        line
    }
}

/// Of any fault but one of memory the kernel tells in a line of its own kind: `traps: NAME[1] WHICH ip:...`.
fn before_trap(line: &[u8]) -> Option<&[u8]> {
    let front = before(line, TRAP)?;
    let told = line.get(front.len()..)?;
    let name = told.get(at(told, TRAP)? + TRAP.len()..)?;
    at(name, OF_INIT).filter(|length| *length <= NAME)?;
    at(name, b" ip:").map(|_| front)
}

/// The kernel begins this line with the name of the program if it does not tell the time.
fn before_fault(line: &[u8]) -> Option<&[u8]> {
    let front = before(line, FAULT)?;
    if line.get(front.len() + 1..)?.starts_with(&FAULT[1..]) {
        let name = front.iter().rev().take(NAME);
        let length = name.take_while(|byte| !byte.is_ascii_whitespace()).count();
        return front.get(..front.len() - length);
    }
    Some(front)
}

/// What stands before the kernel's words, if there are some with `mark` in them: the kernel begins
/// its line, with the time in brackets, where the program left off.
fn before<'a>(line: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let at = at(line, mark)?;
    let front = line.get(..at)?;
    let stamp = front.iter().rposition(|byte| *byte == b'[').unwrap_or(at);
    line.get(..stamp)
}

/// Where `mark` begins in the line.
fn at(line: &[u8], mark: &[u8]) -> Option<usize> {
    line.windows(mark.len()).position(|window| window == mark)
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

    #[test]
    fn a_fault_that_the_program_handles_is_no_output() {
        let mut output = BareOutput::default();
        let told = b"one\n[    0.10] odd[1]: segfault at 10 ip 0000000000400abc sp 00007ffe error 6 in odd[400000+1000]\n[    0.10] Code: 8b <00> c3\n";
        assert_eq!(output.push(told), b"one\n");
        assert_eq!(output.push(b"Code: mine\n"), b"Code: mine\n");
        let without_time =
            b"odd[1]: segfault at 10 ip 0000000000400abc sp 00007ffe error 6\nCode: 8b <00>\n";
        assert_eq!(output.push(without_time), b"");
        assert_eq!(output.push(b"two\n"), b"two\n");
    }

    #[test]
    fn nor_is_any_other_fault_of_its() {
        let mut output = BareOutput::default();
        let told =
            b"part[    0.10] traps: odd[1] trap divide error ip:4001cf sp:7ffc error:0 in odd[1cf,400000+2000]\r\n";
        assert_eq!(output.push(told), b"part");
        let without_time = b"traps: odd[1] general protection fault ip:4001cf sp:7ffc error:0\n";
        assert_eq!(output.push(without_time), b"");
        let own = b"traps: mice and [1] rat\ntraps: odd[12] trap x ip:1\n";
        assert_eq!(output.push(own), own);
    }
}
