//! How a file learns the address of the kernel's entry: its own start looks into the auxiliary vector.

use iced_x86::{FlowControl, Instruction};

use crate::program::Program;
use crate::site::CALL;
use crate::stub::Stubs;

/// At CPL 3 there is nothing to call. Jumps over what follows, which has `rest` bytes.
fn unless_cpl_0(rest: u8) -> [u8; 7] {
    [
        0x8c, 0xc9, // mov %cs, %ecx
        0xf6, 0xc1, 0x03, // test $3, %cl
        0x75, rest, // jne out
    ]
}

/// From the environment, at %rcx, to the auxiliary vector, and in it to `AT_SYSINFO`.
const SEARCH: [u8; 33] = [
    0x48, 0x83, 0xc1, 0x08, // 1: add $8, %rcx
    0x48, 0x83, 0x79, 0xf8, 0x00, // cmpq $0, -8(%rcx)
    0x75, 0xf5, // jne 1b
    0x48, 0x8b, 0x01, // 2: mov (%rcx), %rax
    0x48, 0x85, 0xc0, // test %rax, %rax
    0x74, 0x15, // je out
    0x48, 0x83, 0xc1, 0x10, // add $16, %rcx
    0x48, 0x83, 0xf8, 0x20, // cmp $32, %rax
    0x75, 0xee, // jne 2b
    0x48, 0x8b, 0x41, 0xf8, // mov -8(%rcx), %rax
];
const STORE: [u8; 3] = [0x48, 0x89, 0x05]; // mov %rax, entry(%rip)
/// Bytes of the store with its distance.
const STORE_BYTES: usize = 7;

/// Adds the search; `environment` puts the environment's address into %rcx.
fn add_search(stubs: &mut Stubs, environment: &[u8]) -> Option<()> {
    let rest = environment.len() + SEARCH.len() + STORE_BYTES;
    stubs.add(&unless_cpl_0(u8::try_from(rest).ok()?));
    stubs.add(environment);
    stubs.add(&SEARCH);
    stubs.add_entry(&STORE)
}

/// What is to be written over the first instructions of the program.
pub(crate) struct Start {
    /// The program's entry.
    pub at: u64,
    /// How many bytes are overwritten.
    pub bytes: u64,
    /// What they jump to.
    pub to: u64,
}

/// Adds the hook of a program's start. The header's entry stays: the dynamic linker knows by it
/// whether it was started itself.
pub(crate) fn add_start(program: &Program, stubs: &mut Stubs) -> Option<Start> {
    let entry = program.elf.entry;
    let moved = first(program, entry)?;
    let bytes = moved.last()?.next_ip() - entry;
    let to = stubs.here();
    add_search(
        stubs,
        &[
            0x48, 0x8b, 0x0c, 0x24, // mov (%rsp), %rcx
            0x48, 0x8d, 0x4c, 0xcc, 0x10, // lea 16(%rsp,%rcx,8), %rcx
        ],
    )?;
    stubs.add_moved(&moved)?;
    stubs.add_near(&[0xe9], entry + bytes)?;
    Some(Start {
        at: entry,
        bytes,
        to,
    })
}

/// The first instructions of a program, as many as a jump needs.
fn first(program: &Program, entry: u64) -> Option<Vec<Instruction>> {
    let code = program.instructions(entry)?;
    let index = code.binary_search_by_key(&entry, Instruction::ip).ok()?;
    let mut moved = Vec::new();
    for at in &code[index..] {
        let call = at.flow_control() == FlowControl::Call && at.near_branch_target() != 0;
        if at.flow_control() != FlowControl::Next && !call {
            return None;
        }
        moved.push(*at);
        if at.next_ip() - entry >= CALL {
            let inside = entry + 1..at.next_ip();
            return (!program.is_entered(inside)).then_some(moved);
        }
    }
    None
}

/// Adds a function for `DT_INIT`, which goes on to `old`, the function that was there. Gives its address.
pub(crate) fn add_init(stubs: &mut Stubs, old: Option<u64>) -> Option<u64> {
    let start = stubs.here();
    add_search(
        stubs,
        &[
            0x89, 0xf9, // mov %edi, %ecx
            0x48, 0x8d, 0x4c, 0xce, 0x08, // lea 8(%rsi,%rcx,8), %rcx
        ],
    )?;
    match old {
        Some(old) => stubs.add_near(&[0xe9], old)?,
        None => stubs.add(&[0xc3]),
    }
    Some(start)
}
