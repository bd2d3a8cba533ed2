//! The linear sweep.

use iced_x86::{Code as Op, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind};

use crate::elf::{Elf, Region};

/// What an instruction refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Calls this address.
    Call,
    /// Jumps to this address, out of its own unwind range or far.
    Jump,
    /// Calls or jumps to what is stored at this address.
    Through,
    /// Takes this address.
    Address,
    /// Reads or writes at this address.
    Memory,
}

/// One reference.
#[derive(Debug, Clone, Copy)]
pub struct Ref {
    /// The instruction.
    pub from: u64,
    /// What it refers to.
    pub to: u64,
    /// How.
    pub kind: Kind,
}

/// What the sweep over one file gives.
#[derive(Debug, Default)]
pub struct Code {
    /// Where functions start, sorted: known ones and targets of calls.
    pub starts: Vec<u64>,
    /// Ordered by `from`.
    pub refs: Vec<Ref>,
    /// The `syscall` instructions.
    pub syscalls: Vec<u64>,
    /// Number of 32-bit system calls (`int 0x80`).
    pub old: usize,
}

/// Sweeps over all code of a file. Unwind ranges are the points at which it falls into step again
/// after data among the code.
pub fn sweep(elf: &Elf) -> Code {
    let mut code = Code::default();
    for region in &elf.code {
        let first = elf.starts.partition_point(|start| *start <= region.address);
        let last = elf.starts.partition_point(|start| *start < region.end());
        let mut start = region.address;
        let inner = elf.starts.get(first..last).unwrap_or_default();
        for &end in inner.iter().chain([&region.end()]) {
            if start < end {
                code.chunk(elf, region, start, end);
            }
            start = end;
        }
    }
    code.refs.sort_by_key(|r| r.from);
    code.syscalls.sort_unstable();
    let targets = code.refs.iter().filter(|r| r.kind == Kind::Call);
    let mut starts: Vec<u64> = targets.map(|r| r.to).collect();
    starts.extend(&elf.starts);
    starts.extend(elf.code.iter().map(|region| region.address));
    code.set_starts(elf, starts);
    // Where no unwind table says so, a function that others only jump to shows by that.
    let jumps = code.refs.iter().filter(|r| r.kind == Kind::Jump);
    let across = jumps.filter(|r| code.function(r.from) != code.function(r.to));
    let mut starts: Vec<u64> = across.map(|r| r.to).collect();
    starts.append(&mut code.starts);
    code.set_starts(elf, starts);
    code
}

/// The bytes of `start..end` within a region.
pub(super) fn slice<'e>(elf: &'e Elf, region: &Region, start: u64, end: u64) -> &'e [u8] {
    let bytes = elf.bytes.get(region.range.clone()).unwrap_or_default();
    let index = |at: u64| usize::try_from(at.saturating_sub(region.address)).unwrap_or(usize::MAX);
    bytes
        .get(index(start)..index(end).min(bytes.len()))
        .unwrap_or_default()
}

impl Code {
    fn set_starts(&mut self, elf: &Elf, mut starts: Vec<u64>) {
        starts.retain(|address| elf.in_code(*address));
        starts.sort_unstable();
        starts.dedup();
        self.starts = starts;
    }

    /// Whether function `index` does not end with a jump or a return: its last bytes run on into
    /// the next function, because a call into its middle made two of it.
    pub fn runs_on(&self, elf: &Elf, index: usize) -> bool {
        let (start, end) = (self.starts[index], self.end(index));
        let region = elf
            .code
            .iter()
            .find(|r| r.address <= start && start < r.end());
        let bytes = region.map_or(&[][..], |region| {
            slice(elf, region, start, end.min(region.end()))
        });
        let mut runs_on = true;
        for at in &mut Decoder::with_ip(64, bytes, start, DecoderOptions::NONE) {
            if !matches!(at.mnemonic(), Mnemonic::Nop | Mnemonic::Int3) {
                runs_on = !matches!(
                    at.flow_control(),
                    FlowControl::UnconditionalBranch
                        | FlowControl::IndirectBranch
                        | FlowControl::Return
                        | FlowControl::Exception
                );
            }
        }
        runs_on
    }

    /// The function that holds `address`, as an index.
    pub fn function(&self, address: u64) -> Option<usize> {
        self.starts
            .partition_point(|start| *start <= address)
            .checked_sub(1)
    }

    /// Where function `index` ends: where the next one starts.
    pub fn end(&self, index: usize) -> u64 {
        self.starts.get(index + 1).copied().unwrap_or(u64::MAX)
    }

    /// The references from within `start..end`.
    pub fn refs_in(&self, start: u64, end: u64) -> &[Ref] {
        let first = self.refs.partition_point(|r| r.from < start);
        let last = self.refs.partition_point(|r| r.from < end);
        self.refs.get(first..last).unwrap_or_default()
    }

    fn chunk(&mut self, elf: &Elf, region: &Region, start: u64, end: u64) {
        let bytes = slice(elf, region, start, end);
        let mut decoder = Decoder::with_ip(64, bytes, start, DecoderOptions::NONE);
        let mut instruction = Instruction::default();
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            self.note(elf, &instruction, start..end);
        }
    }

    fn note(&mut self, elf: &Elf, at: &Instruction, chunk: std::ops::Range<u64>) {
        let from = at.ip();
        let near = at.near_branch_target();
        let flow = at.flow_control();
        match flow {
            FlowControl::Next => {}
            FlowControl::Call if at.code() == Op::Syscall => self.syscalls.push(from),
            FlowControl::Call if near != 0 => self.push(from, near, Kind::Call),
            FlowControl::UnconditionalBranch => self.push(from, near, Kind::Jump),
            FlowControl::ConditionalBranch if !chunk.contains(&near) => {
                self.push(from, near, Kind::Jump);
            }
            FlowControl::IndirectCall | FlowControl::IndirectBranch
                if at.is_ip_rel_memory_operand() =>
            {
                self.push(from, at.ip_rel_memory_address(), Kind::Through);
                return;
            }
            FlowControl::Interrupt
                if at.op0_kind() == OpKind::Immediate8 && at.immediate8() == 0x80 =>
            {
                self.old += 1;
            }
            _ => {}
        }
        if at.is_ip_rel_memory_operand() {
            let lea = at.mnemonic() == Mnemonic::Lea;
            let kind = if lea { Kind::Address } else { Kind::Memory };
            self.push(from, at.ip_rel_memory_address(), kind);
        } else if !elf.relocatable
            && let Some(to) = address_immediate(at)
            && elf.holds(to)
        {
            self.push(from, to, Kind::Address);
        }
    }

    fn push(&mut self, from: u64, to: u64, kind: Kind) {
        self.refs.push(Ref { from, to, kind });
    }
}

/// The constant that an instruction puts in a register or on the stack: in a file that is loaded
/// at a fixed place, it may be an address.
fn address_immediate(at: &Instruction) -> Option<u64> {
    if !matches!(at.mnemonic(), Mnemonic::Mov | Mnemonic::Push) {
        return None;
    }
    let last = at.op_count().checked_sub(1)?;
    let wide = matches!(
        at.op_kind(last),
        OpKind::Immediate32 | OpKind::Immediate64 | OpKind::Immediate32to64
    );
    wide.then(|| at.immediate(last))
}
