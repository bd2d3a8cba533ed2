//! Which arguments of which system calls select what the kernel must have.

use crate::code::{as_address, is_number};

/// What one argument, or several, mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// `case:NAME:ARGUMENT:NUMBER`, after the mask.
    Case(u32, u32),
    /// `flag:NAME:ARGUMENT:BIT`, one for each bit that is set, of those in the mask.
    Flag(u32, u32),
    /// `family:N` and `protocol:F:T:P`.
    Socket,
    /// `sockopt:LEVEL:NAME`.
    Option,
    /// `fs:NAME`, the text that the argument points at.
    FileSystem(u32),
}

const ALL: u32 = u32::MAX;

/// By system call.
const RULES: &[(&str, &[Rule])] = &[
    ("socket", &[Rule::Socket]),
    ("socketpair", &[Rule::Socket]),
    ("setsockopt", &[Rule::Option]),
    ("getsockopt", &[Rule::Option]),
    ("fcntl", &[Rule::Case(1, ALL)]),
    ("prctl", &[Rule::Case(0, ALL)]),
    ("arch_prctl", &[Rule::Case(0, ALL)]),
    ("madvise", &[Rule::Case(2, ALL)]),
    ("ioctl", &[Rule::Case(1, ALL)]),
    // Without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME.
    ("futex", &[Rule::Case(1, 0x7f)]),
    ("clock_gettime", &[Rule::Case(0, ALL)]),
    ("clock_nanosleep", &[Rule::Case(0, ALL)]),
    ("timer_create", &[Rule::Case(0, ALL)]),
    ("timerfd_create", &[Rule::Case(0, ALL)]),
    ("setitimer", &[Rule::Case(0, ALL)]),
    ("seccomp", &[Rule::Case(0, ALL)]),
    ("bpf", &[Rule::Case(0, ALL)]),
    ("keyctl", &[Rule::Case(0, ALL)]),
    ("ptrace", &[Rule::Case(0, ALL)]),
    ("membarrier", &[Rule::Case(0, ALL)]),
    ("reboot", &[Rule::Case(2, ALL)]),
    ("fallocate", &[Rule::Case(1, ALL)]),
    // The low byte is the signal that the child ends with.
    ("clone", &[Rule::Flag(0, !0xff)]),
    ("unshare", &[Rule::Flag(0, ALL)]),
    ("setns", &[Rule::Flag(1, ALL)]),
    ("mmap", &[Rule::Flag(3, ALL)]),
    ("memfd_create", &[Rule::Flag(1, ALL)]),
    ("epoll_create1", &[Rule::Flag(0, ALL)]),
    ("eventfd2", &[Rule::Flag(1, ALL)]),
    ("mount", &[Rule::FileSystem(2), Rule::Flag(3, ALL)]),
    ("fsopen", &[Rule::FileSystem(0)]),
];

/// Functions of the C library that pass their arguments on as they are, under another name.
const SAME: [(&str, &str); 10] = [
    ("fcntl64", "fcntl"),
    ("__fcntl", "fcntl"),
    ("__fcntl64", "fcntl"),
    ("mmap64", "mmap"),
    ("__mmap", "mmap"),
    ("__socket", "socket"),
    ("__clock_gettime", "clock_gettime"),
    ("eventfd", "eventfd2"),
    ("fallocate64", "fallocate"),
    ("__madvise", "madvise"),
];

/// What the arguments of a system call mean.
pub(super) fn of(syscall: &str) -> &'static [Rule] {
    let row = RULES.iter().find(|row| row.0 == syscall);
    row.map_or(&[], |row| row.1)
}

/// The system call that a function of the C library makes with its own arguments, when those mean
/// anything.
pub(super) fn same_arguments(function: &str) -> Option<&'static str> {
    // Its arguments come in another order.
    if function == "clone" {
        return None;
    }
    let other = SAME.iter().find(|row| row.0 == function).map(|row| row.1);
    let own = RULES.iter().map(|row| row.0).find(|name| *name == function);
    other.or(own)
}

impl Rule {
    /// The arguments that it looks at.
    pub fn arguments(self) -> &'static [usize] {
        const ONE: [&[usize]; 6] = [&[0], &[1], &[2], &[3], &[4], &[5]];
        match self {
            Self::Case(n, _) | Self::Flag(n, _) | Self::FileSystem(n) => {
                ONE.get(n as usize).copied().unwrap_or_default()
            }
            Self::Socket => &[0, 1, 2],
            Self::Option => &[1, 2],
        }
    }

    /// The features that the values of those arguments mean; `text` reads a text at an address.
    pub fn features(
        self,
        syscall: &str,
        values: &[Option<u64>],
        text: impl Fn(u64) -> Option<String>,
    ) -> Vec<String> {
        let low = |index: usize| low(values, index);
        let features = match self {
            Self::Case(n, mask) => {
                let value = low(0).map(|value| value & mask);
                [
                    value.map(|value| format!("case:{syscall}:{n}:{value}")),
                    None,
                ]
            }
            Self::Flag(n, mask) => return flags(syscall, n, low(0).unwrap_or(0) & mask),
            Self::Socket => {
                let family = low(0).filter(|family| *family < 64);
                let protocol = family.zip(low(1)).zip(low(2));
                // Above SOCK_TYPE_MASK are SOCK_CLOEXEC and SOCK_NONBLOCK.
                let protocol = protocol.map(|((f, t), p)| format!("protocol:{f}:{}:{p}", t & 15));
                [family.map(|family| format!("family:{family}")), protocol]
            }
            Self::Option => {
                let both = low(0).zip(low(1));
                [
                    both.map(|(level, name)| format!("sockopt:{level}:{name}")),
                    None,
                ]
            }
            Self::FileSystem(_) => {
                let address = values.first().copied().flatten().and_then(as_address);
                let name = address.and_then(text).filter(|name| is_name(name));
                [name.map(|name| format!("fs:{name}")), None]
            }
        };
        features.into_iter().flatten().collect()
    }
}

/// The number at `index`: the kernel looks at the lower half of all of these but the addresses.
fn low(values: &[Option<u64>], index: usize) -> Option<u32> {
    let value = values.get(index).copied().flatten();
    let value = value.filter(|value| is_number(*value));
    value.map(|value| (value & 0xffff_ffff) as u32)
}

/// One feature for each bit.
fn flags(syscall: &str, argument: u32, bits: u32) -> Vec<String> {
    let set = (0..32).map(|bit| bits & 1 << bit).filter(|bit| *bit != 0);
    set.map(|bit| format!("flag:{syscall}:{argument}:{bit:#x}"))
        .collect()
}

/// Whether a text may be the name of a file system: `ext4`, `fuse.portal`.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    !text.is_empty() && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_features() {
        let none = |_| None;
        let socket = [Some(2), Some(0o2_000_001), Some(6)];
        assert_eq!(
            Rule::Socket.features("socket", &socket, none),
            ["family:2", "protocol:2:1:6"]
        );
        assert_eq!(
            Rule::Socket.features("socket", &[Some(1), None, None], none),
            ["family:1"]
        );
        let flags = Rule::Flag(0, !0xff).features("clone", &[Some(0x2000_0111)], none);
        assert_eq!(flags, ["flag:clone:0:0x100", "flag:clone:0:0x20000000"]);
        let name = Rule::FileSystem(2).features("mount", &[Some(5)], |_| Some("tmpfs".into()));
        assert_eq!(name, ["fs:tmpfs"]);
        let none = Rule::FileSystem(2).features("mount", &[Some(5)], |_| Some(String::new()));
        assert!(none.is_empty());
    }

    #[test]
    fn every_rule_has_texts_that_the_map_and_the_recorder_read() {
        let mut kinds = std::collections::BTreeSet::new();
        for (syscall, rules) in RULES {
            for rule in *rules {
                let values = [Some(0x1001), Some(2), Some(6)];
                for text in rule.features(syscall, &values, |_| Some("fuse.x".into())) {
                    let mapped: lupine_needs::map::Feature = text.parse().unwrap();
                    let recorded: lupine_recorder::Feature = text.parse().unwrap();
                    assert_eq!(
                        (mapped.to_string(), recorded.to_string()),
                        (text.clone(), text.clone())
                    );
                    kinds.insert(text.split(':').next().map(str::to_owned));
                }
            }
        }
        let socket = Rule::Socket.features("socket", &[Some(2), Some(1), Some(6)], |_| None);
        assert!(
            socket
                .iter()
                .all(|text| text.parse::<lupine_needs::map::Feature>().is_ok())
        );
        assert_eq!(kinds.len(), 4, "{kinds:?}");
    }
}
