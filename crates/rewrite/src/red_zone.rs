//! Whether code may keep anything below the stack pointer.
//!
//! A call writes there. Compilers put variables there in functions that call nothing, and every
//! access to them shows: a negative distance from the stack pointer, from a copy of it, or
//! from a frame pointer beyond what the prologue has reserved.

use std::collections::BTreeSet;

use iced_x86::{FlowControl, Instruction, Mnemonic, OpKind, Register};

use crate::program::Program;

/// Most pieces that may lead to one site.
const PIECES: usize = 200;

/// Whether the red zone is free at `site`: in its piece and in all that may lead there without a call.
pub(crate) fn is_free(program: &Program, site: u64) -> bool {
    let (mut seen, mut todo) = (BTreeSet::new(), vec![program.piece(site).start]);
    while let Some(start) = todo.pop() {
        if !seen.insert(start) {
            continue;
        }
        let clean = program
            .instructions(start)
            .is_some_and(|code| keeps_clear(&code));
        if !clean || seen.len() > PIECES {
            return false;
        }
        let piece = program.piece(start);
        todo.extend(program.runs_on(start));
        let first = program.jumps.partition_point(|jump| jump.0 < piece.start);
        let jumps = program.jumps[first..]
            .iter()
            .take_while(|jump| jump.0 < piece.end);
        let outside = jumps.filter(|jump| !piece.contains(&jump.1) && !program.is_call(jump.1));
        todo.extend(outside.map(|jump| program.piece(jump.1).start));
    }
    true
}

impl Program {
    fn is_call(&self, from: u64) -> bool {
        let refs = self.code.refs_in(from, from + 1);
        refs.iter().any(|r| r.kind == lupine_scan::Kind::Call)
    }
}

/// Whether no instruction reaches below the stack pointer.
fn keeps_clear(code: &[Instruction]) -> bool {
    let copies = copies(code);
    let calls = code.iter().any(|at| {
        at.mnemonic() == Mnemonic::Call || at.flow_control() == FlowControl::IndirectCall
    });
    let framed = code.iter().any(|at| is_copy(at, Register::RBP));
    let room = if framed { reserved(code) } else { 0 };
    code.iter().filter(|at| has_memory(at)).all(|at| {
        let below = at.memory_displacement64().cast_signed();
        match at.memory_base() {
            Register::RSP => below >= 0 && (at.memory_index() == Register::None || calls),
            Register::RBP if framed => below.saturating_neg() <= room,
            base => below >= 0 || !copies.contains(&base),
        }
    })
}

fn has_memory(at: &Instruction) -> bool {
    (0..at.op_count()).any(|index| at.op_kind(index) == OpKind::Memory)
}

fn is_copy(at: &Instruction, to: Register) -> bool {
    at.mnemonic() == Mnemonic::Mov
        && at.op0_kind() == OpKind::Register
        && at.op0_register() == to
        && at.op1_kind() == OpKind::Register
        && at.op1_register() == Register::RSP
}

/// Registers, the frame pointer left out, that the stack pointer is copied to.
fn copies(code: &[Instruction]) -> Vec<Register> {
    let written = code.iter().filter(|at| at.op0_kind() == OpKind::Register);
    let copied = written.filter(|at| is_copy(at, at.op0_register()));
    let targets = copied.map(Instruction::op0_register);
    targets.filter(|to| *to != Register::RBP).collect()
}

/// Bytes below the frame pointer that the prologue reserves before the first jump or call.
fn reserved(code: &[Instruction]) -> i64 {
    let prologue = code.iter().skip_while(|at| !is_copy(at, Register::RBP));
    let prologue = prologue.take_while(|at| at.flow_control() == FlowControl::Next);
    prologue
        .map(|at| match at.mnemonic() {
            Mnemonic::Push => 8,
            Mnemonic::Pop => -8,
            Mnemonic::Sub if at.op0_register() == Register::RSP => constant(at),
            Mnemonic::Add if at.op0_register() == Register::RSP => -constant(at),
            _ => 0,
        })
        .sum()
}

fn constant(at: &Instruction) -> i64 {
    match at.op1_kind() {
        OpKind::Register | OpKind::Memory => 0,
        _ => at.immediate(1).cast_signed(),
    }
}
