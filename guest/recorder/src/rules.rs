//! What is to be refused.

use alloc::string::String;
use alloc::vec::Vec;

use lupine_recorder::keys::Text;
use lupine_recorder::{Feature, Rule, escape};

use crate::asked::Asked;
use crate::output::Output;
use crate::path;
use crate::task::Comm;
use crate::text::{decimal, push_decimal};

const SOCKET: u32 = 41;
const SOCKETPAIR: u32 = 53;
const SETSOCKOPT: u32 = 54;
const GETSOCKOPT: u32 = 55;
const AF_NETLINK: u32 = 16;

struct Counted {
    rule: Rule,
    /// As it was given.
    text: String,
    hits: u64,
}

/// The rules and their hits.
#[derive(Default)]
pub struct Rules {
    list: Vec<Counted>,
    /// Whether any of them is about paths.
    paths: bool,
}

impl Rules {
    /// Adds a rule; `false` if it is none.
    pub fn add(&mut self, text: &str) -> bool {
        // Names are the host's business.
        let Some(rule) = Rule::parse_with(text, |_| None, |_| None) else {
            return false;
        };
        self.paths = self.paths || matches!(rule.feature, Feature::Path(_));
        self.list.push(Counted {
            rule,
            text: text.into(),
            hits: 0,
        });
        true
    }

    /// Whether a rule is about this call by its number.
    pub fn name(&self, nr: u32) -> bool {
        self.list.iter().any(|counted| match counted.rule.feature {
            Feature::Syscall(of) | Feature::Case { nr: of, .. } | Feature::Flag { nr: of, .. } => {
                of == nr
            }
            _ => false,
        })
    }

    /// The error that the first fitting rule wants; its first hit is told.
    pub fn refuse(&mut self, asked: &Asked, who: (Comm, i32), output: &mut Output) -> Option<u16> {
        if self.list.is_empty() {
            return None;
        }
        let names = if self.paths {
            names(asked, who.1)
        } else {
            Vec::new()
        };
        let fits = |counted: &&mut Counted| fits(&counted.rule.feature, asked, &names);
        let counted = self.list.iter_mut().find(fits)?;
        counted.hits += 1;
        if counted.hits == 1 {
            let (mut comm, mut pid) = (Vec::new(), Vec::new());
            escape(who.0.bytes(), &mut comm);
            push_decimal(who.1 as u64, &mut pid);
            output.line(&[b"hit", counted.text.as_bytes(), &comm, &pid]);
        }
        Some(counted.rule.errno)
    }

    /// Tells how often each rule refused.
    pub fn report(&self, output: &mut Output) {
        for counted in &self.list {
            let hits = decimal(counted.hits);
            output.line(&[b"hits", counted.text.as_bytes(), &hits]);
        }
    }
}

/// The path of a call as it was given and, where symbolic links lead
/// elsewhere, as it is.
fn names(asked: &Asked, pid: i32) -> Vec<Vec<u8>> {
    let text = match (asked.kind, &asked.text) {
        (Text::Path { .. } | Text::Open { .. } | Text::Program { .. }, Some(text)) => text,
        _ => return Vec::new(),
    };
    let given = path::general(text);
    let real = path::real(pid, text).map(|real| path::general(&real));
    let mut names = Vec::from([given]);
    names.extend(real.filter(|real| *real != names[0]));
    names
}

fn fits(feature: &Feature, asked: &Asked, names: &[Vec<u8>]) -> bool {
    let is_socket = matches!(asked.nr, SOCKET | SOCKETPAIR);
    let is_option = matches!(asked.nr, SETSOCKOPT | GETSOCKOPT);
    let small = |index| asked.argument(index) as u32;
    match feature {
        Feature::Syscall(nr) => asked.nr == *nr,
        Feature::Case { nr, index, number } => {
            asked.nr == *nr && is_equal(asked.argument(*index), *number)
        }
        Feature::Flag { nr, index, bits } => {
            asked.nr == *nr && asked.argument(*index) & bits == *bits
        }
        Feature::Family(family) => is_socket && small(0) == *family,
        Feature::Protocol(family, kind, protocol) => {
            is_socket && [small(0), small(1), small(2)] == [*family, *kind, *protocol]
        }
        Feature::Netlink(protocol) => is_socket && [small(0), small(2)] == [AF_NETLINK, *protocol],
        Feature::SockOpt(level, name) => is_option && [small(1), small(2)] == [*level, *name],
        Feature::FileSystem(name) => file_system(asked) == Some(name.as_bytes()),
        Feature::Path(pattern) => {
            let pattern = path::general(pattern.as_bytes());
            names.iter().any(|name| path::matches(&pattern, name))
        }
        Feature::Script => asked.is_script(),
    }
}

/// Most arguments are 32 bits wide, and what is above them is chance.
fn is_equal(argument: u64, number: u64) -> bool {
    argument == number || (u32::try_from(number) == Ok(argument as u32))
}

fn file_system(asked: &Asked) -> Option<&[u8]> {
    let text = asked.text.as_deref()?;
    match asked.kind {
        Text::Mount => text.split(|byte| *byte == b' ').next(),
        Text::FileSystem(_) => Some(text),
        _ => None,
    }
}
