//! Lines of a kernel about what it lacks (docs/why.md), as records.

use alloc::string::String;
use alloc::vec::Vec;

use crate::keys::{self, Kind, Text};
use crate::path::general;
use crate::record::Record;

/// All arguments of a call; a recorder's lines have only the key arguments.
const ARGUMENTS: usize = 6;

/// Reads one line, with or without its line feed, that a kernel wrote: what a
/// recorder would have recorded of the call, so that [`crate::features`] works on it.
/// Key arguments that lie where a pointer points are zero; `mount` comes without its mount point.
///
/// `None` for anything else, such as the line `full`: a guest's root can write anything.
pub fn refusal(line: &str) -> Option<Record> {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let mut record = Record::parse(&line.split('\t').collect::<Vec<_>>())?;
    if record.args.len() != ARGUMENTS || record.errno == 0 {
        return None;
    }
    let call = keys::call(record.nr);
    let keys = call.map_or(&[][..], |call| call.keys).iter();
    record.args = keys.map(|key| key_argument(key, &record.args)).collect();
    record.string = record
        .string
        .map(|string| match call.map(|call| call.text) {
            Some(Text::Path { .. } | Text::Open { .. } | Text::Program { .. }) => {
                String::from_utf8_lossy(&general(string.as_bytes())).into_owned()
            }
            // The space would end the name.
            Some(Text::Mount) => string.replace(' ', "?"),
            Some(Text::FileSystem(_) | Text::None) | None => string,
        });
    Some(record)
}

fn key_argument(key: &keys::Key, arguments: &[u64]) -> u64 {
    match key.kind {
        Kind::Value | Kind::Bits | Kind::Script => {
            let argument = arguments.get(usize::from(key.index));
            argument.map_or(0, |argument| argument & u64::from(key.mask))
        }
        Kind::BitsAt | Kind::Family | Kind::Port => 0,
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;
    use crate::{Line, escape, features, parse};

    #[test]
    fn lines_tell_features() {
        let cases: [(&str, &[&str]); 8] = [
            (
                "41\ta,80001,0,0,0,0\t97\t-\tcurl\t9\n",
                &["syscall:socket", "family:10", "protocol:10:1:0"],
            ),
            ("213\t0,0,0,0,0,0\t38\t-\ta\t1", &["syscall:epoll_create"]),
            (
                "55\t0,1,3b,0,0,0\t92\t-\ta\t1",
                &["syscall:getsockopt", "sockopt:1:59"],
            ),
            (
                "257\t0,0,0,0,0,0\t2\t/proc/17/io\ta\t1",
                &["syscall:openat", "path:/proc/*/io"],
            ),
            (
                "165\t0,0,0,0,0,0\t19\ta b\ta\t1",
                &["syscall:mount", "fs:a?b"],
            ),
            (
                "272\t10000000,0,0,0,0,0\t22\t-\ta\t1",
                &["syscall:unshare", "flag:unshare:0:0x10000000"],
            ),
            (
                "59\t1,0,0,0,0,0\t8\t/bin/x\ta\t1",
                &["syscall:execve", "binfmt:script", "path:/bin/x"],
            ),
            ("1073741825\t0,0,0,0,0,0\t38\t-\ta\t1", &[]),
        ];
        for (line, expected) in cases {
            assert_eq!(features(&refusal(line).unwrap()), expected, "{line}");
        }
    }

    #[test]
    fn what_no_kernel_writes_is_no_refusal() {
        for line in [
            "",
            "full",
            "41\ta,1,0\t97\t-\ta\t1",
            "41\ta,1,0,0,0,0\t0\t-\ta\t1",
            "41\ta,1,0,0,0,0\t97\t\\x4\ta\t1",
            "41\ta,1,0,0,0,0,0\t97\t-\ta\t1",
            "41\ta,1,0,0,0,0\t97\t-\ta",
        ] {
            assert_eq!(refusal(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(line: String) {
            let _ = refusal(&line);
        }

        /// A recorder's line for the record is read back as the same record.
        #[test]
        fn a_refusal_is_a_record(nr in 0_u32..470, args: [u32; 6], errno in 1_u16..134, string in "[a-z/*]{1,40}", comm in ".{1,15}") {
            let mut name = Vec::new();
            escape(comm.as_bytes(), &mut name);
            let name = String::from_utf8(name).unwrap();
            let words = |args: &[u64]| match args {
                [] => "-".to_string(),
                args => args.iter().map(|arg| format!("{arg:x}")).collect::<Vec<_>>().join(","),
            };
            let line = |args: &[u64], string: &str| format!("{nr}\t{}\t{errno}\t{string}\t{name}\t7", words(args));
            let record = refusal(&line(&args.map(u64::from), &string)).unwrap();
            let recorded = line(&record.args, record.string.as_deref().unwrap());
            prop_assert_eq!(parse(recorded.as_bytes()), Ok(Line::Record(record.clone())));
            prop_assert_eq!(record.comm, comm);
        }
    }
}
