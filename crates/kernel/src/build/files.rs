//! Which source files a kernel was compiled from: those of the objects that really are in
//! `vmlinux`, and what these include besides headers.
//!
//! kbuild leaves a file `.NAME.o.cmd` beside each object, with the object's source and every file
//! that the compiler read for it. The objects themselves are the members of `vmlinux.a`; those
//! of the libraries that the linker took; and those of programs that lie in the kernel as bytes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lupine_store::At;
use lupine_tool::Tool;

use super::objects::members;
use crate::KernelError;

/// Objects with another program's bytes in them, and the record of how that was linked.
const EMBEDDED: [(&str, &str); 4] = [
    (
        "arch/x86/entry/vdso/vdso-image-64.o",
        "arch/x86/entry/vdso/.vdso64.so.dbg.cmd",
    ),
    (
        "arch/x86/entry/vdso/vdso-image-32.o",
        "arch/x86/entry/vdso/.vdso32.so.dbg.cmd",
    ),
    (
        "arch/x86/realmode/rmpiggy.o",
        "arch/x86/realmode/rm/.realmode.elf.cmd",
    ),
    (
        "arch/x86/purgatory/kexec-purgatory.o",
        "arch/x86/purgatory/.purgatory.ro.cmd",
    ),
];
/// What unpacks a `bzImage`.
const UNPACKER: [&str; 2] = [
    "arch/x86/boot/.setup.elf.cmd",
    "arch/x86/boot/compressed/.vmlinux.cmd",
];
/// How the kernel was linked: the libraries stand there.
const LINKED: &str = ".vmlinux.o.cmd";
/// Compiled while the kernel is linked, so in no archive.
const LATE: &str = "init/version-timestamp.o";

/// The files, by their paths in the source, sorted. `out` is a build directory in which make has
/// just ended, `bzimage` whether the kernel was also wanted compressed.
///
/// # Errors
/// When `ar` or `nm` cannot read what make left.
pub(super) fn compiled(out: &Path, bzimage: bool) -> Result<BTreeSet<String>, KernelError> {
    let mut objects: BTreeSet<String> = members(out, "vmlinux.a")?.into_iter().collect();
    for library in linked(out, LINKED, ".a") {
        if library != "vmlinux.a" {
            objects.extend(taken(out, &library)?);
        }
    }
    objects.extend(out.join(record_of(LATE)).is_file().then(|| LATE.to_owned()));
    let embedded = EMBEDDED
        .iter()
        .filter(|(object, _)| objects.contains(*object));
    let mut programs: Vec<&str> = embedded.map(|(_, record)| *record).collect();
    programs.extend(UNPACKER.iter().filter(|_| bzimage));
    for program in programs {
        objects.extend(linked(out, program, ".o"));
        for library in linked(out, program, ".a") {
            objects.extend(members(out, &library)?);
        }
    }
    Ok(objects
        .iter()
        .flat_map(|object| sources(out, object))
        .collect())
}

/// The files of a kind that a command named; none where there is no record of one.
fn linked(out: &Path, record: &str, suffix: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(out.join(record)).unwrap_or_default();
    let command = text.lines().next().unwrap_or_default();
    let words = command.split([' ', ';', '\'', '"']);
    words
        .filter(|word| word.ends_with(suffix) && out.join(word).is_file())
        .map(str::to_owned)
        .collect()
}

/// The members of a library that the linker took: those that define a symbol of the kernel.
fn taken(out: &Path, library: &str) -> Result<BTreeSet<String>, KernelError> {
    let path = out.join("System.map");
    let map = fs::read_to_string(&path).at("read", &path)?;
    let symbols: BTreeSet<&str> = map
        .lines()
        .filter_map(|line| line.split(' ').nth(2))
        .collect();
    let nm = Tool::new("nm").args(["-A", "-g", "--defined-only"]);
    let listing = nm
        .args(members(out, library)?)
        .current_dir(out)
        .run()?
        .stdout;
    let listing = String::from_utf8_lossy(&listing);
    let defined = listing.lines().filter_map(|line| {
        let (object, rest) = line.split_once(':')?;
        Some((object, rest.rsplit(' ').next()?))
    });
    Ok(defined
        .filter(|(_, symbol)| symbols.contains(symbol))
        .map(|(object, _)| object.to_owned())
        .collect())
}

/// Where kbuild records how a file was made.
fn record_of(object: &str) -> String {
    match object.rsplit_once('/') {
        Some((dir, name)) => format!("{dir}/.{name}.cmd"),
        None => format!(".{object}.cmd"),
    }
}

/// What an object was compiled from. One without a record has a source of its own name: which
/// of both is not known, so both are named.
fn sources(out: &Path, object: &str) -> Vec<String> {
    let text = fs::read_to_string(out.join(record_of(object))).unwrap_or_default();
    let found = sources_in(&text);
    let stem = object.strip_suffix(".o").unwrap_or(object);
    match found.is_empty() {
        true => vec![format!("{stem}.c"), format!("{stem}.S")],
        false => found,
    }
}

/// Sources in a record: `source_OBJECT := ../FILE`, and below it a file a line.
fn sources_in(text: &str) -> Vec<String> {
    let files = text.lines().filter_map(|line| {
        let file = match line.strip_prefix("source_") {
            Some(rest) => rest.split_once(":= ")?.1,
            None => line.strip_prefix("  ")?.trim_end_matches('\\'),
        };
        let file = file.trim();
        let is_source = [".c", ".S"].iter().any(|kind| file.ends_with(kind));
        (is_source && !file.starts_with('/')).then(|| from_the_top(file))
    });
    files.collect()
}

/// A path below the source's top directory, whichever way the compiler went: the build directory
/// is a child of it, so leading `..` go there.
fn from_the_top(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_its_source_and_the_sources_that_this_includes() {
        let text = "savedcmd_kernel/sched/x.o := gcc -c ../kernel/sched/x.c\n\n\
            source_kernel/sched/x.o := ../kernel/sched/x.c\n\n\
            deps_kernel/sched/x.o := \\\n    $(wildcard include/config/SMP) \\\n  \
            ../include/linux/sched.h \\\n  ../kernel/sched/rt.c \\\n  \
            /usr/lib/gcc/y.c \\\n\nkernel/sched/x.o: $(deps_kernel/sched/x.o)\n";
        assert_eq!(sources_in(text), ["kernel/sched/x.c", "kernel/sched/rt.c"]);
        let made = "source_usr/d.o := usr/d.S\n";
        assert_eq!(sources_in(made), ["usr/d.S"]);
        let around = "source_a/b/v.o := ../a/b/v.c\n  ../a/b/../../lib/./v.c \\\n";
        assert_eq!(sources_in(around), ["a/b/v.c", "lib/v.c"]);
    }

    #[test]
    fn an_object_without_a_record_may_come_from_either_language() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(sources(dir.path(), "lib/a.o"), ["lib/a.c", "lib/a.S"]);
    }

    #[test]
    fn commands_name_what_they_link() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.o", "b.o", "lib.a"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let command = "savedcmd_x := ld -o x a.o lib.a gone.o; sh c 'b.o'\n\nother.o\n";
        fs::write(dir.path().join(".x.cmd"), command).unwrap();
        let objects = linked(dir.path(), ".x.cmd", ".o");
        assert_eq!(objects.into_iter().collect::<Vec<_>>(), ["a.o", "b.o"]);
        assert_eq!(linked(dir.path(), ".x.cmd", ".a").len(), 1);
        assert!(linked(dir.path(), ".none.cmd", ".a").is_empty());
    }
}
