//! Features as text: what a program asks of the kernel, in the kernel's own numbers.

use std::fmt;
use std::str::FromStr;

/// Something that a program can ask of a kernel. Arguments are counted from 0, up to 5. Bits of
/// flags are written in hexadecimal, all other numbers in decimal; both are read everywhere.
///
/// The recorder has the same texts for what it can see and refuse (`lupine_recorder::Feature`), by
/// numbers of system calls, because names do not fit into it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// `syscall:NAME`
    Syscall(String),
    /// `case:SYSCALL:ARGUMENT:NUMBER`: an argument has exactly this value.
    Case {
        /// The system call.
        syscall: String,
        /// Which argument.
        argument: u8,
        /// Its value.
        number: u64,
    },
    /// `flag:SYSCALL:ARGUMENT:BITS`: an argument has all of these bits.
    Flag {
        /// The system call.
        syscall: String,
        /// Which argument.
        argument: u8,
        /// The bits.
        bits: u64,
    },
    /// `family:NUMBER`: sockets of an address family.
    Family(u32),
    /// `protocol:FAMILY:TYPE:PROTOCOL`: a protocol of a family.
    Protocol {
        /// Address family.
        family: u32,
        /// Type of socket, without flags.
        kind: u32,
        /// Number of the protocol; in the map, 0 is any other.
        protocol: u32,
    },
    /// `netlink:NUMBER`: a protocol of the netlink family.
    Netlink(u32),
    /// `sockopt:LEVEL:NUMBER`: a socket option.
    SocketOption {
        /// Level, for example 6 for TCP.
        level: u32,
        /// Number of the option.
        option: u32,
    },
    /// `fs:NAME`: a type of file system.
    FileSystem(String),
    /// `path:/...`: a file that the kernel makes. `*` stands for one or more characters
    /// within a component.
    Path(String),
    /// `binfmt:NAME`: a format of programs.
    BinaryFormat(String),
}

/// Text that is no feature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{text:?} is no feature of a kernel")]
#[diagnostic(help(
    "write for example syscall:epoll_wait, family:1, case:fcntl:1:6 or path:/proc/meminfo"
))]
pub struct FeatureError {
    /// The text.
    pub text: String,
}

impl FromStr for Feature {
    type Err = FeatureError;

    fn from_str(text: &str) -> Result<Self, FeatureError> {
        let wrong = || FeatureError { text: text.into() };
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        let feature = match kind {
            "path" => absolute(rest).map(Self::Path),
            "fs" => line(rest).map(Self::FileSystem),
            _ => Self::of_fields(kind, &rest.split(':').collect::<Vec<_>>()),
        };
        feature.ok_or_else(wrong)
    }
}

impl Feature {
    fn of_fields(kind: &str, fields: &[&str]) -> Option<Self> {
        Some(match (kind, fields) {
            ("syscall", [name]) => Self::Syscall(word(name)?),
            ("binfmt", [name]) => Self::BinaryFormat(word(name)?),
            ("family", [number]) => Self::Family(small(number)?),
            ("netlink", [number]) => Self::Netlink(small(number)?),
            ("sockopt", [level, option]) => Self::SocketOption {
                level: small(level)?,
                option: small(option)?,
            },
            ("protocol", [family, kind, protocol]) => Self::Protocol {
                family: small(family)?,
                kind: small(kind)?,
                protocol: small(protocol)?,
            },
            ("case", [syscall, argument, value]) => Self::Case {
                syscall: word(syscall)?,
                argument: index(argument)?,
                number: number(value)?,
            },
            ("flag", [syscall, argument, value]) => Self::Flag {
                syscall: word(syscall)?,
                argument: index(argument)?,
                bits: number(value).filter(|bits| *bits != 0)?,
            },
            _ => return None,
        })
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syscall(name) => write!(f, "syscall:{name}"),
            Self::Case {
                syscall,
                argument,
                number,
            } => write!(f, "case:{syscall}:{argument}:{number}"),
            Self::Flag {
                syscall,
                argument,
                bits,
            } => write!(f, "flag:{syscall}:{argument}:{bits:#x}"),
            Self::Family(number) => write!(f, "family:{number}"),
            Self::Protocol {
                family,
                kind,
                protocol,
            } => write!(f, "protocol:{family}:{kind}:{protocol}"),
            Self::Netlink(number) => write!(f, "netlink:{number}"),
            Self::SocketOption { level, option } => write!(f, "sockopt:{level}:{option}"),
            Self::FileSystem(name) => write!(f, "fs:{name}"),
            Self::Path(path) => write!(f, "path:{path}"),
            Self::BinaryFormat(name) => write!(f, "binfmt:{name}"),
        }
    }
}

fn word(text: &str) -> Option<String> {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    (!text.is_empty() && text.bytes().all(is_part)).then(|| text.into())
}

/// What may stand in a line of text.
fn line(text: &str) -> Option<String> {
    let plain = !text.is_empty() && !text.bytes().any(|b| b.is_ascii_control());
    plain.then(|| text.into())
}

fn absolute(path: &str) -> Option<String> {
    path.starts_with('/').then(|| line(path))?
}

fn index(text: &str) -> Option<u8> {
    let index = number(text).filter(|index| *index < 6)?;
    index.try_into().ok()
}

fn small(text: &str) -> Option<u32> {
    number(text)?.try_into().ok()
}

/// A decimal number, or a hexadecimal one after `0x`; without a sign.
fn number(text: &str) -> Option<u64> {
    let (digits, base) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let signed = digits.starts_with('+');
    u64::from_str_radix(digits, base).ok().filter(|_| !signed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn features_are_written_as_they_are_read() {
        for text in [
            "syscall:epoll_wait",
            "case:fcntl:1:1024",
            "flag:clone:0:0x40000000",
            "family:1",
            "protocol:2:1:6",
            "netlink:0",
            "sockopt:6:9",
            "fs:tmpfs",
            "path:/proc/*/smaps",
            "binfmt:script",
        ] {
            assert_eq!(text.parse::<Feature>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_feature_is_refused() {
        for text in [
            "",
            "syscall",
            "syscall:",
            "syscall:a b",
            "syscall:a:b",
            "family:x",
            "family:-1",
            "case:fcntl:1",
            "case:fcntl:6:1",
            "flag:mmap:3:0",
            "family:+1",
            "family:0x+1",
            "fs:",
            "path:/a\nb",
            "path:proc",
            "color:red",
        ] {
            assert!(text.parse::<Feature>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(case|flag|family|path|fs|sockopt):[a-z0-9:/x*]{0,20}") {
            if let Ok(feature) = text.parse::<Feature>() {
                prop_assert_eq!(feature.to_string().parse::<Feature>(), Ok(feature));
            }
        }
    }
}
