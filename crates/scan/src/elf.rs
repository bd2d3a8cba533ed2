//! One x86-64 ELF file as the scan needs it: what it loads, what it exports, where its code is.
//!
//! Everything is found by program headers and the dynamic section, as the dynamic linker does:
//! section headers and symbols may be stripped. Where they are there, they add precision. No field
//! is trusted: an offset that leads outside of the file reads as nothing.

mod dynamic;
mod frames;
mod sections;
mod strings;

pub(crate) use strings::Text;

use std::collections::BTreeMap;
use std::ops::Range;

use object::Endianness;
use object::elf::{
    EM_X86_64, ET_DYN, ET_EXEC, FileHeader64, PF_W, PF_X, PT_DYNAMIC, PT_INTERP, PT_LOAD,
};
use object::read::elf::{FileHeader, ProgramHeader};

type Header = FileHeader64<Endianness>;

/// Most sections of code and most segments; real files have a dozen.
const REGIONS: usize = 500;

/// A run of bytes at an address.
#[derive(Debug, Clone)]
pub struct Region {
    /// Of the first byte, by the file's own headers.
    pub address: u64,
    /// Where the bytes lie in the file.
    pub range: Range<usize>,
}

impl Region {
    /// The address behind the last byte.
    pub fn end(&self) -> u64 {
        self.address.saturating_add(self.range.len() as u64)
    }
}

#[derive(Debug, Clone)]
struct Segment {
    region: Region,
    flags: u32,
}

/// A symbol that others can link to.
#[derive(Debug, Clone)]
pub struct Export {
    /// Without a version.
    pub name: String,
    /// By the file's own headers.
    pub address: u64,
}

/// See the module. Addresses are those of the file's own headers.
#[derive(Debug, Default)]
pub struct Elf {
    /// The whole file.
    pub bytes: Vec<u8>,
    segments: Vec<Segment>,
    /// Where a program starts.
    pub entry: u64,
    /// Loaded where the loader likes: addresses in code are relative.
    pub relocatable: bool,
    /// The program that loads it.
    pub interpreter: Option<String>,
    /// Libraries that it asks for.
    pub needed: Vec<String>,
    /// Where they are looked for before all else.
    pub rpath: Option<String>,
    /// Where they are looked for after the environment's directories.
    pub runpath: Option<String>,
    /// Names that others must define.
    pub imports: Vec<String>,
    /// Symbols for others.
    pub exports: Vec<Export>,
    /// Names of functions in the static symbol table, where there is one.
    pub local: Vec<Export>,
    /// Addresses that the loader fills with the address of a symbol.
    pub slots: BTreeMap<u64, String>,
    /// Addresses that the loader fills with an address in this file, sorted.
    pub pointers: Vec<(u64, u64)>,
    /// Functions that the loader calls.
    pub initial: Vec<u64>,
    /// Where functions are known to start, sorted.
    pub starts: Vec<u64>,
    /// Sections of code; segments where there are no sections.
    pub code: Vec<Region>,
    /// Constant data.
    pub data: Vec<Region>,
    /// Go keeps its strings without an end mark.
    pub go: bool,
    /// It looks like a program that unpacks itself: its code is not what will run.
    pub packed: bool,
    /// What is wrong with the file, for a person.
    pub problems: Vec<String>,
}

/// Whether these first bytes are those of an ELF file.
pub fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF")
}

impl Elf {
    /// Reads a file.
    ///
    /// # Errors
    /// Why it is no program or library for x86-64, for a person.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        let mut elf = Self::default();
        let dynamic = elf.headers(&bytes)?;
        elf.bytes = bytes;
        if let Some(dynamic) = dynamic {
            elf.read_dynamic(&dynamic);
        }
        elf.read_sections();
        if elf.code.is_empty() {
            let with_code = elf.segments.iter().filter(|s| s.flags & PF_X.0 != 0);
            elf.code = with_code.map(|s| s.region.clone()).collect();
        }
        if elf.data.is_empty() {
            let with_data = elf.segments.iter().filter(|s| s.flags & PF_X.0 == 0);
            elf.data = with_data.map(|s| s.region.clone()).collect();
        }
        elf.finish();
        Ok(elf)
    }

    /// Reads the program headers and gives those of the dynamic section.
    fn headers(&mut self, bytes: &[u8]) -> Result<Option<Region>, String> {
        if bytes.get(4) == Some(&1) {
            return Err("it is a 32-bit ELF file".into());
        }
        let header = Header::parse(bytes).map_err(|e| format!("its ELF header is damaged: {e}"))?;
        let endian = header.endian().map_err(|e| e.to_string())?;
        let machine = header.e_machine(endian);
        if endian != Endianness::Little || machine != EM_X86_64 {
            let machine = machine.0;
            return Err(format!("it is for another machine (ELF machine {machine})"));
        }
        let kind = header.e_type(endian);
        if kind != ET_DYN && kind != ET_EXEC {
            return Err("it is neither a program nor a library".into());
        }
        self.relocatable = kind == ET_DYN;
        self.entry = header.e_entry(endian);
        let headers = header.program_headers(endian, bytes);
        let headers = headers.map_err(|e| format!("its program headers are damaged: {e}"))?;
        let mut dynamic = None;
        for segment in headers {
            let (offset, wanted) = segment.file_range(endian);
            let range = clamp(offset, wanted, bytes.len());
            let kind = segment.p_type(endian);
            if (range.len() as u64) < wanted && kind == PT_LOAD {
                let text = "it is cut off: a segment reaches beyond its end";
                self.problems.push(text.into());
            }
            let address = segment.p_vaddr(endian);
            let region = Region { address, range };
            let flags = segment.p_flags(endian).0;
            match kind {
                PT_INTERP => self.interpreter = Some(c_text(&bytes[region.range], 0)),
                PT_DYNAMIC => dynamic = Some(region),
                PT_LOAD => self.segments.push(Segment { region, flags }),
                _ => {}
            }
        }
        self.problems.dedup();
        Ok(dynamic)
    }

    fn finish(&mut self) {
        if self.code.len() > REGIONS || self.segments.len() > REGIONS {
            self.problems.push(format!(
                "it has more than {REGIONS} sections: the rest was not read"
            ));
            self.code.truncate(REGIONS);
            self.segments.truncate(REGIONS);
        }
        once(&mut self.code, self.bytes.len());
        once(&mut self.data, self.bytes.len());
        self.read_frames();
        let named = self
            .exports
            .iter()
            .chain(&self.local)
            .map(|symbol| symbol.address);
        let mut starts: Vec<u64> = named.chain(self.initial.iter().copied()).collect();
        starts.push(self.entry);
        starts.append(&mut self.starts);
        starts.retain(|address| self.in_code(*address));
        starts.sort_unstable();
        starts.dedup();
        self.starts = starts;
        self.pointers.sort_unstable();
        self.pointers.dedup();
        if let Some(why) = self.sign_of_packing() {
            self.packed = true;
            self.problems
                .push(format!("packed ({why}): cannot be read statically"));
        }
    }

    /// Signs of a program that unpacks itself.
    fn sign_of_packing(&self) -> Option<&'static str> {
        let head = &self.bytes[..self.bytes.len().min(1024)];
        if head.windows(4).any(|word| word == b"UPX!") {
            return Some("UPX");
        }
        let largest = |regions: &[Region]| {
            let sized = regions.iter().max_by_key(|region| region.range.len());
            sized.map(|region| &self.bytes[region.range.clone()])
        };
        if largest(&self.code).is_some_and(looks_compressed) {
            return Some("its code looks compressed");
        }
        // A library's data may be pictures or a dictionary; a program that is hardly anything else is packed.
        let starts = self.interpreter.is_some() || self.exports.is_empty();
        let most = |data: &&[u8]| starts && data.len() > self.bytes.len() / 2;
        let data = largest(&self.data).filter(most)?;
        looks_compressed(data).then_some("most of it is data that looks compressed")
    }

    /// Whether `address` lies in code.
    pub fn in_code(&self, address: u64) -> bool {
        self.code
            .iter()
            .any(|r| r.address <= address && address < r.end())
    }

    /// Whether `address` is loaded from this file.
    pub fn holds(&self, address: u64) -> bool {
        self.segments
            .iter()
            .any(|s| s.region.address <= address && address < s.region.end())
    }

    /// Whether a program may write to `address`: what the file has there need not stay.
    pub fn is_writable(&self, address: u64) -> bool {
        let mut writable = self.segments.iter().filter(|s| s.flags & PF_W.0 != 0);
        writable.any(|s| s.region.address <= address && address < s.region.end())
    }

    /// The bytes from `address` to the end of its segment.
    pub fn at(&self, address: u64) -> &[u8] {
        let mut regions = self.segments.iter().map(|segment| &segment.region);
        let region = regions.find(|r| r.address <= address && address < r.end());
        let Some(region) = region else {
            return &[];
        };
        let skip = usize::try_from(address - region.address).unwrap_or(usize::MAX);
        self.bytes[region.range.clone()]
            .get(skip..)
            .unwrap_or_default()
    }

    /// The text at `address` up to its zero byte; `None` when it is long or not plain.
    pub fn text_at(&self, address: u64) -> Option<&str> {
        let bytes = self.at(address);
        let end = bytes.iter().take(256).position(|&b| b == 0)?;
        let text = std::str::from_utf8(&bytes[..end]).ok()?;
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())).then_some(text)
    }

    /// Whether it asks others for one of these functions.
    pub fn imports_any(&self, names: &[&str]) -> bool {
        self.imports
            .iter()
            .any(|import| names.contains(&import.as_str()))
    }

    /// Whether it stands alone: no loader brings libraries.
    pub fn is_static(&self) -> bool {
        self.interpreter.is_none() && self.needed.is_empty()
    }
}

/// Drops the regions that make more than the whole file: they would be read again and again.
fn once(regions: &mut Vec<Region>, mut left: usize) {
    regions.retain(|region| {
        let rest = left.checked_sub(region.range.len());
        left = rest.unwrap_or(left);
        rest.is_some()
    });
}

/// The part of `offset..offset + length` that lies within `limit` bytes.
fn clamp(offset: u64, length: u64, limit: usize) -> Range<usize> {
    let limit64 = limit as u64;
    let start = offset.min(limit64);
    let end = offset.saturating_add(length).min(limit64).max(start);
    let index = |at: u64| usize::try_from(at).unwrap_or(limit);
    index(start)..index(end)
}

/// Code has 5 to 6.5 bits per byte, compressed bytes nearly 8.
fn looks_compressed(bytes: &[u8]) -> bool {
    bytes.len() > 4096 && entropy(bytes) > 7.5
}

/// Bits of information per byte, from samples of a long text.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    let step = (bytes.len() / 65_536).max(1);
    let mut total = 0u32;
    for &byte in bytes.iter().step_by(step) {
        counts[usize::from(byte)] += 1;
        total += 1;
    }
    let shares = counts
        .iter()
        .filter(|&&n| n > 0)
        .map(|&n| f64::from(n) / f64::from(total));
    shares.map(|p| -p * p.log2()).sum()
}

/// A little-endian number at the start of `bytes`; 0 where they end.
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let word = at.checked_add(8).and_then(|end| bytes.get(at..end));
    word.and_then(|w| w.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}

/// As [`u64_at`], four bytes.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let word = at.checked_add(4).and_then(|end| bytes.get(at..end));
    word.and_then(|w| w.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

/// The text at `at`, up to its zero byte.
fn c_text(bytes: &[u8], at: usize) -> String {
    let rest = bytes.get(at..).unwrap_or_default();
    let text = rest.split(|&b| b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}
