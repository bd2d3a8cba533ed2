//! What section headers add: which bytes of the segments are code, and local functions.

use object::Endianness;
use object::elf::{
    FileHeader64, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS, SHT_PROGBITS, SHT_SYMTAB,
    SectionHeader64,
};
use object::read::elf::{FileHeader, SectionHeader};

use super::{Elf, Export, Region, clamp, dynamic};

/// Symbol type of a function and of one that is chosen at start-up.
const FUNCTIONS: [u8; 2] = [2, 10];

impl Elf {
    pub(super) fn read_sections(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.read_section_table(&bytes);
        self.bytes = bytes;
    }

    fn read_section_table(&mut self, bytes: &[u8]) -> Option<()> {
        let header = FileHeader64::<Endianness>::parse(bytes).ok()?;
        let endian = header.endian().ok()?;
        let sections = header.section_headers(endian, bytes).ok()?;
        let names = header
            .section_strings(endian, bytes, sections)
            .unwrap_or_default();
        for section in sections {
            let flags = section.sh_flags(endian).0;
            let kind = section.sh_type(endian);
            let region = region(section, endian, bytes.len());
            if kind == SHT_SYMTAB {
                let names = sections.get(section.sh_link(endian) as usize);
                let names =
                    names.map_or(0..0, |names| self::region(names, endian, bytes.len()).range);
                self.read_symbols(&bytes[region.range], &bytes[names]);
            } else if kind != SHT_NOBITS && flags & SHF_EXECINSTR.0 != 0 {
                self.code.push(region);
            } else if kind == SHT_PROGBITS && flags & SHF_ALLOC.0 != 0 {
                let name = section.name(endian, names).unwrap_or_default();
                self.go |= name == b".gopclntab" || name == b".go.buildinfo";
                // Unwind tables hold no strings; writable data may hold default paths.
                let constant = flags & SHF_WRITE.0 == 0 || name == b".data";
                if constant && !name.starts_with(b".eh_frame") {
                    self.data.push(region);
                }
            }
        }
        // Sections that lie about where they are: the segments know better.
        self.code.retain(|region| !region.range.is_empty());
        if self.code.iter().any(|region| !self.holds(region.address)) {
            self.code.clear();
            self.data.clear();
        }
        Some(())
    }

    fn read_symbols(&mut self, table: &[u8], names: &[u8]) {
        let symbols = (0..table.len())
            .step_by(24)
            .map_while(|at| dynamic::symbol(table, at, names));
        let functions = symbols.filter(|s| FUNCTIONS.contains(&s.kind) && s.section != 0);
        self.local.extend(functions.map(|symbol| Export {
            name: symbol.name,
            address: symbol.address,
        }));
    }
}

fn region(section: &SectionHeader64<Endianness>, endian: Endianness, limit: usize) -> Region {
    Region {
        address: section.sh_addr(endian),
        range: clamp(section.sh_offset(endian), section.sh_size(endian), limit),
    }
}
