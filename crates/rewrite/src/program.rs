//! A file's code as the proofs need it: pieces, and everything that leads into one.

use std::ops::Range;

use iced_x86::{Code as Op, Decoder, DecoderOptions, FlowControl, Instruction, OpKind};
use lupine_scan::{Code, Elf, Kind, sweep};

use crate::frames::landing_pads;
use crate::site::Form;

/// Most entries of one jump table that are believed.
const TABLE: usize = 4096;
/// Where the addresses of processes end.
pub(crate) const HIGHEST: u64 = 1 << 47;

/// A parsed file.
///
/// A *piece* is the code from one known start (symbol, unwind range, target of a call or of a far
/// jump) to the next. A function may be several pieces, but no piece is of several functions unless
/// nothing names the second, and then more is looked at than needed.
pub(crate) struct Program {
    pub elf: Elf,
    pub code: Code,
    /// Direct jumps by target: (to, from).
    pub jumps: Vec<(u64, u64)>,
    /// Addresses that something holds or computes, sorted.
    taken: Vec<u64>,
    /// Where jump tables and unwinders lead, sorted.
    led: Vec<u64>,
    /// Addresses of jump tables, sorted.
    tables: Vec<u64>,
}

impl Program {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        let elf = Elf::parse(bytes)?;
        if let Some(problem) = elf.problems.first() {
            return Err(problem.clone());
        }
        // Addresses of processes: no sum of them overflows.
        if elf.code.iter().any(|region| region.end() >= HIGHEST) {
            return Err("its code is where no process has any".into());
        }
        let code = sweep(&elf);
        let mut program = Self {
            elf,
            code,
            jumps: Vec::new(),
            taken: Vec::new(),
            led: Vec::new(),
            tables: Vec::new(),
        };
        program.find_jumps();
        program.find_taken();
        program.find_tables();
        program.led.extend(landing_pads(&program.elf)?);
        for list in [&mut program.taken, &mut program.led, &mut program.tables] {
            list.sort_unstable();
            list.dedup();
        }
        Ok(program)
    }

    fn find_jumps(&mut self) {
        let (mut jumps, mut taken) = (Vec::new(), Vec::new());
        for &start in &self.code.starts {
            for at in self.decoder(start).iter() {
                let near = at.near_branch_target();
                if near != 0 {
                    jumps.push((near, at.ip()));
                } else if !self.elf.relocatable && at.op_count() > 0 {
                    // In a file with a fixed place any constant may be an address: one to compare with, too.
                    taken.extend(at.try_immediate(at.op_count() - 1).ok());
                }
            }
        }
        jumps.sort_unstable();
        (self.jumps, self.taken) = (jumps, taken);
    }

    /// By code, by what a loader fills in, and by plain words where the file has a fixed place.
    fn find_taken(&mut self) {
        let addresses = self.code.refs.iter().filter(|r| r.kind == Kind::Address);
        let mut taken = std::mem::take(&mut self.taken);
        taken.extend(addresses.map(|r| r.to));
        taken.extend(self.elf.pointers.iter().map(|pointer| pointer.1));
        taken.extend(&self.elf.starts);
        if !self.elf.relocatable {
            for region in &self.elf.data {
                let bytes = &self.elf.bytes[region.range.clone()];
                let words = bytes.windows(8).step_by(4);
                taken.extend(
                    words.map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default())),
                );
                let halves = bytes.chunks_exact(4);
                taken.extend(halves.map(|half| u64::from(word(half))));
            }
        }
        taken.retain(|address| self.elf.in_code(*address));
        self.taken = taken;
    }

    /// Every address that code computes may be that of a table of distances; it is read as one for as
    /// long as its entries lead to code.
    fn find_tables(&mut self) {
        let refs = self.code.refs.iter().filter(|r| r.kind == Kind::Address);
        for table in refs.map(|r| r.to).filter(|to| !self.elf.in_code(*to)) {
            let rows = self.elf.at(table).chunks_exact(4).take(TABLE);
            let targets =
                rows.map(|row| table.wrapping_add_signed(i64::from(word(row).cast_signed())));
            let before = self.led.len();
            self.led
                .extend(targets.take_while(|to| self.elf.in_code(*to)));
            if self.led.len() > before {
                self.tables.push(table);
            }
        }
    }

    fn decoder(&self, start: u64) -> Decoder<'_> {
        let piece = self.piece(start);
        let length = usize::try_from(piece.end - piece.start).unwrap_or(0);
        let bytes = self.elf.at(piece.start);
        let bytes = &bytes[..length.min(bytes.len())];
        Decoder::with_ip(64, bytes, piece.start, DecoderOptions::NONE)
    }

    /// The piece that holds `address`, cut at the end of its section.
    pub fn piece(&self, address: u64) -> Range<u64> {
        let Some(index) = self.code.function(address) else {
            return address..address;
        };
        let start = self.code.starts[index];
        let mut regions = self.elf.code.iter();
        let region = regions.find(|r| r.address <= start && start < r.end());
        let end = region.map_or(start, |region| self.code.end(index).min(region.end()));
        start..end
    }

    /// The instructions of the piece that holds `address`; `None` where bytes are no instruction.
    pub fn instructions(&self, address: u64) -> Option<Vec<Instruction>> {
        let all: Vec<Instruction> = self.decoder(address).iter().collect();
        all.iter().all(|at| at.code() != Op::INVALID).then_some(all)
    }

    /// Whether the piece before this one ends by running on into it.
    pub fn runs_on(&self, start: u64) -> Option<u64> {
        let before = self.code.function(start)?.checked_sub(1)?;
        let end = self.piece(self.code.starts[before]).end;
        (end == start && self.code.runs_on(&self.elf, before)).then(|| self.code.starts[before])
    }

    /// What its calls take the place of. Unwinders of static programs know no code behind the program's data:
    /// they would find no way out of a `syscall` there.
    pub fn form(&self) -> Form {
        if self.elf.is_static() && self.elf.exports.is_empty() {
            Form::Before
        } else {
            Form::Whole
        }
    }

    /// Whether anything leads to an address in `inside`.
    pub fn is_entered(&self, inside: Range<u64>) -> bool {
        let jumps = self.jumps.partition_point(|jump| jump.0 < inside.start);
        let jumped = self
            .jumps
            .get(jumps)
            .is_some_and(|jump| jump.0 < inside.end);
        jumped || among(&self.led, &inside) || among(&self.taken, &inside)
    }

    /// Whether somebody takes this very address.
    pub fn is_taken(&self, address: u64) -> bool {
        self.taken.binary_search(&address).is_ok()
    }

    /// Whether all places are known that an indirect jump among `code` leads to: a table, or what
    /// the loader fills in.
    pub fn jumps_are_known(&self, code: &[Instruction]) -> bool {
        let indirect = |at: &&Instruction| {
            at.flow_control() == FlowControl::IndirectBranch && !at.is_ip_rel_memory_operand()
        };
        // Where the file has a fixed place, a table is addresses, which are all known.
        let unknown = |at: &&Instruction| at.op0_kind() == OpKind::Register || self.elf.relocatable;
        if !code.iter().filter(indirect).any(|at| unknown(&at)) {
            return true;
        }
        code.iter().any(|at| {
            at.is_ip_rel_memory_operand()
                && self
                    .tables
                    .binary_search(&at.ip_rel_memory_address())
                    .is_ok()
        })
    }
}

fn among(sorted: &[u64], range: &Range<u64>) -> bool {
    let first = sorted.partition_point(|address| *address < range.start);
    sorted
        .get(first)
        .is_some_and(|address| *address < range.end)
}

fn word(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_le_bytes)
}
