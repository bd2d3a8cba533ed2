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

/// All values that `loc` may have before instruction `index`.
pub(super) fn values(
    info: &mut InstructionInfoFactory,
    elf: &Elf,
    body: &Body,
    index: usize,
    loc: Loc,
) -> Vec<Value> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut todo = Vec::new();
    let mut note = |value: Value| {
        if !found.contains(&value) {
            found.push(value);
        }
    };
    enter(body, index, (loc, Ops::new()), &mut todo, &mut note);
    while let Some((index, loc, ops)) = todo.pop() {
        if seen.len() > WAYS {
            note(Value::Unknown);
            break;
        }
        if !seen.insert((index, loc, ops.clone())) {
            continue;
        }
        let mut go_on = |loc, ops| enter(body, index, (loc, ops), &mut todo, &mut note);
        match step(info, &body.code[index], body.frames[index], loc) {
            Step::Pass => go_on(loc, ops),
            Step::Copy(other) => go_on(other, ops),
            Step::Either(other) => {
                go_on(other, ops.clone());
                go_on(loc, ops);
            }
            Step::Change(from, op, by) if ops.len() < OPS => {
                let mut ops = ops;
                ops.push((op, by));
                go_on(from, ops);
            }
            Step::LowByte(value) if ops.len() + 1 < OPS => {
                let mut ops = ops;
                ops.extend([(Op::Or, value), (Op::And, !0xff)]);
                go_on(loc, ops);
            }
            Step::Linear(from, by, add) if ops.len() + 1 < OPS => {
                let mut ops = ops;
                ops.extend([(Op::Add, add), (Op::Mul, by)]);
                go_on(from, ops);
            }
            Step::Const(one, other) => {
                let both = [Some(one), other].into_iter().flatten();
                both.for_each(|value| note(Value::Const(finish(value, &ops))));
            }
            Step::Load(address, size) => loaded(elf, address, size, &ops, &mut note),
            Step::Change(..) | Step::Linear(..) | Step::LowByte(_) | Step::Unknown => {
                note(Value::Unknown)
            }
        }
    }
    if found.is_empty() {
        found.push(Value::Unknown);
    }
    found
}

/// The value that a variable has at the start. What may be written may have another one later.
fn loaded(elf: &Elf, address: u64, size: usize, ops: &Ops, note: &mut impl FnMut(Value)) {
    let bytes = elf
        .at(address)
        .get(..size)
        .filter(|_| matches!(size, 4 | 8));
    let value = bytes.map(|bytes| {
        bytes
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | u64::from(*byte))
    });
    // Zero says nothing: it is what comes before an initialisation.
    if let Some(value) = value.filter(|value| *value != 0) {
        note(Value::Const(finish(value, ops)));
    }
    if value.is_none_or(|value| value == 0) || elf.is_writable(address) {
        note(Value::Unknown);
    }
}

/// Goes on with all instructions before `index`; at the function's start the caller decides.
fn enter(
    body: &Body,
    index: usize,
    (loc, ops): (Loc, Ops),
    todo: &mut Vec<(usize, Loc, Ops)>,
    note: &mut impl FnMut(Value),
) {
    let mut any = index == 0;
    if any {
        note(Value::Param(loc, ops.clone()));
    }
    for before in body.before(index) {
        any = true;
        match body.equal(before, index) {
            Some((place, value)) if place == loc => note(Value::Const(finish(value, &ops))),
            _ => todo.push((before, loc, ops.clone())),
        }
    }
    if !any && !body.is_dead(index) {
        note(Value::Unknown);
    }
}
