//! What `execve` would meet: scripts, their interpreters, and at last an ELF file.

use std::fs::File;

use object::elf::{
    DT_NEEDED, DT_NULL, DT_STRSZ, DT_STRTAB, ET_DYN, FileHeader64, PT_DYNAMIC, PT_INTERP, PT_LOAD,
};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::read::{ReadCache, StringTable};
use object::{Endianness, ReadRef};

type Header = FileHeader64<Endianness>;

use crate::{Kind, Tree};

/// PATH of a process that was given none.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Most interpreters of interpreters that the kernel follows.
const SCRIPTS: usize = 5;
/// How much of a script's first line the kernel reads, in bytes.
const LINE: u64 = 256;

/// A command as the kernel would see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The command that was asked for.
    pub argv: Vec<String>,
    /// The files that `execve` would go through, first the one that `argv[0]` means.
    pub chain: Vec<Link>,
    /// Why the chain does not end in an ELF file that runs here; `None` when it does.
    pub problem: Option<String>,
}

/// One file on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// A script with a `#!` line.
    Script {
        /// Its absolute path in the tree, symlinks resolved.
        path: String,
        /// What its first line names.
        interpreter: String,
    },
    /// An x86-64 ELF file.
    Elf {
        /// Its absolute path in the tree, symlinks resolved.
        path: String,
        /// The dynamic loader that it asks for.
        interpreter: Option<String>,
        /// The shared libraries that it names itself.
        needed: Vec<String>,
        /// Whether it runs without a dynamic loader.
        is_static: bool,
    },
}

/// Finds out what running `argv` in `tree` would start. `env` holds `KEY=VALUE`
/// entries, of which PATH counts; `cwd` is the working directory, empty for `/`.
pub fn program(tree: &Tree, argv: &[String], env: &[String], cwd: &str) -> Program {
    let mut chain = Vec::new();
    let problem = follow(tree, argv, env, cwd, &mut chain).err();
    Program {
        argv: argv.to_vec(),
        chain,
        problem,
    }
}

fn follow(
    tree: &Tree,
    argv: &[String],
    env: &[String],
    cwd: &str,
    chain: &mut Vec<Link>,
) -> Result<(), String> {
    let name = argv.first().ok_or("no command was given")?;
    let mut path = find(tree, name, env, cwd)?;
    for _ in 0..=SCRIPTS {
        let head = tree.read(&path, LINE).map_err(|e| e.to_string())?;
        if head.starts_with(b"\x7fELF") {
            chain.push(elf(tree, &path)?);
            return Ok(());
        }
        let interpreter = shebang(&head)
            .ok_or_else(|| format!("{} is neither ELF nor a script with #!", show(&path)))?;
        chain.push(Link::Script {
            path: show(&path),
            interpreter: interpreter.clone(),
        });
        path = executable(tree, &absolute(&interpreter, cwd))?;
    }
    Err(format!("{name} goes through more than {SCRIPTS} scripts"))
}

/// The file that the shell would run for `name`.
fn find(tree: &Tree, name: &str, env: &[String], cwd: &str) -> Result<Vec<u8>, String> {
    if name.is_empty() {
        return Err("the command's name is empty".into());
    }
    if name.contains('/') {
        return executable(tree, &absolute(name, cwd));
    }
    let path = env.iter().rev().find_map(|e| e.strip_prefix("PATH="));
    let path = path.unwrap_or(DEFAULT_PATH);
    let mut candidates = path.split(':').map(|dir| {
        let dir = if dir.is_empty() { "." } else { dir };
        executable(tree, &absolute(&format!("{dir}/{name}"), cwd))
    });
    candidates
        .find_map(Result::ok)
        .ok_or_else(|| format!("{name} is not on PATH ({path}) in the image"))
}

fn absolute(path: &str, cwd: &str) -> String {
    if path.starts_with('/') {
        return path.into();
    }
    format!("{cwd}/{path}")
}

/// The real path of an executable regular file.
fn executable(tree: &Tree, path: &str) -> Result<Vec<u8>, String> {
    let (real, node) = tree
        .resolve(path)
        .ok_or_else(|| format!("{path} does not exist in the image"))?;
    match node.kind {
        Kind::File { .. } if node.mode & 0o111 != 0 => Ok(real),
        Kind::File { .. } => Err(format!("{path} is not executable")),
        _ => Err(format!("{path} is no regular file")),
    }
}

fn show(path: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(path))
}

/// The interpreter of a `#!` line.
fn shebang(head: &[u8]) -> Option<String> {
    let rest = head.strip_prefix(b"#!")?;
    let line = rest.split(|&b| b == b'\n').next()?;
    let mut words = line
        .split(|b| b" \t\r".contains(b))
        .filter(|word| !word.is_empty());
    words
        .next()
        .map(|word| String::from_utf8_lossy(word).into_owned())
}

fn elf(tree: &Tree, path: &[u8]) -> Result<Link, String> {
    let bad = |why: String| format!("{} is no ELF file that runs here: {why}", show(path));
    let content = tree.get(path).and_then(|node| tree.content(node));
    let content = content.ok_or_else(|| bad("it has no content".into()))?;
    let file = File::open(&content).map_err(|e| bad(e.to_string()))?;
    let cache = ReadCache::new(file);
    facts(&cache, show(path)).map_err(|e| bad(e.to_string()))
}

/// Reads the program headers and the dynamic section.
fn facts<'a>(data: impl ReadRef<'a>, path: String) -> object::read::Result<Link> {
    let header = Header::parse(data)?;
    let endian = header.endian()?;
    let mut interpreter = None;
    let mut needed = Vec::new();
    let mut dynamic = false;
    for segment in header.program_headers(endian, data)? {
        match segment.p_type(endian) {
            PT_INTERP => interpreter = segment.interpreter(endian, data)?.map(text),
            PT_DYNAMIC => {
                dynamic = true;
                needed = libraries(header, endian, data)?;
            }
            _ => {}
        }
    }
    let shared = header.e_type(endian) == ET_DYN && dynamic && !needed.is_empty();
    Ok(Link::Elf {
        path,
        is_static: interpreter.is_none() && !shared,
        interpreter,
        needed,
    })
}

/// The DT_NEEDED names. Found through the program headers, as the loader does:
/// section headers may be stripped.
fn libraries<'a>(
    header: &Header,
    endian: Endianness,
    data: impl ReadRef<'a>,
) -> object::read::Result<Vec<String>> {
    let segments = header.program_headers(endian, data)?;
    let mut dynamics = Vec::new();
    for segment in segments {
        if let Some(entries) = segment.dynamic(endian, data)? {
            let live = entries.iter().take_while(|d| d.d_tag(endian) != DT_NULL);
            dynamics.extend(live.map(|d| (d.d_tag(endian), d.d_val(endian))));
        }
    }
    let value = |tag| dynamics.iter().find(|(t, _)| *t == tag).map(|(_, v)| *v);
    let offset = value(DT_STRTAB).and_then(|address| {
        segments
            .iter()
            .filter(|s| s.p_type(endian) == PT_LOAD)
            .find_map(|s| {
                let within = address.checked_sub(s.p_vaddr(endian))?;
                (within < s.p_filesz(endian)).then(|| s.p_offset(endian).checked_add(within))?
            })
    });
    let Some(offset) = offset else {
        return Ok(Vec::new());
    };
    let length = value(DT_STRSZ).unwrap_or(0);
    let strings = StringTable::new(data, offset, offset.saturating_add(length));
    let names = dynamics
        .iter()
        .filter(|(tag, _)| *tag == DT_NEEDED)
        .filter_map(|(_, at)| strings.get(u32::try_from(*at).ok()?).ok());
    Ok(names.map(text).collect())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shebang_lines() {
        assert_eq!(shebang(b"#!/bin/sh\n").unwrap(), "/bin/sh");
        assert_eq!(
            shebang(b"#! /usr/bin/env  -S node\n").unwrap(),
            "/usr/bin/env"
        );
        assert_eq!(shebang(b"#!\nx"), None);
        assert_eq!(shebang(b"echo"), None);
    }

    #[test]
    fn our_own_binary_is_dynamic_and_needs_libc() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let Link::Elf {
            interpreter,
            needed,
            is_static,
            ..
        } = facts(&bytes[..], "/x".into()).unwrap()
        else {
            panic!("no elf");
        };
        assert!(interpreter.unwrap().contains("ld-linux"));
        assert!(needed.contains(&"libc.so.6".into()), "{needed:?}");
        assert!(!is_static);
    }

    proptest::proptest! {
        #[test]
        fn damaged_elf_never_panics(cut in 0usize..4096, at in 0usize..4096, byte: u8) {
            let mut bytes = std::fs::read("/bin/true").unwrap();
            let at = at % bytes.len();
            bytes[at] = byte;
            let cut = if cut < 2048 { cut } else { bytes.len() };
            let _ = facts(&bytes[..cut], "/x".into());
        }
    }
}
