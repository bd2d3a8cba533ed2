//! Which values several places hold together, followed through the callers of their function.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use iced_x86::{InstructionInfoFactory, Mnemonic};

use super::body::Body;
use super::query::{Ops, Value, finish, values};
use super::step::{Loc, RAX, is_number};
use super::sweep::{Code, Kind};
use crate::elf::Elf;

/// Callers of callers of ... that are followed.
const DEPTH: usize = 9;
/// Most combinations that are kept for one place.
const COMBINATIONS: usize = 64;
/// Most decoded functions that are kept.
const BODIES: usize = 20_000;

/// A value that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Want {
    /// It is known.
    Is(u64),
    /// It is in this place, and still to be changed.
    In(Loc, Ops),
    /// Nobody knows.
    Lost,
}

impl Want {
    /// The content of a place.
    pub fn at(loc: Loc) -> Self {
        Self::In(loc, Ops::new())
    }
}

/// Values that occur together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// In the order in which they were asked for; `None` is unknown.
    pub values: Vec<Option<u64>>,
    /// Where the last of them was decided.
    pub at: u64,
    /// They depend on an argument of a function that nobody in this file calls.
    pub open: bool,
}

/// The numbers of system calls that each of the code's `syscall` instructions can make, in their order;
/// `None` where one of them is not known. `steps` bounds the work.
pub fn numbers(elf: &Elf, code: &Code, steps: usize) -> Vec<Option<Vec<u64>>> {
    let mut resolver = Resolver::new(elf, code, steps);
    let sites = code.syscalls.iter();
    sites
        .map(|&site| {
            let outcomes = resolver.outcomes(site, &[Want::at(RAX)]);
            let values = outcomes.iter().map(|outcome| outcome.values[0]);
            let values: Option<Vec<u64>> = values.collect();
            values.filter(|values| !values.is_empty() && values.iter().all(|v| is_number(*v)))
        })
        .collect()
}

/// Looks for values in one file.
pub(crate) struct Resolver<'f> {
    elf: &'f Elf,
    code: &'f Code,
    bodies: HashMap<usize, Rc<Body>>,
    callers: HashMap<u64, Vec<u64>>,
    info: InstructionInfoFactory,
    /// How many more steps may be made.
    left: usize,
}

impl<'f> Resolver<'f> {
    /// `steps` bounds the work.
    pub fn new(elf: &'f Elf, code: &'f Code, steps: usize) -> Self {
        let mut callers: HashMap<u64, Vec<u64>> = HashMap::new();
        for reference in &code.refs {
            if matches!(reference.kind, Kind::Call | Kind::Jump) {
                callers
                    .entry(reference.to)
                    .or_default()
                    .push(reference.from);
            }
        }
        let (bodies, info) = (HashMap::new(), InstructionInfoFactory::new());
        Self {
            elf,
            code,
            bodies,
            callers,
            info,
            left: steps,
        }
    }

    /// Whether work was cut off.
    pub fn is_exhausted(&self) -> bool {
        self.left == 0
    }

    /// All combinations that `wants` may have before the instruction at `site`.
    pub fn outcomes(&mut self, site: u64, wants: &[Want]) -> Vec<Outcome> {
        let mut search = Search::default();
        self.follow(site, wants.to_vec(), 0, &mut search);
        search.found
    }

    fn body(&mut self, address: u64) -> Rc<Body> {
        let index = self.code.function(address).unwrap_or(usize::MAX);
        if self.bodies.len() > BODIES {
            self.bodies.clear();
        }
        let (elf, code) = (self.elf, self.code);
        let body = self.bodies.entry(index);
        Rc::clone(body.or_insert_with(|| Rc::new(Body::of(elf, code, address))))
    }

    fn follow(&mut self, site: u64, wants: Vec<Want>, depth: usize, search: &mut Search) {
        self.left = self.left.saturating_sub(1);
        if !search.seen.insert((site, wants.clone())) {
            return;
        }
        let body = self.body(site);
        let index = body.index(site).filter(|_| self.left > 0);
        let Some(index) = index else {
            search.note(wants.iter().map(known).collect(), site, false);
            return;
        };
        let mut sets = Vec::new();
        for want in &wants {
            sets.push(match want {
                Want::Is(value) => vec![Value::Const(*value)],
                Want::Lost => vec![Value::Unknown],
                Want::In(loc, ops) => {
                    let found = values(
                        &mut self.info,
                        self.elf,
                        &body,
                        (index, *loc),
                        &mut self.left,
                    );
                    found.into_iter().map(|value| delayed(value, ops)).collect()
                }
            });
        }
        for combination in product(&sets) {
            if combination
                .iter()
                .any(|value| matches!(value, Value::Param(..)))
            {
                self.ask_callers(body.start, site, &combination, depth, search);
            } else {
                search.note(combination.iter().map(constant).collect(), site, false);
            }
        }
    }

    fn ask_callers(
        &mut self,
        start: u64,
        site: u64,
        values: &[Value],
        depth: usize,
        search: &mut Search,
    ) {
        let callers = self.callers.get(&start).cloned().unwrap_or_default();
        if callers.is_empty() || depth == DEPTH {
            search.note(
                values.iter().map(constant).collect(),
                site,
                callers.is_empty(),
            );
            return;
        }
        for caller in callers {
            let body = self.body(caller);
            let index = body.index(caller);
            let call = index.is_some_and(|at| body.code[at].mnemonic() == Mnemonic::Call);
            let stack = index.and_then(|at| body.frames[at].stack);
            let wants = values.iter().map(|value| match value {
                Value::Const(value) => Want::Is(*value),
                Value::Unknown => Want::Lost,
                Value::Param(Loc::Reg(r), ops) => Want::In(Loc::Reg(*r), ops.clone()),
                // The call itself pushes eight bytes.
                Value::Param(Loc::Slot(at), ops) => stack.map_or(Want::Lost, |stack| {
                    let pushed = if call { 8 } else { 0 };
                    Want::In(
                        Loc::Slot(stack.wrapping_add(*at).wrapping_sub(pushed)),
                        ops.clone(),
                    )
                }),
            });
            let wants = wants.collect();
            self.follow(caller, wants, depth + 1, search);
        }
    }
}

#[derive(Default)]
struct Search {
    seen: HashSet<(u64, Vec<Want>)>,
    found: Vec<Outcome>,
}

impl Search {
    fn note(&mut self, values: Vec<Option<u64>>, at: u64, open: bool) {
        let outcome = Outcome { values, at, open };
        if !self.found.contains(&outcome) {
            self.found.push(outcome);
        }
    }
}

fn known(want: &Want) -> Option<u64> {
    match want {
        Want::Is(value) => Some(*value),
        _ => None,
    }
}

fn constant(value: &Value) -> Option<u64> {
    match value {
        Value::Const(value) => Some(*value),
        _ => None,
    }
}

/// A value with further operations on it.
fn delayed(value: Value, ops: &Ops) -> Value {
    match value {
        Value::Const(value) => Value::Const(finish(value, ops)),
        Value::Param(loc, inner) if inner.len() + ops.len() <= 8 => {
            let all = ops.iter().chain(&inner).copied();
            Value::Param(loc, all.collect())
        }
        Value::Param(..) | Value::Unknown => Value::Unknown,
    }
}

/// Each value with each.
fn product(sets: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let mut rows = vec![Vec::new()];
    for set in sets {
        // Too many to tell apart: what is left stays unknown.
        let wide = rows.len().saturating_mul(set.len()) > COMBINATIONS && !rows[0].is_empty();
        let unknown = [Value::Unknown];
        let set = if wide { &unknown[..] } else { &set[..] };
        let extend = |row: &Vec<Value>, value: &Value| {
            let mut row = row.clone();
            row.push(value.clone());
            row
        };
        rows = rows
            .iter()
            .flat_map(|row| set.iter().map(move |value| extend(row, value)))
            .collect();
    }
    rows
}
