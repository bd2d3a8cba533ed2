//! The verb: from a file to a file that calls.

use lupine_scan::{Elf, numbers};
use object::Endianness;
use object::elf::FileHeader64;
use object::read::elf::FileHeader;

use crate::Report;
use crate::file::{Dynamic, Room};
use crate::frames::extended;
use crate::hook::{add_init, add_start};
use crate::privileged::halts;
use crate::program::Program;
use crate::site::{CALL, Form, Numbers, Site, judge};
use crate::stub::Stubs;

/// Steps that looking for the numbers of system calls may take.
const STEPS: usize = 4_000_000;
/// Not an instruction in 64-bit mode, and never to be one: what `ud2` is in two bytes.
const UDB: u8 = 0xd6;

/// A file that calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The whole file. `None` when nothing could be changed.
    pub bytes: Option<Vec<u8>>,
    /// What became of its `syscall` instructions.
    pub report: Report,
}

/// Rewrites an ELF file.
///
/// # Errors
/// Why the file was left whole, for a person.
pub fn rewrite(bytes: Vec<u8>) -> Result<Rewritten, String> {
    let program = Program::parse(bytes)?;
    let (mut sites, mut report) = judged(&program);
    let mut bytes = program.elf.bytes.clone();
    if !sites.is_empty()
        && let Err(why) = add_calls(&program, &sites, &mut bytes)
    {
        (report.calls, report.kept) = (0, Some(why));
        bytes.clone_from(&program.elf.bytes);
        sites.clear();
    }
    let halts = halts(&program);
    report.traps = halts.len();
    for at in halts {
        write(&program, &mut bytes, at, &[UDB]).ok_or("its code is not in the file")?;
    }
    check(&bytes, &program, &sites)?;
    let changed = bytes != program.elf.bytes;
    Ok(Rewritten {
        bytes: changed.then_some(bytes),
        report,
    })
}

fn judged(program: &Program) -> (Vec<Site>, Report) {
    let sites = program.code.syscalls.iter().copied();
    let numbers = numbers(&program.elf, &program.code, STEPS);
    let numbers: Numbers = sites.zip(numbers).collect();
    let (mut report, mut can) = (Report::default(), Vec::new());
    report.sites = numbers.len();
    for &site in numbers.keys() {
        match judge(program, &numbers, program.form(), site) {
            Ok(site) => can.push(site),
            Err(why) => *report.left.entry(why).or_default() += 1,
        }
    }
    report.calls = can.len();
    (can, report)
}

/// Adds the stubs and what tells them the entry, and writes the calls.
fn add_calls(program: &Program, sites: &[Site], bytes: &mut Vec<u8>) -> Result<(), String> {
    if program.elf.go {
        return Err("Go has stacks and unwind tables of its own".into());
    }
    let far = || "its code is too far from where more can be".to_owned();
    let room = Room::find(bytes)?;
    let mut stubs = Stubs::new(room.code, room.word);
    let start = add_start(program, &mut stubs);
    let library = Dynamic::of_library(bytes);
    if start.is_none() && library.is_none() {
        return Err("its start cannot be hooked".into());
    }
    if let Some(library) = library {
        let init = add_init(&mut stubs, library.init()).ok_or_else(far)?;
        let init = library.with_init(init);
        let (at, entry) = init.ok_or("there is no room for a first function")?;
        bytes[at..at + entry.len()].copy_from_slice(&entry);
    }
    stubs.add_common(program.form()).ok_or_else(far)?;
    for site in sites {
        let stub = stubs.stub(&site.moved).ok_or_else(far)?;
        let call = branch(0xe8, site.end - CALL, stub).ok_or_else(far)?;
        let mut new = nops(site.end - CALL - site.start);
        new.extend(call);
        write(program, bytes, site.start, &new).ok_or_else(far)?;
    }
    if let Some(start) = start {
        let mut new = branch(0xe9, start.at, start.to).ok_or_else(far)?.to_vec();
        new.extend(nops(start.bytes - CALL));
        write(program, bytes, start.at, &new).ok_or_else(far)?;
    }
    let called = stubs.called();
    let at = stubs.here().next_multiple_of(8);
    let mut code = stubs.into_bytes();
    code.resize(usize::try_from(at - room.code).unwrap_or(0), 0);
    let mut frames = None;
    if program.form() == Form::Whole && program.elf.frame_table().is_some() {
        let (table, from) = extended(&program.elf, &called, at)
            .ok_or("its unwind tables are of an unknown form")?;
        frames = Some((at + from as u64, (table.len() - from) as u64));
        code.extend(table);
    }
    room.add(bytes, &code, frames);
    Ok(())
}

/// A jump or call at `at`.
fn branch(opcode: u8, at: u64, to: u64) -> Option<[u8; 5]> {
    let distance = to.wrapping_sub(at + CALL).cast_signed();
    let [a, b, c, d] = i32::try_from(distance).ok()?.to_le_bytes();
    Some([opcode, a, b, c, d])
}

/// Instructions that do nothing, as few as fit.
fn nops(mut count: u64) -> Vec<u8> {
    const NOPS: [&[u8]; 9] = [
        &[0x90],
        &[0x66, 0x90],
        &[0x0f, 0x1f, 0x00],
        &[0x0f, 0x1f, 0x40, 0x00],
        &[0x0f, 0x1f, 0x44, 0x00, 0x00],
        &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
        &[0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
        &[0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
        &[0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
    ];
    let mut bytes = Vec::new();
    while count > 0 {
        let take = count.min(9);
        bytes.extend(NOPS[take as usize - 1]);
        count -= take;
    }
    bytes
}

/// Writes over code.
fn write(program: &Program, bytes: &mut [u8], at: u64, new: &[u8]) -> Option<()> {
    let mut regions = program.elf.code.iter();
    let region = regions.find(|r| r.address <= at && at + new.len() as u64 <= r.end())?;
    let start = region.range.start + usize::try_from(at - region.address).ok()?;
    bytes
        .get_mut(start..start + new.len())?
        .copy_from_slice(new);
    Some(())
}

/// Reads the new file as everybody would.
fn check(bytes: &[u8], old: &Program, sites: &[Site]) -> Result<(), String> {
    let broken = |what: &str| format!("rewriting broke {what}: please report the file");
    let header = FileHeader64::<Endianness>::parse(bytes).map_err(|_| broken("its header"))?;
    let sections = header.section_headers(Endianness::Little, bytes);
    sections.map_err(|_| broken("its sections"))?;
    let new = Elf::parse(bytes.to_vec()).map_err(|_| broken("it"))?;
    let same = new.problems.is_empty()
        && new.entry == old.elf.entry
        && new.exports.len() == old.elf.exports.len()
        && new.pointers == old.elf.pointers;
    let calls = sites.iter().all(|site| {
        let call = new.at(site.end - CALL);
        let distance = call
            .get(1..5)
            .and_then(|d| d.try_into().ok())
            .map(i32::from_le_bytes);
        let to = distance.map(|distance| site.end.wrapping_add_signed(distance.into()));
        call.first() == Some(&0xe8) && to.is_some_and(|to| !new.at(to).is_empty())
    });
    (same && calls)
        .then_some(())
        .ok_or_else(|| broken("its tables"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nops_are_whole_instructions() {
        for count in 0..40u64 {
            let bytes = nops(count);
            assert_eq!(bytes.len() as u64, count);
            let mut decoder = iced_x86::Decoder::new(64, &bytes, 0);
            assert!(
                decoder
                    .iter()
                    .all(|at| at.mnemonic() == iced_x86::Mnemonic::Nop)
            );
        }
    }
}
