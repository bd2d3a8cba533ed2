//! A thing that an application asks of a kernel, and its text.

use alloc::string::{String, ToString};
use core::fmt;

/// What a record shows or a rule refuses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Feature {
    /// `syscall:NR`: the system call, whatever its arguments.
    Syscall(u32),
    /// `case:NR:ARGINDEX:NUMBER`: with this value of an argument.
    Case {
        /// System call.
        nr: u32,
        /// Which argument, from zero.
        index: u8,
        /// Its value.
        number: u64,
    },
    /// `flag:NR:ARGINDEX:BITS`: with all of these bits set in an argument. Written in hexadecimal.
    Flag {
        /// System call.
        nr: u32,
        /// Which argument, from zero.
        index: u8,
        /// The bits.
        bits: u64,
    },
    /// `family:N`: sockets of an address family.
    Family(u32),
    /// `protocol:FAMILY:TYPE:PROTOCOL`: sockets of a protocol.
    Protocol(u32, u32, u32),
    /// `netlink:N`: netlink sockets of a protocol.
    Netlink(u32),
    /// `sockopt:LEVEL:NAME`: a socket option.
    SockOpt(u32, u32),
    /// `fs:NAME`: mounting a file system.
    FileSystem(String),
    /// `path:/PATH`: a file, and what lies below it; `*` stands for one component.
    Path(String),
    /// `binfmt:script`: running a file that begins with `#!`.
    Script,
}

/// Finds the number of a system call by name.
pub type Lookup = fn(&str) -> Option<u32>;

impl Feature {
    /// Reads a feature whose system calls are numbers or names that `lookup` knows.
    pub fn parse_with(text: &str, lookup: Lookup) -> Option<Self> {
        let (kind, rest) = split(text, b':')?;
        match kind {
            "fs" => return Self::file_system(rest),
            "path" => return Self::path(rest),
            "binfmt" if rest == "script" => return Some(Self::Script),
            _ => {}
        }
        let mut rest = Some(rest);
        let mut word = || {
            let text = rest.take()?;
            let (word, after) = split(text, b':').map_or((text, None), |(a, b)| (a, Some(b)));
            rest = after;
            Some(word)
        };
        let call = |word: Option<&str>| number(word?).map_or_else(|| lookup(word?), u32_of);
        let feature = match kind {
            "syscall" => Self::Syscall(call(word())?),
            "case" => Self::Case {
                nr: call(word())?,
                index: index(word()?)?,
                number: number(word()?)?,
            },
            "flag" => Self::Flag {
                nr: call(word())?,
                index: index(word()?)?,
                bits: number(word()?).filter(|bits| *bits != 0)?,
            },
            "family" => Self::Family(small(word()?)?),
            "protocol" => Self::Protocol(small(word()?)?, small(word()?)?, small(word()?)?),
            "netlink" => Self::Netlink(small(word()?)?),
            "sockopt" => Self::SockOpt(small(word()?)?, small(word()?)?),
            _ => return None,
        };
        rest.is_none().then_some(feature)
    }

    /// A file system of this name, which may stand in a line of text.
    pub(crate) fn file_system(name: &str) -> Option<Self> {
        string(name).map(Self::FileSystem)
    }

    /// A path, if it is an absolute one that may stand in a line of text.
    pub(crate) fn path(path: &str) -> Option<Self> {
        let absolute = path.starts_with('/').then_some(path)?;
        string(absolute).map(Self::Path)
    }

    /// The text, with `name` for the names of system calls.
    pub(crate) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: fn(u32) -> Option<&'static str>,
    ) -> fmt::Result {
        let call = |nr: u32| name(nr).map_or_else(|| nr.to_string(), Into::into);
        match self {
            Self::Syscall(nr) => write!(f, "syscall:{}", call(*nr)),
            Self::Case { nr, index, number } => write!(f, "case:{}:{index}:{number}", call(*nr)),
            Self::Flag { nr, index, bits } => write!(f, "flag:{}:{index}:{bits:#x}", call(*nr)),
            Self::Family(family) => write!(f, "family:{family}"),
            Self::Protocol(family, kind, protocol) => {
                write!(f, "protocol:{family}:{kind}:{protocol}")
            }
            Self::Netlink(protocol) => write!(f, "netlink:{protocol}"),
            Self::SockOpt(level, name) => write!(f, "sockopt:{level}:{name}"),
            Self::FileSystem(name) => write!(f, "fs:{name}"),
            Self::Path(path) => write!(f, "path:{path}"),
            Self::Script => f.write_str("binfmt:script"),
        }
    }
}

/// Strings end up in lines of text.
fn string(text: &str) -> Option<String> {
    let plain = !text.is_empty() && !text.bytes().any(|byte| byte.is_ascii_control());
    plain.then(|| text.into())
}

/// The text before and after the first such byte, which is ASCII. Smaller
/// than `split_once`, which matters to the recorder.
fn split(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|one| one == byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// A number, decimal or, after `0x`, hexadecimal.
pub(crate) fn number(text: &str) -> Option<u64> {
    let (digits, base) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    if digits.is_empty() {
        return None;
    }
    digits.bytes().try_fold(0_u64, |number, byte| {
        let digit = char::from(byte).to_digit(base)?;
        number.checked_mul(base.into())?.checked_add(digit.into())
    })
}

fn u32_of(number: u64) -> Option<u32> {
    u32::try_from(number).ok()
}

fn small(text: &str) -> Option<u32> {
    number(text).and_then(u32_of)
}

fn index(text: &str) -> Option<u8> {
    let index = number(text).filter(|index| *index < 6)?;
    u8::try_from(index).ok()
}
