//! Unwind tables: where they lead, and the same with one more function.

use std::ops::Range;

use gimli::{
    BaseAddresses, EhFrame, EhFrameHdr, EndianSlice, LittleEndian, Pointer, Reader, UnwindSection,
};
use lupine_scan::Elf;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// What every linker writes at the start of the search table: version 1, then the encodings of
/// the frames' address, the number of rows and the rows.
const FORM: [u8; 4] = [1, 0x1b, 0x03, 0x3b];
/// "Not there" and the two encodings of landing pads that compilers use.
const OMITTED: u8 = 0xff;
const ULEB: u8 = 0x01;
const FOUR: u8 = 0x03;

/// Where exceptions may continue.
///
/// # Errors
/// When the tables cannot be read: then nothing is known about it.
pub(crate) fn landing_pads(elf: &Elf) -> Result<Vec<u64>, String> {
    let Some(header) = elf.frame_table() else {
        return Ok(Vec::new());
    };
    read(elf, header).ok_or_else(|| "its unwind tables cannot be read".to_owned())
}

fn read(elf: &Elf, header: u64) -> Option<Vec<u64>> {
    let bases = BaseAddresses::default().set_eh_frame_hdr(header);
    let parsed = EhFrameHdr::new(elf.at(header), LittleEndian);
    let parsed = parsed.parse(&bases, 8).ok()?;
    let Pointer::Direct(start) = parsed.eh_frame_ptr() else {
        return None;
    };
    let bases = bases.set_eh_frame(start);
    let frames = EhFrame::new(elf.at(start), LittleEndian);
    let mut pads = Vec::new();
    let Some(table) = parsed.table() else {
        return Some(pads);
    };
    let mut rows = table.iter(&bases);
    while let Some((_, frame)) = rows.next().ok()? {
        let offset = table.pointer_to_offset(frame).ok()?;
        let frame = frames.fde_from_offset(&bases, offset, EhFrame::cie_from_offset);
        let frame = frame.ok()?;
        if let Some(Pointer::Direct(data)) = frame.lsda() {
            let slice = EndianSlice::new(elf.at(data), LittleEndian);
            add_pads(slice, frame.initial_address(), &mut pads)?;
        }
    }
    Some(pads)
}

/// Reads the table of one function, which starts at `start`.
fn add_pads(mut data: Slice, start: u64, pads: &mut Vec<u64>) -> Option<()> {
    if data.read_u8().ok()? != OMITTED {
        return None;
    }
    if data.read_u8().ok()? != OMITTED {
        data.read_uleb128().ok()?;
    }
    let encoding = data.read_u8().ok()?;
    let length = usize::try_from(data.read_uleb128().ok()?).ok()?;
    let mut rows = data.split(length).ok()?;
    while !rows.is_empty() {
        let mut number = || match encoding {
            ULEB => rows.read_uleb128().ok(),
            FOUR => rows.read_u32().ok().map(u64::from),
            _ => None,
        };
        let (_, _, pad) = (number()?, number()?, number()?);
        rows.read_uleb128().ok()?;
        if pad != 0 {
            pads.push(start.wrapping_add(pad));
        }
    }
    Some(())
}

/// The search table of the file with one function more, for a place at `at`, with the function's own
/// description before it: `code`, which lies behind all other code and which was called. Gives the bytes and where
/// among them the table starts; `None` when the file's table is of another form.
pub(crate) fn extended(elf: &Elf, code: &Range<u64>, at: u64) -> Option<(Vec<u8>, usize)> {
    let header = elf.frame_table()?;
    let old = elf.at(header);
    if old.get(..4)? != FORM {
        return None;
    }
    let mut bytes = description(code, at)?;
    let frame = at + COMMON.len() as u64;
    let start = bytes.len();
    let table = at + start as u64;
    let frames = header
        .wrapping_add(4)
        .wrapping_add_signed(distance_at(old, 4)?);
    let count = u32::from_le_bytes(old.get(8..12)?.try_into().ok()?);
    bytes.extend(FORM);
    bytes.extend(near(frames, table + 4)?);
    bytes.extend(count.checked_add(1)?.to_le_bytes());
    for row in 0..usize::try_from(count).ok()? {
        for column in [0, 4] {
            let to = header.wrapping_add_signed(distance_at(old, 12 + 8 * row + column)?);
            bytes.extend(near(to, table)?);
        }
    }
    bytes.extend(near(code.start, table)?);
    bytes.extend(near(frame, table)?);
    Some((bytes, start))
}

/// What all functions have in common that have pushed nothing: the caller's frame starts behind the
/// return address, which lies at the stack pointer.
const COMMON: [u8; 24] = [
    20, 0, 0, 0, // length
    0, 0, 0, 0, // no function but this
    1, b'z', b'R', 0, 1, 0x78, 16, 1,
    0x1b, // version, augmentation, alignments, return address
    0x0c, 7, 8, // the frame is at %rsp + 8
    0x90, 1, // the return address lies 8 below
    0, 0,
];

fn description(code: &Range<u64>, at: u64) -> Option<Vec<u8>> {
    let mut bytes = COMMON.to_vec();
    let length = u32::try_from(code.end - code.start).ok()?;
    bytes.extend(16u32.to_le_bytes());
    // Back to the start of what is common.
    bytes.extend((COMMON.len() as u32 + 4).to_le_bytes());
    let here = at + bytes.len() as u64;
    bytes.extend(near(code.start, here)?);
    bytes.extend(length.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend([0; 4]); // the end
    Some(bytes)
}

fn distance_at(bytes: &[u8], at: usize) -> Option<i64> {
    let word = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(i64::from(i32::from_le_bytes(word)))
}

fn near(to: u64, from: u64) -> Option<[u8; 4]> {
    let distance = to.wrapping_sub(from).cast_signed();
    Some(i32::try_from(distance).ok()?.to_le_bytes())
}
