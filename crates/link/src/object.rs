//! What an object file leaves undefined, and how much room it takes.

use std::fs;
use std::path::Path;

use lupine_store::At;
use object::read::elf::{ElfFile64, FileHeader, SectionHeader, Sym};
use object::{Endianness, elf};

use crate::LinkError;

/// An undefined symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undefined {
    pub(crate) name: String,
    /// Zero will do.
    pub(crate) is_weak: bool,
}

/// The linker defines it where somebody needs it.
const OF_LINKER: &str = "_GLOBAL_OFFSET_TABLE_";

/// What `path` leaves undefined, sorted by name.
pub(crate) fn undefined(path: &Path) -> Result<Vec<Undefined>, LinkError> {
    let bytes = fs::read(path).at("read", path)?;
    let broken = |error: object::read::Error| broken(path, error);
    let file = ElfFile64::<Endianness>::parse(&*bytes).map_err(broken)?;
    let endian = file.endian();
    let symbols = file.elf_symbol_table();
    let mut found = Vec::new();
    for symbol in symbols.iter() {
        let name = symbol.name(endian, symbols.strings()).map_err(broken)?;
        let name = String::from_utf8_lossy(name).into_owned();
        if symbol.is_undefined(endian) && !name.is_empty() && name != OF_LINKER {
            let is_weak = symbol.st_bind() == elf::STB_WEAK;
            found.push(Undefined { name, is_weak });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Bytes of memory that the sections of `path` take.
pub(crate) fn size(path: &Path) -> Result<u64, LinkError> {
    let bytes = fs::read(path).at("read", path)?;
    let broken = |error: object::read::Error| broken(path, error);
    let file = ElfFile64::<Endianness>::parse(&*bytes).map_err(broken)?;
    let endian = file.endian();
    let sections = file
        .elf_header()
        .sections(endian, &*bytes)
        .map_err(broken)?;
    let allocated = sections
        .iter()
        .filter(|section| section.sh_flags(endian).contains(elf::SHF_ALLOC));
    Ok(allocated.map(|section| section.sh_size(endian)).sum())
}

fn broken(path: &Path, error: object::read::Error) -> LinkError {
    LinkError::Broken {
        path: path.into(),
        why: error.to_string(),
    }
}
