//! A kernel's source in memory: the files that matter, and the condition of each line.

mod load;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;

use lupine_needs::map::Condition;

use super::functions::{Function, Functions};
use super::kbuild::{Kbuild, joined};
use super::kconfig::Options;
use super::preprocessor::{Lines, Names};
use super::simplify::simplify;
use super::text;

/// Defines what old system calls this machine still wants.
const WANTED: &str = "arch/x86/include/asm/unistd.h";

/// A C file or header.
pub struct File {
    /// Path below the source's top directory.
    pub path: String,
    /// Its text without comments.
    pub text: String,
    /// Where each line begins.
    starts: Vec<usize>,
    lines: OnceCell<Lines>,
    functions: OnceCell<Functions>,
    compiled: OnceCell<Condition>,
}

impl File {
    fn new(path: String, text: String) -> Self {
        let newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            starts: std::iter::once(0).chain(newlines).collect(),
            path,
            text,
            lines: OnceCell::new(),
            functions: OnceCell::new(),
            compiled: OnceCell::new(),
        }
    }

    /// The line, from 1, of an offset.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// `file:line` of an offset.
    pub fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.path, self.line(offset))
    }

    /// Its functions.
    pub fn functions(&self) -> &Functions {
        self.functions.get_or_init(|| Functions::of(&self.text))
    }

    /// The function that an offset lies in.
    pub fn function_at(&self, offset: usize) -> Option<&Function> {
        let mut all = self.functions().all.iter();
        all.find(|function| function.body.contains(&offset))
    }
}

/// All of it.
pub struct Tree {
    /// Options of the Kconfig files.
    pub options: Options,
    files: BTreeMap<String, File>,
    other: BTreeMap<String, String>,
    kbuild: Kbuild,
    /// C files that other C files include: who, and at which offset.
    included: BTreeMap<String, Vec<(String, usize)>>,
    /// Macros `__ARCH_WANT_*`, by name.
    wanted: BTreeMap<String, Condition>,
    /// Macros that are text, by name; without text where two files do not agree.
    texts: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// Reads the source below `root`.
    pub fn read(root: &Path) -> Result<Self, String> {
        let loaded = load::load(root)?;
        let named = |names: &'static [&'static str]| {
            loaded.other.iter().filter_map(move |(path, text)| {
                let name = path.rsplit('/').next()?;
                let matching = names.iter().any(|wanted| name.starts_with(wanted));
                matching.then_some((path.as_str(), text.as_str()))
            })
        };
        let options = Options::of(named(&["Kconfig"]));
        let kbuild = Kbuild::of(named(&["Makefile", "Kbuild"]), &options);
        let files = loaded.files.into_iter();
        let files = files.map(|(path, text)| (path.clone(), File::new(path, text)));
        let mut tree = Self {
            options,
            kbuild,
            files: files.collect(),
            other: loaded.other,
            included: BTreeMap::new(),
            wanted: BTreeMap::new(),
            texts: BTreeMap::new(),
        };
        tree.find_texts();
        tree.find_included();
        tree.find_wanted();
        Ok(tree)
    }

    /// All C files and headers, by path.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }

    /// One of them.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// The text of another file: a table, a Makefile.
    pub fn other(&self, path: &str) -> Result<&str, String> {
        let text = self.other.get(path);
        text.map(String::as_str)
            .ok_or(format!("the source has no {path}"))
    }

    /// The condition under which what stands at an offset is compiled.
    pub fn condition(&self, file: &File, offset: usize) -> Condition {
        let both = [self.compiled(file), self.at_line(file, offset)];
        simplify(&Condition::all(both))
    }

    /// The condition of the `#if`s around an offset.
    pub fn at_line(&self, file: &File, offset: usize) -> Condition {
        let lines = file.lines.get_or_init(|| Lines::of(&file.text, self));
        simplify(&lines.condition(file.line(offset)))
    }

    /// The condition under which a file is compiled; headers always are.
    pub fn compiled(&self, file: &File) -> Condition {
        if file.path.ends_with(".h") {
            return Condition::Always;
        }
        let known = file.compiled.get_or_init(|| {
            let users = self.included.get(&file.path).into_iter().flatten();
            let by_users = users.filter_map(|(user, at)| {
                let user = self.files.get(user)?;
                Some(self.condition(user, *at))
            });
            let own = self.kbuild.condition(&file.path);
            simplify(&Condition::any(by_users.chain([own]).collect::<Vec<_>>()))
        });
        known.clone()
    }

    /// The condition under which Makefiles name a file, whoever else includes it.
    pub fn named(&self, file: &File) -> Condition {
        self.kbuild.condition(&file.path)
    }

    /// The text that an argument is: a literal, or a macro of one.
    pub fn text_of(&self, file: &File, argument: &str) -> Option<String> {
        if let Some(value) = text::literal(argument) {
            return Some(value);
        }
        let is_macro =
            text::is_identifier(argument) && argument.bytes().any(|b| b.is_ascii_uppercase());
        if !is_macro {
            return None;
        }
        let own = text_macros(&file.text).find(|(name, _)| *name == argument);
        own.map(|(_, value)| value)
            .or_else(|| self.texts.get(argument)?.clone())
    }

    fn find_texts(&mut self) {
        let mut texts: BTreeMap<String, Option<String>> = BTreeMap::new();
        // What a C file defines is its own affair: see KBUILD_MODNAME.
        for file in self.files.values().filter(|file| file.path.ends_with(".h")) {
            for (name, value) in text_macros(&file.text) {
                let known = texts
                    .entry(name.into())
                    .or_insert_with(|| Some(value.clone()));
                if known.as_ref() != Some(&value) {
                    *known = None;
                }
            }
        }
        self.texts = texts;
    }

    fn find_included(&mut self) {
        let mut included: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
        for file in self.files.values().filter(|file| file.path.ends_with(".c")) {
            let directory = file.path.rsplit_once('/').map_or("", |(d, _)| d);
            for (at, _) in file.text.match_indices(".c\"\n") {
                let start = file.text[..at].rfind('\n').map_or(0, |n| n + 1);
                let line = file.text[start..at].trim_start_matches(['#', ' ', '\t']);
                let Some(name) = line.strip_prefix("include").map(|l| l.trim()) else {
                    continue;
                };
                let name = name.trim_start_matches('"');
                let user = (file.path.clone(), at);
                included
                    .entry(joined(directory, &format!("{name}.c")))
                    .or_default()
                    .push(user);
            }
        }
        self.included = included;
    }

    fn find_wanted(&mut self) {
        let mut wanted = BTreeMap::new();
        if let Some(file) = self.files.get(WANTED) {
            for (at, _) in file.text.match_indices("define __ARCH_WANT_") {
                let name = text::leading_name(&file.text[at + "define ".len()..]);
                wanted.insert(name.to_owned(), self.at_line(file, at));
            }
        }
        self.wanted = wanted;
    }
}

/// `#define NAME "text"`
fn text_macros(text: &str) -> impl Iterator<Item = (&str, String)> {
    text.match_indices("define ").filter_map(|(at, found)| {
        let rest = text[at + found.len()..].lines().next()?.trim_start();
        let name = text::leading_name(rest);
        let value = text::literal(&rest[name.len()..])?;
        (!name.is_empty()).then_some((name, value))
    })
}

impl Names for Tree {
    fn option(&self, symbol: &str) -> Condition {
        self.options.condition(symbol)
    }

    fn macro_(&self, name: &str) -> Option<Condition> {
        match name {
            "__KERNEL__" | "__x86_64__" | "CONFIG_X86_64" => Some(Condition::Always),
            "__i386__" | "__ASSEMBLY__" | "__ASSEMBLER__" => Some(Condition::Never),
            _ if name.starts_with("__ARCH_WANT_") => {
                Some(self.wanted.get(name).cloned().unwrap_or(Condition::Never))
            }
            _ => None,
        }
    }
}
