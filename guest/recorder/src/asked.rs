//! What a thread asks of the kernel, read when it enters.

use alloc::vec::Vec;

use lupine_recorder::IA32;
use lupine_recorder::keys::{self, Key, Kind, Text};

use crate::path;
use crate::peer;

/// The greatest number of key arguments of a call.
const KEYS: usize = 3;
const AT_FDCWD: i32 = -100;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
/// Calls that are more to the recorder than records.
pub const CLONE: u32 = 56;
pub const EXECVE: u32 = 59;
pub const EXECVEAT: u32 = 322;
pub const PRCTL: u32 = 157;
pub const CLONE3: u32 = 435;

/// A system call under way.
pub struct Asked {
    /// Its number; above [`IA32`] of the 32-bit interface.
    pub nr: u32,
    /// All its arguments.
    pub args: [u64; 6],
    keys: [u64; KEYS],
    key_count: u8,
    /// Its path, absolute, wherever it lies; or another string.
    pub text: Option<Vec<u8>>,
    /// What kind of string it is.
    pub kind: Text,
    /// The error that it gets instead of an answer.
    pub refused: Option<u16>,
}

impl Asked {
    /// Reads what matters of a call.
    pub fn read(pid: i32, is_64: bool, nr: u64, args: [u64; 6]) -> Self {
        let nr = nr as u32;
        let call = if is_64 { keys::call(nr) } else { None };
        let mut asked = Self {
            nr: if is_64 { nr } else { nr.saturating_add(IA32) },
            args,
            keys: [0; KEYS],
            key_count: 0,
            text: None,
            kind: Text::None,
            refused: None,
        };
        let Some(call) = call else {
            return asked;
        };
        asked.kind = call.text;
        asked.text = asked.read_text(pid);
        for (place, key) in asked.keys.iter_mut().zip(call.keys) {
            let text = asked.text.as_deref();
            *place = read_key(pid, key, &args, text) & u64::from(key.mask);
            asked.key_count += 1;
        }
        asked
    }

    /// The key arguments, in the order of the table.
    pub fn keys(&self) -> &[u64] {
        &self.keys[..self.key_count.into()]
    }

    /// The argument as rules see it: the masked one if it is a key.
    pub fn argument(&self, index: u8) -> u64 {
        let keys = keys::call(self.nr).map_or(&[][..], |call| call.keys);
        let place = keys.iter().position(|key| {
            key.index == index && matches!(key.kind, Kind::Value | Kind::Bits | Kind::BitsAt)
        });
        let arguments = (place.map(|place| self.keys[place]), self.args);
        let raw = arguments.1.get(usize::from(index)).copied();
        arguments.0.or(raw).unwrap_or_default()
    }

    /// Whether the program that is to be run is a script.
    pub fn is_script(&self) -> bool {
        matches!(self.kind, Text::Program { .. }) && self.keys[0] == 1
    }

    /// Whether it is about a file that is not the kernel's, and that no program is.
    pub fn tells_nothing(&self) -> bool {
        matches!(self.kind, Text::Path { .. } | Text::Open { .. })
            && !self.text.as_deref().is_some_and(path::is_of_kernel)
    }

    /// The string of the record.
    pub fn recorded_text(&self) -> Option<Vec<u8>> {
        let text = self.text.as_deref()?;
        match self.kind {
            Text::Path { .. } | Text::Open { .. } => {
                path::is_of_kernel(text).then(|| path::general(text))
            }
            Text::Program { .. } => Some(path::general(text)),
            Text::Mount | Text::FileSystem(_) | Text::None => Some(text.into()),
        }
    }

    fn read_text(&self, pid: i32) -> Option<Vec<u8>> {
        let argument = |index: u8| self.args[usize::from(index)];
        match self.kind {
            Text::None => None,
            Text::Path { dir, at } | Text::Open { dir, at } | Text::Program { dir, at } => {
                let dir = dir.map_or(AT_FDCWD, |dir| argument(dir) as i32);
                let text = peer::string(pid, argument(at))?;
                if text.is_empty() {
                    // The descriptor itself, which its opening has told of.
                    return None;
                }
                let path = path::absolute(pid, dir, &text)?;
                Some(self.through_links(pid, path))
            }
            Text::FileSystem(at) => peer::string(pid, argument(at)),
            Text::Mount => {
                let mut text = peer::string(pid, argument(2)).unwrap_or_default();
                // A space is the separator.
                text.iter_mut()
                    .filter(|byte| **byte == b' ')
                    .for_each(|byte| *byte = b'?');
                let target = peer::string(pid, argument(1)).unwrap_or_default();
                text.push(b' ');
                text.extend(path::absolute(pid, AT_FDCWD, &target).unwrap_or(target));
                Some(text)
            }
        }
    }

    /// What is opened through symbolic links, if that is a file of the kernel.
    fn through_links(&self, pid: i32, path: Vec<u8>) -> Vec<u8> {
        if !matches!(self.kind, Text::Open { .. }) || path::is_of_kernel(&path) {
            return path;
        }
        let real = path::real(pid, &path);
        real.filter(|real| path::is_of_kernel(real)).unwrap_or(path)
    }
}

fn read_key(pid: i32, key: &Key, args: &[u64; 6], text: Option<&[u8]>) -> u64 {
    let argument = args[usize::from(key.index)];
    match key.kind {
        Kind::Value | Kind::Bits => argument,
        Kind::BitsAt => peer::word(pid, argument).unwrap_or_default(),
        Kind::Family => peer::word(pid, argument).unwrap_or_default(),
        Kind::Port => {
            let word = peer::word(pid, argument).unwrap_or_default();
            let internet = matches!(word & 0xffff, AF_INET | AF_INET6);
            if internet {
                u64::from(((word >> 16) as u16).swap_bytes())
            } else {
                0
            }
        }
        Kind::Script => text.is_some_and(|path| path::is_script(pid, path)).into(),
    }
}
