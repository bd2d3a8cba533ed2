//! From a program's files to one object.

use std::fs;
use std::path::{Path, PathBuf};

use lupine_store::At;
use lupine_tool::Tool;

use crate::arguments::assembler;
use crate::imports::HEADER;
use crate::object::{Undefined, size, undefined};
use crate::{Imports, LinkError, Wanted};

/// The linker script of programs.
const SCRIPT: &str = include_str!("program.lds");
/// Where Debian's musl-dev has its library.
const MUSL: &str = "/usr/lib/x86_64-linux-musl";
/// Flags of every source file. Addresses of the kernel's functions do not fit into what code without -fPIE has for them.
const FLAGS: [&str; 5] = ["-O2", "-g", "-fPIE", "-pthread", "-c"];
/// The program's entry; ukl_head.S refers to it.
const ENTRY: &str = "ukl_start";
/// Before the names of weak symbols that are to stay undefined.
const ABSENT: &str = "__ukl_absent_";

/// What is to be linked into a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// C sources, objects and archives.
    pub files: Vec<PathBuf>,
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

/// Links `program` with musl's libc; all files are made in `dir`.
///
/// # Errors
/// What the compiler and the linker say; [`LinkError::Undefined`].
pub fn prepare(program: &Program, imports: &Imports, dir: &Path) -> Result<Object, LinkError> {
    let header = dir.join("ukl.h");
    fs::write(&header, HEADER).at("write", &header)?;
    let mut inputs = Vec::new();
    for (number, file) in program.files.iter().enumerate() {
        inputs.push(object_of(file, dir, number)?);
    }
    inputs.push(arguments(&program.words, dir)?);
    let script = dir.join("program.lds");
    fs::write(&script, SCRIPT).at("write", &script)?;
    let link = Link {
        script,
        libraries: libraries()?,
        inputs,
    };
    let path = dir.join("program.o");
    let taken = link.whole(imports, &path)?;
    Ok(Object {
        bytes: size(&path)?,
        path,
        imports: taken,
    })
}

/// Sources are compiled in `dir`, which has the header; objects and archives are taken as they are.
fn object_of(file: &Path, dir: &Path, number: usize) -> Result<PathBuf, LinkError> {
    match file.extension().and_then(|end| end.to_str()) {
        Some("o" | "a") => Ok(file.into()),
        Some("c") => {
            let to = dir.join(format!("{number}.o"));
            let compiler = Tool::new("musl-gcc").args(FLAGS).arg("-I").arg(dir);
            compiler.arg(file).arg("-o").arg(&to).run()?;
            Ok(to)
        }
        _ => Err(LinkError::Kind { path: file.into() }),
    }
}

fn arguments(words: &[String], dir: &Path) -> Result<PathBuf, LinkError> {
    let (source, object) = (dir.join("arguments.s"), dir.join("arguments.o"));
    fs::write(&source, assembler(words)).at("write", &source)?;
    Tool::new("as").arg(&source).arg("-o").arg(&object).run()?;
    Ok(object)
}

/// The compiler's own libraries: arithmetic, and unwinding for who wants it.
fn libraries() -> Result<Vec<PathBuf>, LinkError> {
    let mut found = vec![Path::new(MUSL).join("libc.a")];
    for name in ["libgcc.a", "libgcc_eh.a"] {
        let ask = Tool::new("gcc").arg(format!("-print-file-name={name}"));
        let said = ask.run()?.stdout;
        found.push(String::from_utf8_lossy(&said).trim().into());
    }
    Ok(found)
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
    script: PathBuf,
    libraries: Vec<PathBuf>,
    inputs: Vec<PathBuf>,
}

impl Link {
    /// Makes `to`; gives what it takes from the kernel.
    fn whole(&self, imports: &Imports, to: &Path) -> Result<Vec<String>, LinkError> {
        self.run(to, &[])?;
        let (taken, open): (Vec<Undefined>, Vec<Undefined>) = undefined(to)?
            .into_iter()
            .partition(|symbol| imports.get(&symbol.name).is_some());
        let (weak, missing): (Vec<Undefined>, Vec<Undefined>) =
            open.into_iter().partition(|symbol| symbol.is_weak);
        if !missing.is_empty() {
            return Err(self.who_wants(&missing, to));
        }
        hide(to, &weak)?;
        Ok(taken.into_iter().map(|symbol| symbol.name).collect())
    }

    fn run(&self, to: &Path, options: &[String]) -> Result<String, LinkError> {
        let musl = |name| Path::new(MUSL).join(name);
        let linker = Tool::new("ld")
            .args(["-r", "-d", "--force-group-allocation", "-T"])
            .arg(&self.script)
            .arg("-o")
            .arg(to)
            .args(options)
            .args([musl("crt1.o"), musl("crti.o")])
            .arg("--start-group")
            .args(&self.inputs)
            .args(&self.libraries)
            .arg("--end-group")
            .arg(musl("crtn.o"));
        // Traces come by stderr.
        let said = linker.run()?.stderr;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    /// The linker traces symbols only by name: so it is asked when there are some.
    fn who_wants(&self, missing: &[Undefined], to: &Path) -> LinkError {
        let traces: Vec<String> = missing
            .iter()
            .map(|symbol| format!("--trace-symbol={}", symbol.name))
            .collect();
        let said = match self.run(to, &traces) {
            Ok(said) => said,
            Err(error) => return error,
        };
        let wanted = |symbol: &Undefined| Wanted {
            symbol: symbol.name.clone(),
            by: referrer(&said, &symbol.name).unwrap_or_else(|| "the linker".into()),
        };
        LinkError::Undefined {
            wanted: missing.iter().map(wanted).collect(),
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
