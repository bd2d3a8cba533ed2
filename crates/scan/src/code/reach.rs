//! Which functions and data of all files can be reached from the application.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::sweep::{Code, Kind};
use crate::elf::Elf;

/// What is reached, file by file.
#[derive(Debug)]
pub(crate) struct Reach {
    files: Vec<Seen>,
}

/// One file's share.
#[derive(Debug, Default)]
struct Seen {
    whole: bool,
    /// Starts of functions.
    functions: HashSet<u64>,
    /// Starts of objects.
    objects: HashSet<u64>,
    /// Where objects start.
    bounds: BTreeSet<u64>,
}

/// A file to be followed.
pub(crate) struct Part<'f> {
    pub elf: &'f Elf,
    pub code: &'f Code,
    /// All of it counts, whatever leads into it.
    pub whole: bool,
    /// It is the dynamic linker: it looks names up, its own too, without asking another.
    pub loader: bool,
}

impl Reach {
    /// Whether the code at `address` of file number `file` is reached.
    pub fn code(&self, file: usize, code: &Code, address: u64) -> bool {
        let seen = &self.files[file];
        let start = code.function(address).map(|index| code.starts[index]);
        seen.whole || start.is_some_and(|start| seen.functions.contains(&start))
    }

    /// Whether the data at `address` is referred to by what is reached.
    pub fn data(&self, file: usize, address: u64) -> bool {
        let seen = &self.files[file];
        let start = seen.bounds.range(..=address).next_back();
        seen.whole || start.is_some_and(|start| seen.objects.contains(start))
    }
}

/// Follows calls, jumps, addresses and pointers from all files that are `whole`, from what the
/// loader calls, and from names that are looked up while running.
pub(crate) fn reach(parts: &[Part]) -> Reach {
    let mut walk = Walk::new(parts);
    for (file, part) in parts.iter().enumerate() {
        let roots = part.elf.initial.iter().copied();
        walk.todo.extend(roots.map(|address| (file, address)));
        // A library without a start of its own has 0 there.
        if part.elf.entry != 0 {
            walk.todo.push((file, part.elf.entry));
        }
        if part.whole {
            part.elf.imports.iter().for_each(|name| walk.symbol(name));
        }
    }
    walk.looked_up();
    while let Some((file, address)) = walk.todo.pop() {
        walk.visit(file, address);
    }
    Reach { files: walk.seen }
}

struct Walk<'p, 'f> {
    parts: &'p [Part<'f>],
    /// Who defines a name.
    exports: HashMap<&'f str, Vec<(usize, u64)>>,
    seen: Vec<Seen>,
    todo: Vec<(usize, u64)>,
}

impl<'p, 'f> Walk<'p, 'f> {
    fn new(parts: &'p [Part<'f>]) -> Self {
        let mut exports: HashMap<&str, Vec<(usize, u64)>> = HashMap::new();
        let mut seen = Vec::new();
        for (file, part) in parts.iter().enumerate() {
            for export in &part.elf.exports {
                exports
                    .entry(&export.name)
                    .or_default()
                    .push((file, export.address));
            }
            seen.push(Seen {
                whole: part.whole,
                bounds: bounds(part),
                ..Seen::default()
            });
        }
        Self {
            parts,
            exports,
            seen,
            todo: Vec::new(),
        }
    }

    fn symbol(&mut self, name: &str) {
        let places = self.exports.get(name).into_iter().flatten();
        self.todo.extend(places);
    }

    /// Whoever calls `dlsym` does it with a name that stands in its data.
    fn looked_up(&mut self) {
        for part in self.parts {
            if !part.loader && !part.elf.imports_any(&["dlsym", "dlvsym"]) {
                continue;
            }
            let texts = part
                .elf
                .data
                .iter()
                .flat_map(|region| part.elf.bytes[region.range.clone()].split(|&b| b == 0));
            let names = texts.filter_map(|text| std::str::from_utf8(text).ok());
            let found: Vec<_> = names
                .filter_map(|name| self.exports.get(name))
                .flatten()
                .collect();
            self.todo.extend(found);
        }
    }

    fn visit(&mut self, file: usize, address: u64) {
        let part = &self.parts[file];
        if part.whole {
            return;
        }
        if part.elf.in_code(address) {
            self.function(file, address);
        } else {
            self.object(file, address);
        }
    }

    fn function(&mut self, file: usize, address: u64) {
        let Part { elf, code, .. } = &self.parts[file];
        let Some(index) = code.function(address) else {
            return;
        };
        let (start, end) = (code.starts[index], code.end(index));
        if !self.seen[file].functions.insert(start) {
            return;
        }
        // A start that only a call made up may be the middle of a function: go on behind it.
        let made_up = end != u64::MAX && elf.starts.binary_search(&end).is_err();
        if made_up && code.runs_on(elf, index) {
            self.todo.push((file, end));
        }
        for reference in code.refs_in(start, end) {
            self.todo.push((file, reference.to));
            if matches!(reference.kind, Kind::Through | Kind::Memory)
                && let Some(name) = elf.slots.get(&reference.to)
            {
                self.symbol(name);
            }
        }
    }

    fn object(&mut self, file: usize, address: u64) {
        let elf = self.parts[file].elf;
        let seen = &mut self.seen[file];
        let start = seen.bounds.range(..=address).next_back().copied();
        let Some(start) = start.filter(|start| seen.objects.insert(*start)) else {
            return;
        };
        let end = seen
            .bounds
            .range(start + 1..)
            .next()
            .copied()
            .unwrap_or(u64::MAX);
        let first = elf.pointers.partition_point(|pointer| pointer.0 < start);
        let inside = elf.pointers[first..]
            .iter()
            .take_while(|pointer| pointer.0 < end);
        self.todo.extend(inside.map(|pointer| (file, pointer.1)));
        for name in elf.slots.range(start..end).map(|slot| slot.1) {
            self.symbol(name);
        }
    }
}

/// Where objects in data start: what code takes the address of, what pointers lead to, and what has
/// a name. A table that code reads through its start is one object.
fn bounds(part: &Part) -> BTreeSet<u64> {
    let taken = part.code.refs.iter().filter(|r| r.kind == Kind::Address);
    let taken = taken.map(|reference| reference.to);
    let pointed = part.elf.pointers.iter().map(|pointer| pointer.1);
    let named = part.elf.exports.iter().map(|export| export.address);
    let all = taken.chain(pointed).chain(named);
    if part.whole {
        return BTreeSet::new();
    }
    all.filter(|address| !part.elf.in_code(*address)).collect()
}
