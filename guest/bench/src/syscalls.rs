//! Calls that one process makes alone.

use core::ffi::CStr;

use crate::call::{Result, call};
use crate::measure::{Bench, numbered};
use crate::sys;

const STAT: usize = 4;
const FSTAT: usize = 5;
const SELECT: usize = 23;

/// Every kernel with a device file system has them.
const ZERO: &CStr = c"/dev/zero";
const NULL: &CStr = c"/dev/null";
const READ_WRITE: usize = 2;
/// `struct stat`.
const STAT_BYTES: usize = 144;
/// Descriptors that a set can hold, and words of 64.
const SET: usize = 1024;
const WORDS: usize = SET / 64;

/// The least that a call can do.
pub fn null(bench: &Bench, _: u64) -> Result<()> {
    null_as(bench, b"null")
}

/// The same by another name.
pub fn null_as(bench: &Bench, name: &[u8]) -> Result<()> {
    bench.measure(name, 1, |count| {
        for _ in 0..count {
            sys::getppid();
        }
        Ok(())
    })
}

/// One byte of /dev/zero.
pub fn read(bench: &Bench, _: u64) -> Result<()> {
    let fd = sys::open(ZERO, READ_WRITE)?;
    let mut byte = [0];
    bench.measure(b"read", 1, |count| {
        (0..count).try_for_each(|_| sys::read(fd, &mut byte).map(drop))
    })?;
    sys::close(fd);
    Ok(())
}

/// One byte to /dev/null.
pub fn write(bench: &Bench, _: u64) -> Result<()> {
    let fd = sys::open(NULL, READ_WRITE)?;
    bench.measure(b"write", 1, |count| {
        (0..count).try_for_each(|_| sys::write(fd, &[0]).map(drop))
    })?;
    sys::close(fd);
    Ok(())
}

/// Facts about this program's file, by its path.
pub fn stat(bench: &Bench, _: u64) -> Result<()> {
    let mut facts = [0_u8; STAT_BYTES];
    let arguments = [bench.program.as_ptr() as usize, facts.as_mut_ptr() as usize];
    bench.measure(b"stat", 1, |count| repeat(count, STAT, arguments))
}

/// The same of an open file.
pub fn fstat(bench: &Bench, _: u64) -> Result<()> {
    let fd = sys::open(NULL, READ_WRITE)?;
    let mut facts = [0_u8; STAT_BYTES];
    let arguments = [fd, facts.as_mut_ptr() as usize];
    bench.measure(b"fstat", 1, |count| repeat(count, FSTAT, arguments))?;
    sys::close(fd);
    Ok(())
}

/// Makes a call that writes facts to its second argument.
fn repeat(count: u64, number: usize, [of, facts]: [usize; 2]) -> Result<()> {
    for _ in 0..count {
        // SAFETY: a path or a descriptor, and room for the facts.
        unsafe { call(number, [of, facts, 0, 0, 0, 0]) }?;
    }
    Ok(())
}

/// Opens /dev/zero and closes it.
pub fn open_close(bench: &Bench, _: u64) -> Result<()> {
    bench.measure(b"open-close", 1, |count| {
        for _ in 0..count {
            sys::close(sys::open(ZERO, READ_WRITE)?);
        }
        Ok(())
    })
}

/// Asks whether one of `amount` pipes can be read, which none can.
pub fn select(bench: &Bench, amount: u64) -> Result<()> {
    let [reader, writer] = sys::pipe()?;
    let mut wanted = [0_u64; WORDS];
    let mut fds = [0; SET];
    let fds = &mut fds[..(amount as usize).min(SET / 2)];
    for fd in fds.iter_mut() {
        *fd = sys::dup(reader)?;
        wanted[*fd / 64] |= 1 << (*fd % 64);
    }
    let most = fds.iter().max().map_or(0, |most| most + 1);
    let done = bench.measure(numbered(b"select", amount).bytes(), 1, |count| {
        (0..count).try_for_each(|_| select_once(most, wanted))
    });
    fds.iter()
        .chain(&[reader, writer])
        .for_each(|fd| sys::close(*fd));
    done
}

fn select_once(most: usize, mut set: [u64; WORDS]) -> Result<()> {
    let time = [0_u64; 2];
    let arguments = [
        most,
        (&raw mut set) as usize,
        0,
        0,
        (&raw const time) as usize,
        0,
    ];
    // SAFETY: the set has more bits than `most`; a time of two words.
    unsafe { call(SELECT, arguments) }.map(drop)
}
