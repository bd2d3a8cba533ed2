//! Which files may run or be loaded: from the start command to interpreters, libraries, plugins.

mod commands;
mod config;
mod libraries;
mod named;
mod runtimes;
mod services;

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::elf::{Elf, is_elf};
use crate::files::Files;
use crate::report::{Member, MemberKind, Reason};
use crate::start::{Limits, Start};

/// Bytes that tell what a file is, and the most that is read of a text.
const HEAD: u64 = 512;
const TEXT: u64 = 1 << 20;

/// A file of the closure with what was read of it.
pub(crate) struct Loaded {
    pub member: Member,
    /// `None` when it is no ELF file that could be read.
    pub elf: Option<Elf>,
    pub text: Option<String>,
    /// It is the dynamic linker of another member.
    pub loader: bool,
    /// Who brought it in, by number.
    parent: Option<usize>,
}

impl Loaded {
    /// Whether it is there only because others link to it.
    pub fn is_library(&self) -> bool {
        matches!(self.member.why, Reason::Needed(_)) || self.loader
    }
}

/// The walk over the files.
pub(crate) struct Closure<'a> {
    files: &'a dyn Files,
    start: &'a Start,
    pub members: Vec<Loaded>,
    pub warnings: Vec<String>,
    /// Something that may run was not read.
    pub unread: bool,
    /// Real paths that were met, with their numbers; `None` for those that were left out.
    known: HashMap<String, Option<usize>>,
    todo: VecDeque<usize>,
    /// Configuration files that were read.
    configs: BTreeSet<String>,
    /// Those that are to be read, when the programs that name them are known.
    later: Vec<String>,
    /// Libraries that were not found, and who needs them.
    missing: Vec<(String, String)>,
    /// Directories that programs name, for so many members; see [`Closure::named_dirs`].
    dirs: (usize, Vec<String>),
    /// Where the loader looks besides what files say; `None` until it is asked.
    system: Option<Vec<String>>,
    bytes: u64,
}

/// Follows a start command.
pub(crate) fn closure<'a>(files: &'a dyn Files, start: &'a Start) -> Closure<'a> {
    let mut closure = Closure {
        files,
        start,
        members: Vec::new(),
        warnings: Vec::new(),
        unread: false,
        known: HashMap::new(),
        todo: VecDeque::new(),
        configs: BTreeSet::new(),
        later: Vec::new(),
        missing: Vec::new(),
        dirs: (0, Vec::new()),
        system: None,
        bytes: 0,
    };
    closure.command();
    closure.rest();
    closure.services();
    closure.rest();
    closure.missing();
    closure
}

impl Closure<'_> {
    fn limits(&self) -> &Limits {
        &self.start.limits
    }

    fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// Says what was not read, though it may run.
    fn unread(&mut self, text: String) {
        self.unread = true;
        self.warn(text);
    }

    /// Takes a file in, unless it is there already. Whether it could be found.
    fn add(&mut self, path: &str, why: Reason, parent: Option<usize>) -> bool {
        let Some(entry) = self.files.resolve(path).filter(crate::Entry::is_file) else {
            return false;
        };
        if self.known.contains_key(&entry.path) {
            return true;
        }
        if self.members.len() >= self.limits().files {
            let limit = self.limits().files;
            self.warn(format!("the closure is cut off at {limit} files"));
            return true;
        }
        let loaded = self.load(&entry.path, why, parent);
        let number = loaded.map(|loaded| {
            self.members.push(loaded);
            self.members.len() - 1
        });
        self.known.insert(entry.path, number);
        self.todo.extend(number);
        true
    }

    fn load(&mut self, path: &str, why: Reason, parent: Option<usize>) -> Option<Loaded> {
        let head = match self.files.read(path, HEAD) {
            Ok(head) => head,
            Err(error) => {
                self.unread(format!("{path} cannot be read: {error}"));
                return None;
            }
        };
        let by_elf = parent.is_some_and(|by| self.members[by].member.kind == MemberKind::Elf);
        let loader = by_elf && matches!(why, Reason::Interpreter(_));
        let doubtful = matches!(why, Reason::Named(_) | Reason::Config(_) | Reason::Word(_));
        let (kind, bytes) = (MemberKind::Other, head.len() as u64);
        let path = path.to_owned();
        let member = Member {
            path,
            kind,
            why,
            bytes,
        };
        let mut loaded = Loaded {
            member,
            elf: None,
            text: None,
            loader,
            parent,
        };
        let path = loaded.member.path.clone();
        if is_elf(&head) {
            self.load_elf(&mut loaded)?;
        } else if head.starts_with(b"#!") || is_shell_text(&path, &head) {
            self.load_script(&mut loaded);
        } else if doubtful {
            // A text that happens to be the name of some file.
            return None;
        } else {
            let text = format!("{path} is neither ELF nor a script with #!: not read");
            self.unread(text);
        }
        Some(loaded)
    }

    fn load_elf(&mut self, loaded: &mut Loaded) -> Option<()> {
        let path = loaded.member.path.clone();
        let content = self.content(&path)?;
        loaded.member.bytes = content.len() as u64;
        match Elf::parse(content) {
            Ok(elf) => {
                loaded.member.kind = MemberKind::Elf;
                for problem in &elf.problems {
                    self.warn(format!("{path}: {problem}"));
                }
                loaded.elf = Some(elf);
            }
            Err(why) => self.unread(format!("{path} was not read: {why}")),
        }
        Some(())
    }

    fn load_script(&mut self, loaded: &mut Loaded) {
        let path = &loaded.member.path;
        let content = self.files.read(path, TEXT).unwrap_or_default();
        if content.len() as u64 == TEXT {
            let text = format!("{path}: only the first MiB of the script was read");
            self.unread(text);
        }
        loaded.member.kind = MemberKind::Script;
        loaded.member.bytes = content.len() as u64;
        loaded.text = Some(String::from_utf8_lossy(&content).into_owned());
    }

    /// The bytes of a program, within the limits.
    fn content(&mut self, path: &str) -> Option<Vec<u8>> {
        let left = self.limits().bytes.saturating_sub(self.bytes);
        let most = self.limits().file_bytes.min(left);
        if most == 0 {
            let limit = self.limits().bytes >> 20;
            self.unread(format!(
                "{path} and what follows was not read: the limit of {limit} MiB"
            ));
            return None;
        }
        match self.files.read(path, most) {
            Ok(content) => {
                self.bytes += content.len() as u64;
                if content.len() as u64 == most {
                    self.unread(format!(
                        "{path}: only its first {} MiB were read",
                        most >> 20
                    ));
                }
                Some(content)
            }
            Err(error) => {
                self.unread(format!("{path} cannot be read: {error}"));
                None
            }
        }
    }

    /// Says which libraries were not found: a name that is loaded already is not looked for again.
    fn missing(&mut self) {
        for (path, name) in std::mem::take(&mut self.missing) {
            let mut loaded = self
                .members
                .iter()
                .map(|loaded| crate::files::base_name(&loaded.member.path));
            if !loaded.any(|loaded| loaded == name) {
                self.warn(format!("{path} needs {name}, which was not found"));
            }
        }
    }

    /// Follows everything that is still to be followed.
    fn rest(&mut self) {
        loop {
            if let Some(number) = self.todo.pop_front() {
                self.visit(number);
            } else if let Some(path) = self.later.pop() {
                self.config(&path, 0);
            } else {
                return;
            }
        }
    }

    fn visit(&mut self, number: usize) {
        let member = &mut self.members[number];
        let path = member.member.path.clone();
        if let Some(elf) = member.elf.take() {
            if let Some(interpreter) = &elf.interpreter
                && !self.add(interpreter, Reason::Interpreter(path.clone()), Some(number))
            {
                self.warn(format!("{path} asks for {interpreter}, which is not there"));
            }
            self.libraries(number, &elf, &path);
            self.named(number, &elf, &path);
            self.members[number].elf = Some(elf);
            self.runtime(number, &path);
        } else if let Some(text) = member.text.take() {
            self.script(number, &text, &path);
            self.members[number].text = Some(text);
        }
    }
}

/// Whether a text without `#!` is meant for a shell, by its name.
fn is_shell_text(path: &str, head: &[u8]) -> bool {
    path.ends_with(".sh") && !head.contains(&0)
}
