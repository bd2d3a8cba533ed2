//! Paths of files that the kernel makes, in the form of records.

use alloc::vec::Vec;

/// Whether a path lies where the kernel makes the files: below /proc, /sys or /dev.
pub fn is_of_kernel(path: &[u8]) -> bool {
    let roots: [&[u8]; 3] = [b"/proc", b"/sys", b"/dev"];
    roots.iter().any(|root| is_below(path, root))
}

fn is_below(path: &[u8], root: &[u8]) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}

/// Writes `*` for what differs between processes: /proc/123, /proc/self,
/// /proc/*/task/124, /proc/*/fd/3.
pub fn general(path: &[u8]) -> Vec<u8> {
    if !is_below(path, b"/proc") {
        return path.into();
    }
    let mut result = Vec::with_capacity(path.len());
    let (mut of_process, mut before): (bool, &[u8]) = (false, b"");
    for (depth, part) in (0..).zip(path.split(|byte| *byte == b'/')) {
        if depth > 0 {
            result.push(b'/');
        }
        let is_number = !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        let is_self = matches!(part, b"self" | b"thread-self");
        let numbered = matches!(before, b"task" | b"fd" | b"fdinfo");
        if depth == 2 && (is_number || is_self) {
            of_process = true;
            result.push(b'*');
        } else if of_process && is_number && numbered {
            result.push(b'*');
        } else {
            result.extend_from_slice(part);
        }
        before = part;
    }
    result
}
