//! Where functions start, by the unwind tables: they survive stripping.

use object::Endianness;
use object::elf::{FileHeader64, PT_GNU_EH_FRAME};
use object::read::elf::{FileHeader, ProgramHeader};

use super::{Elf, u32_at};

/// The only encodings that linkers write into the search table: a 4-byte count, and 4-byte
/// distances from the table's own start.
const COUNT_4: u8 = 0x03;
const FROM_TABLE_4: u8 = 0x3b;

impl Elf {
    /// Adds what the search table of `.eh_frame_hdr` names.
    pub(super) fn read_frames(&mut self) {
        let Some(address) = self.frame_table() else {
            return;
        };
        let table = self.at(address);
        if table.get(2..4) != Some(&[COUNT_4, FROM_TABLE_4]) {
            return;
        }
        let count = u32_at(table, 8) as usize;
        let rows = table
            .get(12..)
            .unwrap_or_default()
            .chunks_exact(8)
            .take(count);
        let place = |row: &[u8], at: usize| {
            let distance = i64::from(u32_at(row, at).cast_signed());
            address.wrapping_add_signed(distance)
        };
        let starts = rows.map(|row| {
            // The frame of a signal's trampoline starts a byte early, for unwinders that look up
            // the address before the one to which a call returns.
            let early = u64::from(self.is_signal_frame(place(row, 4)));
            place(row, 0).wrapping_add(early)
        });
        let starts: Vec<u64> = starts.collect();
        self.starts.extend(starts);
    }

    /// Whether the frame description at `address` is one of a signal handler's return.
    fn is_signal_frame(&self, address: u64) -> bool {
        let common = address.wrapping_add(4);
        let distance = u64::from(u32_at(self.at(common), 0));
        let augmentation = self.at(common.wrapping_sub(distance)).get(9..17);
        let text = augmentation.unwrap_or_default().split(|&b| b == 0).next();
        text.unwrap_or_default().contains(&b'S')
    }

    /// Where the search table of the unwind tables is.
    pub fn frame_table(&self) -> Option<u64> {
        let header = FileHeader64::<Endianness>::parse(&self.bytes[..]).ok()?;
        let endian = header.endian().ok()?;
        let headers = header.program_headers(endian, &self.bytes[..]).ok()?;
        let mut tables = headers
            .iter()
            .filter(|h| h.p_type(endian) == PT_GNU_EH_FRAME);
        tables.next().map(|header| header.p_vaddr(endian))
    }
}
