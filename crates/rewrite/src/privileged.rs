//! Instructions that do not fault at CPL 0.

use std::collections::BTreeMap;

use iced_x86::{Instruction, Mnemonic};

use crate::program::Program;

/// How often each instruction is in the file that a program at CPL 0 executes where one at CPL 3 is stopped.
/// Left out are what does not read as code, and the `hlt` behind a program's start, which nothing reaches.
///
/// # Errors
/// What is wrong with the file, for a person.
pub fn privileged(bytes: Vec<u8>) -> Result<BTreeMap<String, usize>, String> {
    let program = Program::parse(bytes)?;
    let mut found = BTreeMap::new();
    for at in all(&program) {
        *found.entry(name(&at)).or_default() += 1;
    }
    Ok(found)
}

fn name(at: &Instruction) -> String {
    match at.mnemonic() {
        Mnemonic::Mov => "mov of a control register".into(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The `hlt` instructions among them.
pub(crate) fn halts(program: &Program) -> Vec<u64> {
    let halts = all(program).filter(|at| at.mnemonic() == Mnemonic::Hlt);
    halts.map(|at| at.ip()).collect()
}

fn all(program: &Program) -> impl Iterator<Item = Instruction> {
    let entry = program.piece(program.elf.entry);
    let starts = program.code.starts.iter();
    let others = starts.filter(move |start| !entry.contains(start));
    let pieces = others.filter_map(|&start| program.instructions(start));
    pieces.flatten().filter(Instruction::is_privileged)
}
