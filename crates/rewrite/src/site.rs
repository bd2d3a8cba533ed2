//! One `syscall` instruction: can it become a call?

use std::collections::BTreeMap;

use iced_x86::{
    Code as Op, FlowControl, Instruction, InstructionInfoFactory, OpAccess, OpKind, Register,
};

use crate::Why;
use crate::flow::behind;
use crate::program::Program;
use crate::red_zone;

/// Bytes of `call` with a distance.
pub(crate) const CALL: u64 = 5;
/// System calls that need a bare `syscall`. The child of `clone`, `vfork` and `clone3` returns on a stack
/// on which there is no return address, or uses that of its parent. Unwinders know the return from a signal
/// handler by its bytes. A thread that exits may have no stack any more.
const BARE: [u64; 5] = [15, 56, 58, 60, 435];

/// The numbers of the calls that each `syscall` instruction makes, where they are known.
pub(crate) type Numbers = BTreeMap<u64, Option<Vec<u64>>>;

/// What a call takes the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The `syscall` instruction, too. Where there is no entry, the stub does `syscall`.
    Whole,
    /// What is before it. The stub returns behind it, and where there is no entry to it.
    Before,
}
/// Registers that functions keep for their callers: unwinders know where a store of one is.
const KEPT: [Register; 6] = [
    Register::RBX,
    Register::RBP,
    Register::R12,
    Register::R13,
    Register::R14,
    Register::R15,
];

/// A `syscall` instruction that can become a call.
pub(crate) struct Site {
    /// The first byte that is overwritten.
    pub start: u64,
    /// Behind the last one.
    pub end: u64,
    /// What is before the `syscall`.
    pub moved: Vec<Instruction>,
}

/// Looks at the instruction at `site`.
pub(crate) fn judge(
    program: &Program,
    numbers: &Numbers,
    form: Form,
    site: u64,
) -> Result<Site, Why> {
    let known = numbers
        .get(&site)
        .and_then(Option::as_ref)
        .ok_or(Why::Number)?;
    if known
        .iter()
        .any(|number| BARE.contains(&(number & 0xffff_ffff)))
    {
        return Err(Why::Bare);
    }
    let code = program.instructions(site).ok_or(Why::Unclear)?;
    let index = code.binary_search_by_key(&site, Instruction::ip);
    let index = index.map_err(|_| Why::Unclear)?;
    let next = code[index].next_ip();
    behind(program, numbers, next)?;
    let end = if form == Form::Whole { next } else { site };
    let moved = before(&code, index, end).ok_or(Why::Room)?;
    let start = moved.first().map_or(site, Instruction::ip);
    if program.is_entered(start + 1..end) {
        return Err(Why::Target);
    }
    if program.is_taken(next) {
        return Err(Why::Watched);
    }
    if !program.jumps_are_known(&code) {
        return Err(Why::Jump);
    }
    if !red_zone::is_free(program, site) {
        return Err(Why::RedZone);
    }
    Ok(Site {
        start,
        end,
        moved: moved.to_vec(),
    })
}

/// The instructions before that of `index` that make room for a call.
fn before(code: &[Instruction], index: usize, end: u64) -> Option<&[Instruction]> {
    let mut first = index;
    while end.saturating_sub(code[first].ip()) < CALL {
        first = first.checked_sub(1)?;
        if !is_movable(&code[first]) {
            return None;
        }
    }
    Some(&code[first..index])
}

/// Whether it does the same elsewhere, eight bytes further down the stack, and says nothing to unwinders.
fn is_movable(at: &Instruction) -> bool {
    let plain = at.flow_control() == FlowControl::Next
        && at.code() != Op::INVALID
        && !at.is_stack_instruction()
        && !at.is_privileged();
    let mut info = InstructionInfoFactory::new();
    let info = info.info(at);
    let mut used = info.used_registers().iter();
    let writes_stack_pointer = used.any(|used| {
        used.register().full_register() == Register::RSP
            && !matches!(used.access(), OpAccess::Read | OpAccess::CondRead)
    });
    let operands = 0..at.op_count();
    let names_stack_pointer = operands.clone().any(|index| {
        at.op_kind(index) == OpKind::Register
            && at.op_register(index).full_register() == Register::RSP
    });
    let saves = at.memory_base() == Register::RSP
        && operands.clone().any(|index| {
            at.op_kind(index) == OpKind::Register && KEPT.contains(&at.op_register(index))
        })
        && at.op0_kind() == OpKind::Memory;
    plain && !writes_stack_pointer && !names_stack_pointer && !saves
}
