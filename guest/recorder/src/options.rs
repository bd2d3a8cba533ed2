//! The command line: `recorder OPTIONS -- PROGRAM ARGUMENTS`.

use alloc::vec::Vec;

use crate::rules::Rules;
use crate::sys;
use crate::text::number;
use crate::user::User;
use crate::words::Words;

/// What a person sees who calls it wrongly.
const USAGE: &[u8] = b"usage: recorder [--output FD] [--report FD] [--refuse RULE]... [--rules FD|FILE] [--user UID:GID[:GROUP,...]] [--all] [--every] -- PROGRAM [ARGUMENT]...";
/// Records go to stderr where nobody says otherwise.
const STDERR: i32 = 2;

/// What the command line says.
pub struct Options {
    /// Descriptor for the records.
    pub output: i32,
    /// Descriptor that hears once whether the program runs.
    pub report: Option<i32>,
    pub rules: Rules,
    /// Go on until the last process ends.
    pub all: bool,
    /// Stop at every call, and record also those that every kernel has.
    pub every: bool,
    /// Whom the program runs as, if not as ourselves.
    pub user: Option<User>,
    /// Program and arguments.
    pub program: Words,
}

impl Options {
    /// Reads the command line, or says what is wrong with it.
    pub fn read(mut words: Words) -> Option<Self> {
        words.next();
        let mut options = Self {
            output: STDERR,
            report: None,
            rules: Rules::default(),
            all: false,
            every: false,
            user: None,
            program: words,
        };
        while let Some(word) = words.next() {
            if word == b"--" {
                options.program = words;
                if words.next().is_some() {
                    return Some(options);
                }
                break;
            }
            if !options.take(word, &mut words) {
                break;
            }
        }
        sys::say(&[USAGE]);
        None
    }

    /// Takes one option and its value; `false` if it is none.
    fn take(&mut self, word: &[u8], words: &mut Words) -> bool {
        match word {
            b"--all" => self.all = true,
            b"--every" => self.every = true,
            b"--user" => {
                self.user = words.next().and_then(User::read);
                return self.user.is_some();
            }
            b"--output" => {
                let fd = descriptor(words.next());
                self.output = fd.unwrap_or(STDERR);
                return fd.is_some();
            }
            b"--report" => {
                self.report = descriptor(words.next());
                return self.report.is_some();
            }
            b"--refuse" => return words.next().is_some_and(|rule| add(&mut self.rules, rule)),
            b"--rules" => {
                return words
                    .next()
                    .is_some_and(|from| add_all(&mut self.rules, from));
            }
            _ => return false,
        }
        true
    }
}

fn descriptor(word: Option<&[u8]>) -> Option<i32> {
    number(word?).and_then(|fd| i32::try_from(fd).ok())
}

fn add(rules: &mut Rules, rule: &[u8]) -> bool {
    let text = core::str::from_utf8(rule).unwrap_or_default();
    let added = rules.add(text);
    if !added {
        sys::say(&[b"not a rule: ", rule]);
    }
    added
}

/// Rules from a file or a descriptor, one a line.
fn add_all(rules: &mut Rules, from: &[u8]) -> bool {
    let mut path = from.to_vec();
    path.push(0);
    let fd = match descriptor(Some(from)) {
        Some(fd) => Ok(fd),
        None => sys::open(&path, 0),
    };
    let Some(text) = fd.ok().and_then(read_all) else {
        sys::say(&[b"cannot read the rules"]);
        return false;
    };
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.all(|line| line.is_empty() || add(rules, line))
}

fn read_all(fd: i32) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match sys::read(fd, &mut buffer) {
            Ok(0) => break,
            Ok(count) => text.extend_from_slice(&buffer[..count]),
            Err(sys::EINTR) => {}
            Err(_) => return None,
        }
    }
    sys::close(fd);
    Some(text)
}
