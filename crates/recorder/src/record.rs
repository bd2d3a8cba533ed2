//! One thing that a traced program asked of the kernel, and the answer.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::escape::unescape;
use crate::feature::Feature;
use crate::keys::{self, Kind, Text};
use crate::names::syscall_name;

const SOCKET: u32 = 41;
const BIND: u32 = 49;
const SOCKETPAIR: u32 = 53;
const SETSOCKOPT: u32 = 54;
const GETSOCKOPT: u32 = 55;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
const AF_NETLINK: u32 = 16;

/// A system call with its key arguments, recorded once for each answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Number; above [`crate::IA32`] one of the 32-bit interface.
    pub nr: u32,
    /// Name, where the number is known.
    pub name: Option<&'static str>,
    /// Key arguments, those that `keys::call(nr)` lists.
    pub args: Vec<u64>,
    /// Zero: it succeeded at least once. Otherwise the error.
    pub errno: u16,
    /// Path, file system or program.
    pub string: Option<String>,
    /// Name of the first process that did it.
    pub comm: String,
    /// Its number.
    pub pid: u32,
}

impl Record {
    /// Reads the six fields of a record.
    pub(crate) fn parse(fields: &[&str]) -> Option<Self> {
        let [nr, args, errno, string, comm, pid] = fields else {
            return None;
        };
        let args = match *args {
            "-" => Vec::new(),
            args => args.split(',').map(hexadecimal).collect::<Option<_>>()?,
        };
        let nr = nr.parse().ok()?;
        Some(Self {
            nr,
            name: syscall_name(nr),
            args,
            errno: errno.parse().ok()?,
            string: unescape(string)?,
            comm: unescape(comm)?.unwrap_or_default(),
            pid: pid.parse().ok()?,
        })
    }

    /// The features that this call uses, the call itself first.
    pub fn features(&self) -> Vec<Feature> {
        // Numbers of the other interface mean other calls.
        if self.nr >= crate::IA32 {
            return Vec::new();
        }
        let mut features = Vec::from([Feature::Syscall(self.nr)]);
        match (self.nr, self.small_args().as_slice()) {
            (SOCKET | SOCKETPAIR, &[family, kind, protocol]) => {
                features.push(Feature::Family(family));
                if family == AF_NETLINK {
                    features.push(Feature::Netlink(protocol));
                } else {
                    features.push(Feature::Protocol(family, kind, protocol));
                }
            }
            (SETSOCKOPT | GETSOCKOPT, &[level, name]) => {
                features.push(Feature::SockOpt(level, name));
            }
            _ => self.argument_features(&mut features),
        }
        self.string_features(&mut features);
        features
    }

    fn small_args(&self) -> Vec<u32> {
        let args = self.args.iter();
        args.map(|arg| u32::try_from(*arg).unwrap_or(u32::MAX))
            .collect()
    }

    fn argument_features(&self, features: &mut Vec<Feature>) {
        let keys = keys::call(self.nr).map_or(&[][..], |call| call.keys);
        for (key, &number) in keys.iter().zip(&self.args) {
            let (nr, index) = (self.nr, key.index);
            match key.kind {
                Kind::Value => features.push(Feature::Case { nr, index, number }),
                Kind::Bits | Kind::BitsAt => {
                    let set = (0..64).map(|bit| 1 << bit).filter(|bit| number & bit != 0);
                    features.extend(set.map(|bits| Feature::Flag { nr, index, bits }));
                }
                Kind::Family if number != 0 => features.push(Feature::Family(number as u32)),
                Kind::Script if number == 1 => features.push(Feature::Script),
                Kind::Family | Kind::Script | Kind::Port => {}
            }
        }
    }

    fn string_features(&self, features: &mut Vec<Feature>) {
        let Some(string) = &self.string else {
            return;
        };
        match keys::call(self.nr).map_or(Text::None, |call| call.text) {
            Text::None => {}
            Text::FileSystem(_) => features.extend(Feature::file_system(string)),
            Text::Mount => {
                let (name, target) = string.split_once(' ').unwrap_or((string, ""));
                features.extend(Feature::file_system(name));
                features.extend(Feature::path(target));
            }
            Text::Path { .. } | Text::Open { .. } | Text::Program { .. } => {
                features.extend(Feature::path(string));
            }
        }
    }
}

/// The texts of [`Record::features`].
pub fn features(record: &Record) -> Vec<String> {
    record.features().iter().map(ToString::to_string).collect()
}

/// The internet family (2 or 10) and the port that a successful `bind` took, for
/// TCP or UDP. `None` for any other record, and where the kernel chose the port.
pub fn listening(record: &Record) -> Option<(u32, u16)> {
    let (BIND, 0, &[family, port]) = (record.nr, record.errno, record.args.as_slice()) else {
        return None;
    };
    let port = u16::try_from(port).ok().filter(|port| *port != 0)?;
    matches!(family, AF_INET | AF_INET6).then_some((family as u32, port))
}

fn hexadecimal(text: &str) -> Option<u64> {
    if text.starts_with('+') {
        return None;
    }
    u64::from_str_radix(text, 16).ok()
}
