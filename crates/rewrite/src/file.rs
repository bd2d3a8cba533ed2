//! The ELF file around the code: one segment more, a word more of writable memory, and all bytes that
//! were there where they were.

use object::Endianness;
use object::elf::{
    DT_INIT, DT_NEEDED, DT_SONAME, FileHeader64, PF_R, PF_W, PF_X, PT_DYNAMIC, PT_GNU_EH_FRAME,
    PT_GNU_PROPERTY, PT_GNU_RELRO, PT_LOAD, PT_NOTE, SHT_NOBITS,
};
use object::read::elf::{FileHeader, SectionHeader};

use crate::program::HIGHEST;

const PAGE: u64 = 4096;
/// Bytes of one program header.
const ROW: usize = 56;

/// A program header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    file: u64,
    memory: u64,
    align: u64,
}

impl Row {
    fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            kind: u32::from_le_bytes(bytes.get(0..4)?.try_into().ok()?),
            flags: u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?),
            offset: long(bytes, 8)?,
            address: long(bytes, 16)?,
            file: long(bytes, 32)?,
            memory: long(bytes, 40)?,
            align: long(bytes, 48)?,
        })
    }

    fn bytes(&self) -> [u8; ROW] {
        let mut row = [0; ROW];
        row[0..4].copy_from_slice(&self.kind.to_le_bytes());
        row[4..8].copy_from_slice(&self.flags.to_le_bytes());
        let longs = [
            self.offset,
            self.address,
            self.address,
            self.file,
            self.memory,
            self.align,
        ];
        for (place, value) in row[8..].chunks_exact_mut(8).zip(longs) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        row
    }

    fn end(&self) -> Option<u64> {
        self.address
            .checked_add(self.memory)
            .filter(|end| *end < HIGHEST)
    }
}

/// A file that can take more code.
pub(crate) struct Room {
    rows: Vec<Row>,
    /// Where the headers are in the file.
    headers: usize,
    /// The writable segment, which all other memory lies below.
    data: usize,
    /// A header that nothing needs to run.
    spare: usize,
    /// Address of a word of memory that is zero at the start.
    pub word: u64,
    /// Address of the new code.
    pub code: u64,
    /// Where it goes in the file.
    offset: u64,
}

impl Room {
    /// Looks for room.
    ///
    /// # Errors
    /// Why there is none, for a person.
    pub fn find(bytes: &[u8]) -> Result<Self, String> {
        let damaged = || "its headers are damaged".to_owned();
        let header = FileHeader64::<Endianness>::parse(bytes).map_err(|_| damaged())?;
        let little = Endianness::Little;
        let headers = usize::try_from(header.e_phoff.get(little)).map_err(|_| damaged())?;
        let count = usize::from(header.e_phnum.get(little));
        let table = headers
            .checked_add(count * ROW)
            .and_then(|end| bytes.get(headers..end));
        let rows = table.ok_or_else(damaged)?.chunks_exact(ROW);
        let rows: Vec<Row> = rows.map_while(Row::parse).collect();
        let loads = || {
            rows.iter()
                .enumerate()
                .filter(|row| row.1.kind == PT_LOAD.0)
        };
        let (data, last) = loads().max_by_key(|row| row.1.end()).ok_or_else(damaged)?;
        let end = last.end().ok_or_else(damaged)?;
        if last.flags & (PF_W.0 | PF_X.0) != PF_W.0 {
            return Err("its last segment is not its writable one".into());
        }
        let spare = |kind| rows.iter().rposition(|row| row.kind == kind);
        let expendable = [PT_GNU_PROPERTY.0, PT_NOTE.0, PT_GNU_RELRO.0];
        let spare = expendable.into_iter().find_map(spare);
        let spare = spare.ok_or("it has no program header to spare")?;
        if ends(header, bytes, &rows).is_none_or(|end| end < bytes.len() as u64) {
            return Err("something lies behind its end".into());
        }
        // The rest of the last page belongs to dynamic linkers, which allocate from it.
        let word = end.next_multiple_of(PAGE);
        let (code, offset) = (word + PAGE, (bytes.len() as u64).next_multiple_of(PAGE));
        Ok(Self {
            rows,
            headers,
            data,
            spare,
            word,
            code,
            offset,
        })
    }

    /// Adds the code, and a table of frames at an address in it.
    pub fn add(mut self, bytes: &mut Vec<u8>, code: &[u8], frames: Option<(u64, u64)>) {
        let data = &mut self.rows[self.data];
        data.memory = self.word + 8 - data.address;
        if let (Some((address, size)), Some(row)) = (
            frames,
            self.rows
                .iter_mut()
                .find(|row| row.kind == PT_GNU_EH_FRAME.0),
        ) {
            row.address = address;
            row.offset = self.offset + (address - self.code);
            (row.file, row.memory) = (size, size);
        }
        self.rows.remove(self.spare);
        let size = code.len() as u64;
        let new = Row {
            kind: PT_LOAD.0,
            flags: PF_R.0 | PF_X.0,
            offset: self.offset,
            address: self.code,
            file: size,
            memory: size,
            align: PAGE,
        };
        // In the order of their addresses: loaders rely on it.
        let last = self.rows.iter().rposition(|row| row.kind == PT_LOAD.0);
        self.rows.insert(last.map_or(0, |last| last + 1), new);
        for (index, row) in self.rows.iter().enumerate() {
            let start = self.headers + index * ROW;
            bytes[start..start + ROW].copy_from_slice(&row.bytes());
        }
        bytes.resize(usize::try_from(self.offset).unwrap_or(bytes.len()), 0);
        bytes.extend(code);
    }
}

/// Where the file ends by its headers.
fn ends(header: &FileHeader64<Endianness>, bytes: &[u8], rows: &[Row]) -> Option<u64> {
    let little = Endianness::Little;
    let mut end = 0;
    for row in rows {
        end = end.max(row.offset.checked_add(row.file)?);
    }
    for section in header.section_headers(little, bytes).ok()? {
        if section.sh_type(little) != SHT_NOBITS {
            let behind = section
                .sh_offset(little)
                .checked_add(section.sh_size(little))?;
            end = end.max(behind);
        }
    }
    let table = u64::from(header.e_shentsize.get(little)) * u64::from(header.e_shnum.get(little));
    Some(end.max(header.e_shoff.get(little).checked_add(table)?))
}

/// The dynamic section of a library.
pub(crate) struct Dynamic {
    /// Where its entries are in the file, and how many may be.
    start: usize,
    entries: Vec<(u64, u64)>,
}

impl Dynamic {
    /// That of a library, which has a name and is linked to others; `None` for others.
    pub fn of_library(bytes: &[u8]) -> Option<Self> {
        let header = FileHeader64::<Endianness>::parse(bytes).ok()?;
        let start = usize::try_from(header.e_phoff.get(Endianness::Little)).ok()?;
        let rows = bytes
            .get(start..)?
            .chunks_exact(ROW)
            .take(header.e_phnum.get(Endianness::Little).into());
        let row = rows
            .map_while(Row::parse)
            .find(|row| row.kind == PT_DYNAMIC.0)?;
        let start = usize::try_from(row.offset).ok()?;
        let end = start.checked_add(usize::try_from(row.file).ok()?)?;
        let entries = bytes.get(start..end)?.chunks_exact(16);
        let entries = entries.map_while(|entry| Some((long(entry, 0)?, long(entry, 8)?)));
        let dynamic = Self {
            start,
            entries: entries.collect(),
        };
        let has = |tag: i64| dynamic.find(tag).is_some();
        (has(DT_SONAME.0) && has(DT_NEEDED.0)).then_some(dynamic)
    }

    fn find(&self, tag: i64) -> Option<usize> {
        let tag = tag.cast_unsigned();
        let end = self.entries.iter().position(|entry| entry.0 == 0)?;
        self.entries[..end].iter().position(|entry| entry.0 == tag)
    }

    /// The function that is called first.
    pub fn init(&self) -> Option<u64> {
        self.find(DT_INIT.0).map(|index| self.entries[index].1)
    }

    /// What to write where in the file for another first function; `None` when there is no room for one.
    pub fn with_init(&self, address: u64) -> Option<(usize, [u8; 16])> {
        let end = self.entries.iter().position(|entry| entry.0 == 0)?;
        let spare = self
            .entries
            .get(end + 1)
            .is_some_and(|entry| *entry == (0, 0));
        let index = self.find(DT_INIT.0).or(spare.then_some(end))?;
        let mut entry = [0; 16];
        entry[..8].copy_from_slice(&DT_INIT.0.to_le_bytes());
        entry[8..].copy_from_slice(&address.to_le_bytes());
        Some((self.start + index * 16, entry))
    }
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
