//! The dynamic section: libraries, symbols, relocations.

use object::elf::{
    DT_FINI, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, DT_GNU_HASH, DT_HASH, DT_INIT, DT_INIT_ARRAY,
    DT_INIT_ARRAYSZ, DT_JMPREL, DT_NEEDED, DT_PLTRELSZ, DT_RELA, DT_RELASZ, DT_RELR, DT_RELRSZ,
    DT_RPATH, DT_RUNPATH, DT_STRTAB, DT_SYMTAB,
};

use super::{Elf, Export, Region, c_text, u32_at, u64_at};

/// Bytes of one symbol and of one relocation.
const SYMBOL: usize = 24;
/// Most symbols of one table; a number beyond it is damage.
const SYMBOLS: usize = 1 << 20;

// Kinds of relocations, from the psABI: they are plain numbers in a field of our own reading.
const R_64: u32 = 1;
const R_GLOB_DAT: u32 = 6;
const R_JUMP_SLOT: u32 = 7;
const R_RELATIVE: u32 = 8;
const R_IRELATIVE: u32 = 37;

/// Entries of the dynamic section.
struct Dynamic(Vec<(u64, u64)>);

impl Dynamic {
    fn get<T: Into<i64>>(&self, tag: T) -> Option<u64> {
        let tag = tag.into().cast_unsigned();
        self.0
            .iter()
            .find(|entry| entry.0 == tag)
            .map(|entry| entry.1)
    }

    fn size<T: Into<i64>>(&self, tag: T) -> usize {
        usize::try_from(self.get(tag).unwrap_or(0)).unwrap_or(0)
    }
}

/// A symbol of a table.
pub(super) struct Symbol {
    pub name: String,
    pub kind: u8,
    pub section: u16,
    pub address: u64,
}

/// Reads the symbol at `at` of a table.
pub(super) fn symbol(table: &[u8], at: usize, names: &[u8]) -> Option<Symbol> {
    let row = table.get(at..at.checked_add(SYMBOL)?)?;
    Some(Symbol {
        name: c_text(names, u32_at(row, 0) as usize),
        kind: row[4] & 15,
        section: u16::from_le_bytes([row[6], row[7]]),
        address: u64_at(row, 8),
    })
}

impl Elf {
    pub(super) fn read_dynamic(&mut self, place: &Region) {
        let rows = self.bytes[place.range.clone()].chunks_exact(16);
        let entries = rows.map(|row| (u64_at(row, 0), u64_at(row, 8)));
        let dynamic = Dynamic(entries.take_while(|entry| entry.0 != 0).collect());
        let names = dynamic.get(DT_STRTAB.0).unwrap_or(0);
        let text = |at: u64| c_text(self.at(names.saturating_add(at)), 0);
        let needed = dynamic
            .0
            .iter()
            .filter(|e| e.0 == DT_NEEDED.0.cast_unsigned());
        let needed = needed.map(|entry| text(entry.1)).collect();
        let rpath = dynamic.get(DT_RPATH.0).map(text);
        let runpath = dynamic.get(DT_RUNPATH.0).map(text);
        (self.needed, self.rpath, self.runpath) = (needed, rpath, runpath);
        let symbols = self.dynamic_symbols(&dynamic, names);
        self.read_relocations(&dynamic, &symbols);
        self.read_initial(&dynamic);
        for symbol in symbols.into_iter().filter(|symbol| !symbol.name.is_empty()) {
            if symbol.section == 0 {
                self.imports.push(symbol.name);
            } else {
                let Symbol { name, address, .. } = symbol;
                self.exports.push(Export { name, address });
            }
        }
    }

    fn dynamic_symbols(&self, dynamic: &Dynamic, names: u64) -> Vec<Symbol> {
        let Some(place) = dynamic.get(DT_SYMTAB.0) else {
            return Vec::new();
        };
        let (table, names) = (self.at(place), self.at(names));
        let count = self
            .symbol_count(dynamic)
            .min(SYMBOLS)
            .min(table.len() / SYMBOL);
        let symbols = (0..count).map_while(|index| symbol(table, index * SYMBOL, names));
        symbols.collect()
    }

    /// How many dynamic symbols there are: only the hash tables and, in practice, the place of the
    /// string table behind them say so.
    fn symbol_count(&self, dynamic: &Dynamic) -> usize {
        if let Some(hash) = dynamic.get(DT_HASH.0) {
            return u32_at(self.at(hash), 4) as usize;
        }
        let from_hash = dynamic
            .get(DT_GNU_HASH.0)
            .map_or(0, |hash| gnu_count(self.at(hash)));
        let table = dynamic.get(DT_SYMTAB.0).unwrap_or(0);
        let between = dynamic.get(DT_STRTAB.0).unwrap_or(0).saturating_sub(table);
        let between = usize::try_from(between).unwrap_or(0) / SYMBOL;
        from_hash.max(between.min(SYMBOLS))
    }

    fn read_relocations(&mut self, dynamic: &Dynamic, symbols: &[Symbol]) {
        let tables = [(DT_RELA.0, DT_RELASZ.0), (DT_JMPREL.0, DT_PLTRELSZ.0)];
        let (mut slots, mut pointers) = (Vec::new(), Vec::new());
        for (place, size) in tables {
            let table = dynamic.get(place).map_or(&[][..], |at| self.at(at));
            let table = &table[..table.len().min(dynamic.size(size))];
            for row in table.chunks_exact(24) {
                let (place, info, addend) = (u64_at(row, 0), u64_at(row, 8), u64_at(row, 16));
                let symbol = symbols.get((info >> 32) as usize);
                match ((info & 0xffff_ffff) as u32, symbol) {
                    (R_RELATIVE | R_IRELATIVE, _) => pointers.push((place, addend)),
                    (R_64 | R_GLOB_DAT | R_JUMP_SLOT, Some(symbol)) => {
                        slots.push((place, symbol.name.clone()));
                        if symbol.section != 0 {
                            pointers.push((place, symbol.address));
                        }
                    }
                    _ => {}
                }
            }
        }
        self.slots.extend(slots);
        self.pointers = pointers;
        if let Some(place) = dynamic.get(DT_RELR.0) {
            let places = relr(self.at(place), dynamic.size(DT_RELRSZ.0));
            let found = places.into_iter().map(|at| (at, u64_at(self.at(at), 0)));
            let found: Vec<_> = found.collect();
            self.pointers.extend(found);
        }
    }

    fn read_initial(&mut self, dynamic: &Dynamic) {
        let single = [dynamic.get(DT_INIT.0), dynamic.get(DT_FINI.0)];
        let mut initial: Vec<u64> = single.into_iter().flatten().collect();
        let arrays = [
            (DT_INIT_ARRAY.0, DT_INIT_ARRAYSZ.0),
            (DT_FINI_ARRAY.0, DT_FINI_ARRAYSZ.0),
        ];
        for (place, size) in arrays {
            let Some(start) = dynamic.get(place) else {
                continue;
            };
            let end = start.saturating_add(dynamic.size(size) as u64);
            let relocated = self.pointers.iter().filter(|p| start <= p.0 && p.0 < end);
            initial.extend(relocated.map(|pointer| pointer.1));
            let bytes = self.at(start);
            let bytes = &bytes[..bytes.len().min(dynamic.size(size))];
            initial.extend(bytes.chunks_exact(8).map(|word| u64_at(word, 0)));
        }
        self.initial = initial;
    }
}

/// Number of symbols that a GNU hash table covers.
fn gnu_count(table: &[u8]) -> usize {
    let word = |at: usize| u32_at(table, at) as usize;
    let (buckets, first, blooms) = (word(0), word(4), word(8));
    let start = blooms.saturating_mul(8).saturating_add(16);
    let chains = start.saturating_add(buckets.saturating_mul(4));
    let last = (0..buckets.min(SYMBOLS))
        .map(|i| word(start.saturating_add(i * 4)))
        .max();
    let Some(mut index) = last.filter(|last| *last >= first && *last < SYMBOLS) else {
        return first;
    };
    while let Some(end) = chains
        .checked_add((index - first) * 4 + 4)
        .filter(|e| *e <= table.len())
    {
        index += 1;
        if u32_at(table, end - 4) & 1 == 1 {
            break;
        }
    }
    index
}

/// The places that a table of packed relative relocations names.
fn relr(table: &[u8], size: usize) -> Vec<u64> {
    let mut places = Vec::new();
    let mut next = 0u64;
    for word in table[..table.len().min(size)].chunks_exact(8) {
        let word = u64_at(word, 0);
        if word & 1 == 0 {
            places.push(word);
            next = word.wrapping_add(8);
        } else {
            let set = (0..63).filter(|bit| word >> (bit + 1) & 1 == 1);
            places.extend(set.map(|bit| next.wrapping_add(bit * 8)));
            next = next.wrapping_add(63 * 8);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_relocations() {
        let words = [0x1000u64, 0b1011, 0x2000];
        let table: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(relr(&table, 24), [0x1000, 0x1008, 0x1018, 0x2000]);
        assert_eq!(relr(&table, 8), [0x1000]);
    }
}
