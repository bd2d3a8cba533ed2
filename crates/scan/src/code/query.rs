//! Which values a place may hold before an instruction, as far as one function shows.

use std::collections::HashSet;

use iced_x86::InstructionInfoFactory;

use super::body::Body;
use super::step::{Loc, Op, Step, step};
use crate::elf::Elf;

/// Operations that are still to be applied, the last one first.
pub(crate) type Ops = Vec<(Op, u64)>;

/// Most operations that are kept, and most ways that are walked.
const OPS: usize = 4;
const WAYS: usize = 4000;

/// One possible value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Value {
    Const(u64),
    /// What the caller left in this place, changed by these operations.
    Param(Loc, Ops),
    Unknown,
}

/// `value` after the operations.
pub(super) fn finish(value: u64, ops: &Ops) -> u64 {
    ops.iter()
        .rev()
        .fold(value, |value, (op, by)| op.apply(value, *by))
}

/// All values that `loc` may have before instruction `index`; `left` bounds the steps.
pub(super) fn values(
    info: &mut InstructionInfoFactory,
    elf: &Elf,
    body: &Body,
    (index, loc): (usize, Loc),
    left: &mut usize,
) -> Vec<Value> {
    let mut walk = Walk {
        body,
        found: Vec::new(),
        todo: Vec::new(),
    };
    let mut seen = HashSet::new();
    walk.enter(index, loc, Ops::new());
    while let Some((index, loc, ops)) = walk.todo.pop() {
        *left = left.saturating_sub(1);
        if seen.len() > WAYS || *left == 0 {
            walk.note(Value::Unknown);
            break;
        }
        if seen.insert((index, loc, ops.clone())) {
            let step = step(info, &body.code[index], body.frames[index], loc);
            walk.back(elf, step, index, loc, ops);
        }
    }
    if walk.found.is_empty() {
        walk.found.push(Value::Unknown);
    }
    walk.found
}

struct Walk<'b> {
    body: &'b Body,
    found: Vec<Value>,
    todo: Vec<(usize, Loc, Ops)>,
}

impl Walk<'_> {
    fn note(&mut self, value: Value) {
        if !self.found.contains(&value) {
            self.found.push(value);
        }
    }

    /// Goes from behind instruction `index` to before it.
    fn back(&mut self, elf: &Elf, step: Step, index: usize, loc: Loc, ops: Ops) {
        match step {
            Step::Pass => self.enter(index, loc, ops),
            Step::Copy(other) => self.enter(index, other, ops),
            Step::Either(other) => {
                self.enter(index, other, ops.clone());
                self.enter(index, loc, ops);
            }
            Step::Change(from, op, by) => self.change(index, from, ops, &[(op, by)]),
            Step::LowByte(value) => {
                self.change(index, loc, ops, &[(Op::Or, value), (Op::And, !0xff)]);
            }
            Step::Linear(from, by, add) => {
                self.change(index, from, ops, &[(Op::Add, add), (Op::Mul, by)]);
            }
            Step::Const(one, other) => {
                let both = [Some(one), other].into_iter().flatten();
                both.for_each(|value| self.note(Value::Const(finish(value, &ops))));
            }
            Step::Load(address, size) => self.load(elf, address, size, &ops),
            Step::Unknown => self.note(Value::Unknown),
        }
    }

    /// Goes on with more operations to be applied, the last one first.
    fn change(&mut self, index: usize, from: Loc, mut ops: Ops, more: &[(Op, u64)]) {
        if ops.len() + more.len() > OPS {
            return self.note(Value::Unknown);
        }
        ops.extend(more);
        self.enter(index, from, ops);
    }

    /// The value that a variable has at the start. What may be written may have another one later.
    fn load(&mut self, elf: &Elf, address: u64, size: usize, ops: &Ops) {
        let bytes = elf.at(address).get(..size);
        let bytes = bytes.filter(|bytes| matches!(bytes.len(), 4 | 8));
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .rev()
                .fold(0, |n, byte| n << 8 | u64::from(*byte))
        };
        // Zero says nothing: it is what comes before an initialisation.
        let value = bytes.map(number).filter(|value| *value != 0);
        if let Some(value) = value {
            self.note(Value::Const(finish(value, ops)));
        }
        if value.is_none() || elf.is_writable(address) {
            self.note(Value::Unknown);
        }
    }

    /// Goes on with all instructions before `index`; at the function's start the caller decides.
    fn enter(&mut self, index: usize, loc: Loc, ops: Ops) {
        let body = self.body;
        let mut any = index == 0;
        if any {
            self.note(Value::Param(loc, ops.clone()));
        }
        for before in body.before(index) {
            any = true;
            match body.equal(before, index) {
                Some((place, value)) if place == loc => {
                    self.note(Value::Const(finish(value, &ops)));
                }
                _ => self.todo.push((before, loc, ops.clone())),
            }
        }
        if !any && !body.is_dead(index) {
            self.note(Value::Unknown);
        }
    }
}
