//! From a program's files to one object.

use std::fs;
use std::path::{Path, PathBuf};

use lupine_store::At;
use lupine_tool::Tool;

use crate::arguments::assembler;
use crate::imports::HEADER;
use crate::object::{Contents, Undefined};
use crate::script::{Other, script};
use crate::{Imports, Libc, LinkError, Wanted, gate};

/// Flags of every source file. Addresses of the kernel's functions do not fit into what code without -fPIE has for them.
const FLAGS: [&str; 5] = ["-O2", "-g", "-fPIE", "-pthread", "-c"];
/// The program's entry; ukl_head.S refers to it.
const ENTRY: &str = "ukl_start";
/// By these one knows code that was compiled for glibc: Rust's standard library, for one.
const OF_GLIBC: [&str; 4] = [
    "gnu_get_libc_version",
    "__res_init",
    "_dl_find_object",
    "__libc_start_main",
];
const FOR_GLIBC: &str = "the files were compiled for glibc: link them with --libc glibc";
const FOR_ALL: &str = "define it, or add the library that does; what a program may take from the kernel stands in kernel/ukl/imports.toml";
/// Before the names of weak symbols that are to stay undefined.
const ABSENT: &str = "__ukl_absent_";

/// What is to be linked into a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Sources, objects and archives.
    pub files: Vec<PathBuf>,
    /// Flags of the compiler besides its own.
    pub flags: Vec<String>,
    /// The C library.
    pub libc: Libc,
    /// Whether the C library calls the gate where it has a function for a system call.
    pub gate: bool,
    /// Its name and its arguments.
    pub words: Vec<String>,
}

/// A whole program in one relocatable file: of its own names only its entry can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The file.
    pub path: PathBuf,
    /// Bytes that it takes in memory.
    pub bytes: u64,
    /// What it takes from the kernel.
    pub imports: Vec<String>,
}

/// Links `program` with its libc; all files are made in `dir`.
///
/// # Errors
/// What the compiler and the linker say; [`LinkError::Undefined`].
pub fn prepare(program: &Program, imports: &Imports, dir: &Path) -> Result<Object, LinkError> {
    let header = dir.join("ukl.h");
    fs::write(&header, HEADER).at("write", &header)?;
    let mut inputs = Vec::new();
    for (number, file) in program.files.iter().enumerate() {
        inputs.push(object_of(program, file, dir, number)?);
    }
    inputs.push(arguments(&program.words, dir)?);
    let mut libraries = program.libc.archives(program.is_plusplus())?;
    if program.gate {
        let source = gate::source(program.libc, dir)?;
        inputs.push(object_of(program, &source, dir, inputs.len())?);
        libraries[0] = gate::yielding(&libraries[0], dir)?;
    }
    let link = Link {
        libc: program.libc,
        gate: program.gate,
        script: dir.join("program.lds"),
        libraries,
        inputs,
    };
    let path = dir.join("program.o");
    let taken = link.whole(imports, &path)?;
    Ok(Object {
        bytes: Contents::of(&path)?.bytes,
        path,
        imports: taken,
    })
}

impl Program {
    /// Whether there is a source, or an object, that wants the library of C++.
    fn is_plusplus(&self) -> bool {
        let is = |file: &PathBuf| file.extension().is_some_and(|end| end != "c");
        self.libc == Libc::Glibc && self.files.iter().any(is)
    }
}

/// Sources are compiled in `dir`, which has the header; objects and archives are taken as they are.
fn object_of(
    program: &Program,
    file: &Path,
    dir: &Path,
    number: usize,
) -> Result<PathBuf, LinkError> {
    if file.extension().is_some_and(|end| end == "o" || end == "a") {
        return Ok(file.into());
    }
    let to = dir.join(format!("{number}.o"));
    let compiler = program.libc.compiler(file)?.args(FLAGS);
    let compiler = compiler.arg("-I").arg(dir).args(&program.flags);
    compiler.arg(file).arg("-o").arg(&to).run()?;
    Ok(to)
}

fn arguments(words: &[String], dir: &Path) -> Result<PathBuf, LinkError> {
    let (source, object) = (dir.join("arguments.s"), dir.join("arguments.o"));
    fs::write(&source, assembler(words)).at("write", &source)?;
    Tool::new("as").arg(&source).arg("-o").arg(&object).run()?;
    Ok(object)
}

/// All but the entry become local names, so that none can clash with the kernel's. A weak symbol that
/// nobody defines gets a name that nobody has, or it would become the kernel's namesake.
fn hide(path: &Path, weak: &[Undefined]) -> Result<(), LinkError> {
    let renamed = weak.iter().map(|symbol| {
        let name = &symbol.name;
        format!("--redefine-sym={name}={ABSENT}{name}")
    });
    let objcopy = Tool::new("objcopy")
        .arg(format!("--redefine-sym=_start={ENTRY}"))
        .arg(format!("--keep-global-symbol={ENTRY}"));
    objcopy.args(renamed).arg(path).run()?;
    Ok(())
}

/// What is linked to one object.
struct Link {
    libc: Libc,
    gate: bool,
    script: PathBuf,
    libraries: Vec<PathBuf>,
    inputs: Vec<PathBuf>,
}

impl Link {
    /// Makes `to`; gives what it takes from the kernel.
    fn whole(&self, imports: &Imports, to: &Path) -> Result<Vec<String>, LinkError> {
        self.run(to, &[], &[])?;
        let others = Contents::of(to)?.others;
        if !others.is_empty() {
            self.run(to, &others, &[])?;
        }
        let contents = Contents::of(to)?;
        self.check(&contents)?;
        let (taken, open): (Vec<Undefined>, Vec<Undefined>) = contents
            .undefined
            .into_iter()
            .partition(|symbol| imports.get(&symbol.name).is_some());
        let (weak, missing): (Vec<Undefined>, Vec<Undefined>) =
            open.into_iter().partition(|symbol| symbol.is_weak);
        if !missing.is_empty() {
            return Err(self.who_wants(&missing, &others, to));
        }
        hide(to, &weak)?;
        Ok(taken.into_iter().map(|symbol| symbol.name).collect())
    }

    /// What would be linked and go wrong.
    fn check(&self, contents: &Contents) -> Result<(), LinkError> {
        if self.gate && contents.cancels {
            return Err(LinkError::Gate {
                why: "the program cancels threads, and a call through the gate does not end for that",
            });
        }
        match contents.chosen.first() {
            // They would be called at an address that nobody wrote.
            Some(name) if !self.libc.has_chosen_functions() => {
                Err(LinkError::Chosen { name: name.clone() })
            }
            _ => Ok(()),
        }
    }

    fn run(&self, to: &Path, others: &[Other], options: &[String]) -> Result<String, LinkError> {
        fs::write(&self.script, script(self.libc, others)).at("write", &self.script)?;
        let linker = Tool::new("ld")
            .args(["-r", "-d", "--force-group-allocation", "-T"])
            .arg(&self.script)
            .arg("-o")
            .arg(to)
            .args(options)
            .args(self.libc.first())
            .arg("--start-group")
            .args(&self.inputs)
            .args(&self.libraries)
            .arg("--end-group")
            .arg(self.libc.last());
        // Traces come by stderr.
        let said = linker.run()?.stderr;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    /// The linker traces symbols only by name: so it is asked when there are some.
    fn who_wants(&self, missing: &[Undefined], others: &[Other], to: &Path) -> LinkError {
        let traces: Vec<String> = missing
            .iter()
            .map(|symbol| format!("--trace-symbol={}", symbol.name))
            .collect();
        let said = match self.run(to, others, &traces) {
            Ok(said) => said,
            Err(error) => return error,
        };
        let wanted = |symbol: &Undefined| Wanted {
            symbol: symbol.name.clone(),
            by: referrer(&said, &symbol.name).unwrap_or_else(|| "the linker".into()),
        };
        LinkError::Undefined {
            wanted: missing.iter().map(wanted).collect(),
            hint: self.hint(missing),
        }
    }

    /// Where the missing is likely to be found.
    fn hint(&self, missing: &[Undefined]) -> &'static str {
        let is_of_glibc = |symbol: &Undefined| OF_GLIBC.contains(&symbol.name.as_str());
        match missing.iter().any(is_of_glibc) {
            true if self.libc == Libc::Musl => FOR_GLIBC,
            _ => FOR_ALL,
        }
    }
}

/// `DIR/ARCHIVE(MEMBER): reference to SYMBOL`, without the directories.
fn referrer(said: &str, symbol: &str) -> Option<String> {
    let end = format!(": reference to {symbol}");
    let place = said.lines().find_map(|line| line.strip_suffix(&end))?;
    let place = place.rsplit_once(": ").map_or(place, |(_, place)| place);
    Some(place.rsplit('/').next().unwrap_or(place).to_owned())
}

#[cfg(test)]
mod tests;
