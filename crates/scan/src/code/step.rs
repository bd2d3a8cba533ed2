//! What one instruction does to one place.

use iced_x86::{
    Instruction, InstructionInfoFactory, MemorySize, Mnemonic, OpAccess, OpKind, Register,
};

/// A place that holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Loc {
    /// A general register by its number in machine code.
    Reg(u8),
    /// A place on the stack: its distance from the stack pointer at the function's start.
    Slot(i64),
}

pub(crate) const RAX: Loc = Loc::Reg(0);
pub(crate) const RCX: Loc = Loc::Reg(1);
pub(crate) const RDX: Loc = Loc::Reg(2);
pub(crate) const RSI: Loc = Loc::Reg(6);
pub(crate) const RDI: Loc = Loc::Reg(7);
pub(crate) const R8: Loc = Loc::Reg(8);
pub(crate) const R9: Loc = Loc::Reg(9);
pub(crate) const R10: Loc = Loc::Reg(10);

/// Marks a constant that was computed as an address: no number that a program passes to the kernel
/// is that large, nor is a negative one, which has the highest bit.
const ADDRESS: u64 = 1 << 62;

/// The address that a constant is, with or without its mark; `None` for numbers that cannot be one.
pub(crate) fn as_address(value: u64) -> Option<u64> {
    (value >> 63 == 0).then_some(value & !ADDRESS)
}

/// Whether a constant is a plain number.
pub(crate) fn is_number(value: u64) -> bool {
    value >> 62 != 1
}

/// An operation with a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Op {
    Add,
    Mul,
    And,
    Or,
    Xor,
    Shl,
    Shr,
    /// Keeps the low bits that the mask has.
    Mask,
}

impl Op {
    /// The result for a value.
    pub fn apply(self, value: u64, by: u64) -> u64 {
        match self {
            Self::Add => value.wrapping_add(by),
            Self::Mul => value.wrapping_mul(by),
            Self::And | Self::Mask => value & by,
            Self::Or => value | by,
            Self::Xor => value ^ by,
            Self::Shl => value
                .checked_shl(u32::try_from(by & 63).unwrap_or(0))
                .unwrap_or(0),
            Self::Shr => value
                .checked_shr(u32::try_from(by & 63).unwrap_or(0))
                .unwrap_or(0),
        }
    }
}

/// Where the value that a place has after an instruction comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It was there before.
    Pass,
    /// It is one of these.
    Const(u64, Option<u64>),
    /// It was in another place.
    Copy(Loc),
    /// It was there or in another place.
    Either(Loc),
    /// It was in this place and was changed.
    Change(Loc, Op, u64),
    /// It was in this place and was multiplied by the first, then added to the second.
    Linear(Loc, u64, u64),
    /// It was there, and its low byte was set to this.
    LowByte(u64),
    /// It was read from this address; the register has so many bytes.
    Load(u64, usize),
    /// Nobody knows.
    Unknown,
}

/// Stack and frame pointer before an instruction, as distances from the stack pointer at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Frame {
    pub stack: Option<i64>,
    pub base: Option<i64>,
}

/// The number of a general register; `None` for others.
pub(super) fn register(register: Register) -> Option<u8> {
    let full = register.full_register();
    (Register::RAX..=Register::R15)
        .contains(&full)
        .then(|| full as u8 - Register::RAX as u8)
}

/// The stack place that the memory operand means.
pub(super) fn slot(at: &Instruction, frame: Frame) -> Option<Loc> {
    if at.memory_index() != Register::None || at.segment_prefix() != Register::None {
        return None;
    }
    let base = match at.memory_base() {
        Register::RSP => frame.stack?,
        Register::RBP => frame.base?,
        _ => return None,
    };
    Some(Loc::Slot(
        base.wrapping_add(at.memory_displacement64().cast_signed()),
    ))
}

/// Traces `loc` backwards through one instruction.
pub(super) fn step(
    info: &mut InstructionInfoFactory,
    at: &Instruction,
    frame: Frame,
    loc: Loc,
) -> Step {
    match loc {
        Loc::Slot(_) => slot_step(at, frame, loc),
        Loc::Reg(number) => {
            if at.op0_kind() == OpKind::Register && register(at.op0_register()) == Some(number) {
                return write_step(info, at, frame, number);
            }
            clobber(info, at, number)
        }
    }
}

fn slot_step(at: &Instruction, frame: Frame, loc: Loc) -> Step {
    if at.mnemonic() == Mnemonic::Push {
        let below = frame.stack.map(|stack| Loc::Slot(stack.wrapping_sub(8)));
        if below != Some(loc) {
            return Step::Pass;
        }
        return source(at, frame, 0);
    }
    if at.op0_kind() != OpKind::Memory || slot(at, frame) != Some(loc) {
        return Step::Pass;
    }
    match at.mnemonic() {
        Mnemonic::Mov => source(at, frame, 1),
        Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Call | Mnemonic::Jmp => Step::Pass,
        _ => Step::Unknown,
    }
}

/// What operand `index` gives.
fn source(at: &Instruction, frame: Frame, index: u32) -> Step {
    match at.op_kind(index) {
        OpKind::Register => {
            register(at.op_register(index)).map_or(Step::Unknown, |r| Step::Copy(Loc::Reg(r)))
        }
        OpKind::Memory if at.is_ip_rel_memory_operand() => {
            Step::Load(at.ip_rel_memory_address(), at.memory_size().size())
        }
        OpKind::Memory => slot(at, frame).map_or(Step::Unknown, Step::Copy),
        _ => immediate(at, index).map_or(Step::Unknown, |value| Step::Const(value, None)),
    }
}

fn immediate(at: &Instruction, index: u32) -> Option<u64> {
    use OpKind::{
        Immediate8, Immediate8to16, Immediate8to32, Immediate8to64, Immediate16, Immediate32,
        Immediate32to64, Immediate64,
    };
    let value = match at.op_kind(index) {
        Immediate8 | Immediate16 | Immediate32 | Immediate64 | Immediate8to16 | Immediate8to32
        | Immediate8to64 | Immediate32to64 => at.immediate(index),
        _ => return None,
    };
    // A 32-bit operation clears the upper half.
    let half = index == 1 && at.op0_kind() == OpKind::Register && at.op0_register().is_gpr32();
    Some(if half { value & 0xffff_ffff } else { value })
}

/// An instruction whose first operand is the register.
fn write_step(
    info: &mut InstructionInfoFactory,
    at: &Instruction,
    frame: Frame,
    number: u8,
) -> Step {
    let same = at.op1_kind() == OpKind::Register && at.op1_register() == at.op0_register();
    match at.mnemonic() {
        Mnemonic::Mov if at.op0_register().size() >= 4 => source(at, frame, 1),
        // Old hand-written code: clear all of it, then set the low byte.
        Mnemonic::Mov if at.op0_register().size() == 1 => {
            immediate(at, 1).map_or(Step::Unknown, |value| Step::LowByte(value & 0xff))
        }
        Mnemonic::Mov => Step::Unknown,
        Mnemonic::Movzx => extended(at, frame),
        Mnemonic::Movsxd | Mnemonic::Movsx => source(at, frame, 1),
        Mnemonic::Lea => lea(at, frame),
        Mnemonic::Xor | Mnemonic::Sub if same => Step::Const(0, None),
        Mnemonic::Sbb if same => Step::Const(0, Some(u64::from(u32::MAX))),
        Mnemonic::Pop => {
            let stack = frame.stack;
            stack.map_or(Step::Unknown, |stack| Step::Copy(Loc::Slot(stack)))
        }
        mnemonic if is_set(mnemonic) => Step::Const(0, Some(1)),
        mnemonic if is_cmov(mnemonic) => match source(at, frame, 1) {
            Step::Copy(other) => Step::Either(other),
            _ => Step::Unknown,
        },
        _ => arithmetic(at, Loc::Reg(number)).unwrap_or_else(|| clobber(info, at, number)),
    }
}

/// An operation on the register `here` with a constant, if it is one that is understood.
fn arithmetic(at: &Instruction, here: Loc) -> Option<Step> {
    let op = match at.mnemonic() {
        Mnemonic::Inc => return Some(Step::Change(here, Op::Add, 1)),
        Mnemonic::Dec => return Some(Step::Change(here, Op::Add, u64::MAX)),
        Mnemonic::Add | Mnemonic::Sub => Op::Add,
        Mnemonic::And => Op::And,
        Mnemonic::Or => Op::Or,
        Mnemonic::Xor => Op::Xor,
        Mnemonic::Shl => Op::Shl,
        Mnemonic::Shr => Op::Shr,
        _ => return None,
    };
    let by = immediate(at, 1)?;
    // An operation on a part of the register leaves the rest as it is.
    let rest = match at.op0_register().size() {
        1 => !0xff,
        2 => !0xffff,
        _ => 0,
    };
    Some(match at.mnemonic() {
        Mnemonic::And => Step::Change(here, op, by | rest),
        Mnemonic::Or | Mnemonic::Xor if rest != 0 => Step::Change(here, op, by & !rest),
        _ if rest != 0 => Step::Unknown,
        Mnemonic::Or if by as u32 == u32::MAX => Step::Const(u64::MAX, None),
        Mnemonic::Sub => Step::Change(here, op, by.wrapping_neg()),
        _ => Step::Change(here, op, by),
    })
}

fn extended(at: &Instruction, frame: Frame) -> Step {
    let mask = match at.memory_size() {
        MemorySize::UInt8 => 0xff,
        MemorySize::UInt16 => 0xffff,
        _ if at.op1_kind() == OpKind::Register && at.op1_register().size() == 1 => 0xff,
        _ => 0xffff,
    };
    match source(at, frame, 1) {
        Step::Copy(from) => Step::Change(from, Op::Mask, mask),
        other => other,
    }
}

fn lea(at: &Instruction, frame: Frame) -> Step {
    if at.is_ip_rel_memory_operand() {
        return Step::Const(ADDRESS | at.ip_rel_memory_address(), None);
    }
    let (base, index) = (register(at.memory_base()), register(at.memory_index()));
    let (scale, add) = (
        u64::from(at.memory_index_scale()),
        at.memory_displacement64(),
    );
    match (base, index) {
        _ if slot(at, frame).is_some() => Step::Unknown,
        (Some(base), None) => Step::Change(Loc::Reg(base), Op::Add, add),
        (None, Some(index)) => Step::Linear(Loc::Reg(index), scale, add),
        (Some(base), Some(index)) if base == index => Step::Linear(Loc::Reg(index), scale + 1, add),
        _ => Step::Unknown,
    }
}

fn is_set(mnemonic: Mnemonic) -> bool {
    use Mnemonic::{Seta, Setae, Setb, Setbe, Sete, Setg, Setge, Setl, Setle, Setne, Setns, Sets};
    matches!(
        mnemonic,
        Seta | Setae | Setb | Setbe | Sete | Setg | Setge | Setl | Setle | Setne | Setns | Sets
    )
}

fn is_cmov(mnemonic: Mnemonic) -> bool {
    use Mnemonic::{
        Cmova, Cmovae, Cmovb, Cmovbe, Cmove, Cmovg, Cmovge, Cmovl, Cmovle, Cmovne, Cmovns, Cmovs,
    };
    matches!(
        mnemonic,
        Cmova
            | Cmovae
            | Cmovb
            | Cmovbe
            | Cmove
            | Cmovg
            | Cmovge
            | Cmovl
            | Cmovle
            | Cmovne
            | Cmovns
            | Cmovs
    )
}

/// Registers that a call may change: all but rbx, rsp, rbp, r12 to r15.
const CALLER_SAVED: [u8; 9] = [0, 1, 2, 6, 7, 8, 9, 10, 11];

/// Any other instruction: does it write the register?
fn clobber(info: &mut InstructionInfoFactory, at: &Instruction, number: u8) -> Step {
    if matches!(at.mnemonic(), Mnemonic::Call) {
        return if CALLER_SAVED.contains(&number) {
            Step::Unknown
        } else {
            Step::Pass
        };
    }
    let used = info.info(at).used_registers();
    let writes = used.iter().any(|used| {
        let written = matches!(
            used.access(),
            OpAccess::Write | OpAccess::ReadWrite | OpAccess::CondWrite | OpAccess::ReadCondWrite
        );
        written && register(used.register()) == Some(number)
    });
    if writes { Step::Unknown } else { Step::Pass }
}
