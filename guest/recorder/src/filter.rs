//! Lets the calls that say nothing of a kernel pass without a stop, where the
//! kernel can filter (SECCOMP_FILTER) and we are root. Otherwise every call stops.

use alloc::vec::Vec;

use crate::rules::Rules;
use crate::sys::{Result, call};

const SECCOMP: usize = 317;
const SET_MODE_FILTER: usize = 1;
const RET_ALLOW: u32 = 0x7fff_0000;
const RET_TRACE: u32 = 0x7ff0_0000;
const X86_64: u32 = 0xc000_003e;

/// Instructions: load a word, bitwise and, jump if equal, return.
const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
/// Where the filter finds number, architecture and the low half of mmap's flags.
const AT_NR: u32 = 0;
const AT_ARCH: u32 = 4;
const AT_FLAGS: u32 = 16 + 3 * 8;

const MMAP: u32 = 9;
/// MAP_SHARED and MAP_HUGETLB: without them every kernel can.
const MAP_SPECIAL: u32 = 0x4_0001;

/// Calls that every kernel has, whatever its configuration, and that no argument makes special: read write close fstat
/// poll lseek, mprotect munmap brk, rt_sig*, pread64 pwrite64 readv writev, pipe select sched_yield mremap, dup dup2,
/// getpid, fork vfork, exit wait4 kill uname, fsync ftruncate getdents getcwd, umask gettimeofday getrlimit getrusage
/// sysinfo, setpgid getppid getpgrp setsid getpgid getsid, rt_sig*, sigaltstack, gettid tkill, getdents64
/// set_tid_address, exit_group tgkill waitid, pselect6 ppoll, dup3 pipe2 preadv pwritev prlimit64 close_range.
const ORDINARY: [u32; 64] = [
    0, 1, 3, 5, 7, 8, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 22, 23, 24, 25, 32, 33, 39, 57, 58,
    60, 61, 62, 63, 74, 77, 78, 79, 95, 96, 97, 98, 99, 109, 110, 111, 112, 121, 124, 127, 128,
    129, 130, 131, 186, 200, 217, 218, 231, 234, 247, 270, 271, 292, 293, 295, 296, 302, 436,
];

/// Whether a call of the 64-bit interface tells nothing.
pub fn is_ordinary(nr: u64, args: &[u64; 6]) -> bool {
    let nr = u32::try_from(nr).unwrap_or(u32::MAX);
    let is_plain_mmap = nr == MMAP && args[3] as u32 & MAP_SPECIAL == 0;
    is_plain_mmap || ORDINARY.binary_search(&nr).is_ok()
}

/// One instruction, as the kernel reads it.
#[repr(C)]
struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    operand: u32,
}

#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

fn plain(code: u16, operand: u32) -> Instruction {
    jump(code, operand, 0, 0)
}

fn jump(code: u16, operand: u32, if_true: u8, if_false: u8) -> Instruction {
    Instruction {
        code,
        if_true,
        if_false,
        operand,
    }
}

/// The filter: what is ordinary and no rule names is allowed, the rest stops.
fn program(rules: &Rules) -> Vec<Instruction> {
    let mmap = if rules.name(MMAP) { u32::MAX } else { MMAP };
    let mut program = Vec::from([
        plain(LOAD, AT_ARCH),
        jump(JUMP_EQUAL, X86_64, 1, 0),
        plain(RETURN, RET_TRACE),
        plain(LOAD, AT_NR),
        jump(JUMP_EQUAL, mmap, 0, 5),
        plain(LOAD, AT_FLAGS),
        plain(AND, MAP_SPECIAL),
        jump(JUMP_EQUAL, 0, 1, 0),
        plain(RETURN, RET_TRACE),
        plain(RETURN, RET_ALLOW),
    ]);
    choose(&borders(rules), RET_TRACE, &mut program);
    program
}

/// The numbers from which on there is another answer: allowed, stopped, allowed and so on.
fn borders(rules: &Rules) -> Vec<u32> {
    let mut borders = Vec::new();
    for &nr in ORDINARY.iter().filter(|nr| !rules.name(**nr)) {
        if borders.last() == Some(&nr) {
            borders.pop();
        } else {
            borders.push(nr);
        }
        borders.push(nr + 1);
    }
    borders
}

/// Answers by halving: when a filter is installed, the kernel tries it on every number. Below the first border the
/// answer is `below`.
fn choose(borders: &[u32], below: u32, program: &mut Vec<Instruction>) {
    let (first, rest) = borders.split_at(borders.len() / 2);
    let Some((border, above)) = rest.split_first() else {
        program.push(plain(RETURN, below));
        return;
    };
    let flipped = first.len() % 2 == 1;
    let here = if flipped { other(below) } else { below };
    let at = program.len();
    program.push(jump(JUMP_AT_LEAST, *border, 0, 0));
    choose(first, below, program);
    program[at].if_true = (program.len() - at - 1) as u8;
    choose(above, other(here), program);
}

fn other(answer: u32) -> u32 {
    match answer {
        RET_ALLOW => RET_TRACE,
        _ => RET_ALLOW,
    }
}

/// Puts the filter over this process and its children for ever. It needs root,
/// because it does not forbid new privileges, which the program may want.
pub fn install(rules: &Rules) -> Result<()> {
    let instructions = program(rules);
    let program = Program {
        length: instructions.len() as u16,
        instructions: instructions.as_ptr(),
    };
    let address = (&raw const program) as usize;
    // SAFETY: the kernel reads the program, whose instructions are alive.
    unsafe { call(SECCOMP, [SET_MODE_FILTER, 0, address, 0, 0, 0]) }.map(drop)
}
