//! What an object file leaves undefined, and what is in it.

use std::fs;
use std::path::Path;

use lupine_store::At;
use object::elf::{self, SectionHeader64, Sym64};
use object::read::elf::{ElfFile64, FileHeader, SectionHeader, Sym};
use object::{Endianness, read};

use crate::LinkError;
use crate::gate::CANCEL;
use crate::script::{KNOWN, Other, Part};

/// An undefined symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undefined {
    pub(crate) name: String,
    /// Zero will do.
    pub(crate) is_weak: bool,
}

/// The linker, or the kernel's script, defines these where somebody needs them.
const OF_LINKER: [&str; 5] = [
    "_GLOBAL_OFFSET_TABLE_",
    // Calls of this go with the thread-local storage of a program whose addresses are known.
    "__tls_get_addr",
    "__ehdr_start",
    "__rela_iplt_start",
    "__rela_iplt_end",
];

/// What one has to know of an object file.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// What it leaves undefined, sorted by name.
    pub(crate) undefined: Vec<Undefined>,
    /// Functions that other functions choose when the program starts.
    pub(crate) chosen: Vec<String>,
    /// It has a function that ends other threads' system calls.
    pub(crate) cancels: bool,
    /// Sections of the program that the kernel's script does not know.
    pub(crate) others: Vec<Other>,
    /// Bytes of memory that its sections take.
    pub(crate) bytes: u64,
}

impl Contents {
    pub(crate) fn of(path: &Path) -> Result<Self, LinkError> {
        let bytes = fs::read(path).at("read", path)?;
        Self::parse(&bytes).map_err(|error| LinkError::Broken {
            path: path.into(),
            why: error.to_string(),
        })
    }

    fn parse(bytes: &[u8]) -> read::Result<Self> {
        let file = ElfFile64::<Endianness>::parse(bytes)?;
        let endian = file.endian();
        let mut found = Self::default();
        let symbols = file.elf_symbol_table();
        for symbol in symbols.iter() {
            let name = symbol.name(endian, symbols.strings())?;
            found.take_symbol(String::from_utf8_lossy(name).into_owned(), symbol, endian);
        }
        let sections = file.elf_header().sections(endian, bytes)?;
        for section in sections.iter() {
            let name = sections.section_name(endian, section)?;
            found.take_section(String::from_utf8_lossy(name).into_owned(), section, endian);
        }
        found.undefined.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn take_symbol(&mut self, name: String, symbol: &Sym64<Endianness>, endian: Endianness) {
        self.cancels |= name == CANCEL;
        if symbol.st_type() == elf::STT_GNU_IFUNC {
            self.chosen.push(name);
        } else if symbol.is_undefined(endian)
            && !name.is_empty()
            && !OF_LINKER.contains(&name.as_str())
        {
            let is_weak = symbol.st_bind() == elf::STB_WEAK;
            self.undefined.push(Undefined { name, is_weak });
        }
    }

    fn take_section(
        &mut self,
        name: String,
        section: &SectionHeader64<Endianness>,
        endian: Endianness,
    ) {
        if !section.sh_flags(endian).contains(elf::SHF_ALLOC) {
            return;
        }
        self.bytes += section.sh_size(endian);
        if !name.starts_with(KNOWN) {
            self.others.push(Other {
                name,
                part: part(section, endian),
                align: section.sh_addralign(endian).max(1),
            });
        }
    }
}

fn part(section: &SectionHeader64<Endianness>, endian: Endianness) -> Part {
    let has = |flag| section.sh_flags(endian).contains(flag);
    let is_zero = section.sh_type(endian) == elf::SHT_NOBITS;
    match (has(elf::SHF_TLS), is_zero) {
        (true, true) => Part::Tbss,
        (true, false) => Part::Tdata,
        (false, true) => Part::Bss,
        (false, false) if has(elf::SHF_EXECINSTR) => Part::Text,
        (false, false) if has(elf::SHF_WRITE) => Part::Data,
        (false, false) => Part::Rodata,
    }
}
