//! One function, decoded: which instruction comes after which, and how deep the stack is.

use std::collections::HashMap;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};

use super::step::{Frame, Loc, register, slot};
use super::sweep::{Code, slice};
use crate::elf::Elf;

/// Longest function that is looked at closely, in bytes.
const LONGEST: u64 = 1 << 20;

/// A decoded function.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub start: u64,
    pub code: Vec<Instruction>,
    /// Instructions that jump to the one with this index.
    jumpers: HashMap<usize, Vec<usize>>,
    /// Jumps by a table or a register: they lead to what nobody else leads to.
    indirect: Vec<usize>,
    /// Fill bytes behind a jump or a return, which nobody runs.
    dead: Vec<bool>,
    pub frames: Vec<Frame>,
}

impl Body {
    /// Decodes the function that holds `address`.
    pub fn of(elf: &Elf, code: &Code, address: u64) -> Self {
        let mut body = Self::default();
        let Some(index) = code.function(address) else {
            return body;
        };
        body.start = code.starts[index];
        let regions = elf
            .code
            .iter()
            .find(|r| r.address <= address && address < r.end());
        let Some(region) = regions else {
            return body;
        };
        let end = code
            .end(index)
            .min(region.end())
            .min(body.start.saturating_add(LONGEST));
        let bytes = slice(elf, region, body.start, end);
        body.code = Decoder::with_ip(64, bytes, body.start, DecoderOptions::NONE)
            .iter()
            .collect();
        body.link();
        body.trace_stack();
        body
    }

    /// The index of the instruction at `address`.
    pub fn index(&self, address: u64) -> Option<usize> {
        self.code
            .binary_search_by_key(&address, Instruction::ip)
            .ok()
    }

    fn link(&mut self) {
        for (index, at) in self.code.iter().enumerate() {
            match at.flow_control() {
                FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
                    if let Some(to) = self.index(at.near_branch_target()) {
                        self.jumpers.entry(to).or_default().push(index);
                    }
                }
                FlowControl::IndirectBranch => self.indirect.push(index),
                _ => {}
            }
        }
        for index in 0..self.code.len() {
            let fills = matches!(self.code[index].mnemonic(), Mnemonic::Nop | Mnemonic::Int3);
            let dead = fills && self.is_orphan(index);
            self.dead.push(dead);
        }
    }

    /// Whether the instruction is never run.
    pub fn is_dead(&self, index: usize) -> bool {
        self.dead.get(index).copied().unwrap_or(false)
    }

    fn falls_through(&self, index: usize) -> bool {
        if self.is_dead(index) {
            return false;
        }
        let flow = self.code[index].flow_control();
        !matches!(
            flow,
            FlowControl::UnconditionalBranch
                | FlowControl::IndirectBranch
                | FlowControl::Return
                | FlowControl::Exception
        )
    }

    /// The instructions that run before the one at `index`.
    pub fn before(&self, index: usize) -> impl Iterator<Item = usize> {
        let previous = index
            .checked_sub(1)
            .filter(|previous| self.falls_through(*previous));
        let jumpers = self.jumpers.get(&index).map_or(&[][..], Vec::as_slice);
        let orphan = self.is_orphan(index) && !self.is_dead(index);
        let indirect = if orphan { &self.indirect[..] } else { &[] };
        previous
            .into_iter()
            .chain(jumpers.iter().copied())
            .chain(indirect.iter().copied())
    }

    /// What the comparison at the jump `from` says about a register on the way to `to`.
    pub fn equal(&self, from: usize, to: usize) -> Option<(Loc, u64)> {
        let jump = &self.code[from];
        let on_equal = match jump.mnemonic() {
            Mnemonic::Je => true,
            Mnemonic::Jne => false,
            _ => return None,
        };
        let jumps = self.code.get(to)?.ip() == jump.near_branch_target();
        let compare = self.code.get(from.checked_sub(1)?)?;
        if jumps != on_equal
            || compare.op0_kind() != OpKind::Register
            || compare.op0_register().size() < 4
        {
            return None;
        }
        let place = Loc::Reg(register(compare.op0_register())?);
        match compare.mnemonic() {
            Mnemonic::Test if compare.op1_kind() == OpKind::Register => {
                (compare.op1_register() == compare.op0_register()).then_some((place, 0))
            }
            Mnemonic::Cmp if !matches!(compare.op1_kind(), OpKind::Register | OpKind::Memory) => {
                Some((place, compare.immediate(1)))
            }
            _ => None,
        }
    }

    /// Follows the stack pointer from the start along all known ways; what only a table leads to
    /// has the depth of the jump.
    fn trace_stack(&mut self) {
        self.frames = vec![Frame::default(); self.code.len()];
        let mut seen = vec![false; self.code.len()];
        let mut todo = vec![(
            0,
            Frame {
                stack: Some(0),
                base: None,
            },
        )];
        let mut orphans = false;
        loop {
            while let Some((index, frame)) = todo.pop() {
                if index >= self.code.len() || std::mem::replace(&mut seen[index], true) {
                    continue;
                }
                self.frames[index] = frame;
                let after = after(&self.code[index], frame);
                if self.falls_through(index) {
                    todo.push((index + 1, after));
                }
                let target = self.code[index].near_branch_target();
                let jump = self.code[index].flow_control() != FlowControl::Call;
                if let Some(to) = self.index(target).filter(|_| jump && target != 0) {
                    todo.push((to, after));
                }
            }
            let jump = self.indirect.iter().find(|jump| seen[**jump]);
            let (Some(jump), false) = (jump, orphans) else {
                return;
            };
            orphans = true;
            let frame = self.frames[*jump];
            let unseen = (0..seen.len()).filter(|index| !seen[*index] && self.is_orphan(*index));
            todo.extend(unseen.map(|index| (index, frame)));
        }
    }

    fn is_orphan(&self, index: usize) -> bool {
        index != 0 && !self.falls_through(index - 1) && !self.jumpers.contains_key(&index)
    }
}

/// Stack and frame pointer after an instruction.
fn after(at: &Instruction, before: Frame) -> Frame {
    let mut frame = before;
    let target = (at.op0_kind() == OpKind::Register).then(|| at.op0_register());
    match (at.mnemonic(), target) {
        (Mnemonic::Call | Mnemonic::Syscall, _) => {}
        (Mnemonic::Sub | Mnemonic::Add, Some(Register::RSP)) => {
            // A register or memory can hold anything.
            let by = at.try_immediate(1).ok().map(u64::cast_signed);
            let by = match at.mnemonic() {
                Mnemonic::Sub => by.map(i64::wrapping_neg),
                _ => by,
            };
            let moved = before.stack.zip(by);
            frame.stack = moved.map(|(stack, by)| stack.wrapping_add(by));
        }
        (Mnemonic::Lea, Some(Register::RSP)) => frame.stack = address(at, before),
        (Mnemonic::Lea, Some(Register::RBP)) => frame.base = address(at, before),
        (Mnemonic::Mov, Some(Register::RSP)) if at.op1_register() == Register::RBP => {
            frame.stack = before.base
        }
        (Mnemonic::Mov, Some(Register::RBP)) if at.op1_register() == Register::RSP => {
            frame.base = before.stack
        }
        (Mnemonic::Leave, _) => {
            frame.stack = before.base.map(|base| base.wrapping_add(8));
            frame.base = None;
        }
        (Mnemonic::Pop, Some(Register::RBP)) => {
            frame.base = None;
            frame.stack = before.stack.map(|stack| stack.wrapping_add(8));
        }
        (_, Some(Register::RSP))
            if !matches!(
                at.mnemonic(),
                Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Push
            ) =>
        {
            frame.stack = None;
        }
        (Mnemonic::Mov | Mnemonic::Xor, Some(Register::RBP | Register::EBP)) => frame.base = None,
        _ => {
            let by = i64::from(at.stack_pointer_increment());
            frame.stack = before.stack.map(|stack| stack.wrapping_add(by));
        }
    }
    frame
}

/// The stack address that `lea` computes.
fn address(at: &Instruction, frame: Frame) -> Option<i64> {
    match slot(at, frame)? {
        Loc::Slot(distance) => Some(distance),
        Loc::Reg(_) => None,
    }
}
