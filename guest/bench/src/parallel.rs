//! What a second processor helps with, and what it does not.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::call::Result;
use crate::crossing::cycles;
use crate::measure::{Bench, numbered};
use crate::processes::spawn;
use crate::sys;
use crate::workers::{Kind, Workers, futex_wait, futex_wake};

/// Rounds of a loop while a lock is held, and outside.
const HELD: u64 = 100;
/// Rounds of a loop of one started program: half a millisecond at 4 GHz.
const PROGRAM: u64 = 2_000_000;

/// One end of two semaphores: [to wait for, to post].
type Ends = [&'static AtomicU32; 2];

/// Two threads wake each other in turn.
pub fn semaphore(bench: &Bench, _: u64) -> Result<()> {
    let [a, b] = words()?;
    let mut workers = Workers::new(Kind::Threads)?;
    workers.add(first, [a, b])?;
    workers.add(second, [b, a])?;
    bench.measure(b"semaphore", 1, |count| workers.work(count))
}

fn first([own, other]: Ends, count: u64) -> Result<()> {
    for _ in 0..count {
        post(other);
        take(own);
    }
    Ok(())
}

fn second([own, other]: Ends, count: u64) -> Result<()> {
    for _ in 0..count {
        take(own);
        post(other);
    }
    Ok(())
}

fn post(semaphore: &AtomicU32) {
    semaphore.fetch_add(1, Release);
    futex_wake(semaphore);
}

fn take(semaphore: &AtomicU32) {
    loop {
        let value = semaphore.load(Relaxed);
        if value == 0 {
            futex_wait(semaphore, 0);
        } else if semaphore
            .compare_exchange(value, value - 1, Acquire, Relaxed)
            .is_ok()
        {
            return;
        }
    }
}

/// `amount` threads that all want one lock.
pub fn futex(bench: &Bench, amount: u64) -> Result<()> {
    let [lock, _] = words()?;
    let mut workers = Workers::new(Kind::Threads)?;
    for _ in 0..amount {
        workers.add(contend, lock)?;
    }
    bench.measure(numbered(b"futex", amount).bytes(), amount, |count| {
        workers.work(count)
    })
}

fn contend(lock: &'static AtomicU32, count: u64) -> Result<()> {
    for _ in 0..count {
        acquire(lock);
        cycles(HELD);
        release(lock);
        cycles(HELD);
    }
    Ok(())
}

/// 0 is free, 1 is held, 2 is held and somebody waits.
fn acquire(lock: &AtomicU32) {
    if lock.compare_exchange(0, 1, Acquire, Relaxed).is_ok() {
        return;
    }
    while lock.swap(2, Acquire) != 0 {
        futex_wait(lock, 2);
    }
}

fn release(lock: &AtomicU32) {
    if lock.swap(0, Release) == 2 {
        futex_wake(lock);
    }
}

/// Two words of shared memory.
fn words() -> Result<[&'static AtomicU32; 2]> {
    let page = sys::map(4096, true)?.cast::<AtomicU32>();
    // SAFETY: zeroed memory that stays mapped.
    Ok(unsafe { [&*page, &*page.add(1)] })
}

/// Programs are started, compute and end, `amount` at a time, as make does.
pub fn make(bench: &Bench, amount: u64) -> Result<()> {
    bench.measure(numbered(b"make", amount).bytes(), 1, |count| {
        let mut running = 0;
        for _ in 0..count {
            if running == amount.max(1) {
                sys::wait_any();
                running -= 1;
            }
            spawn(bench, c"spin:1")?;
            running += 1;
        }
        (0..running).for_each(|_| sys::wait_any());
        Ok(())
    })
}

/// One of those programs; with no amount it ends at once.
pub fn spin(_: &Bench, amount: u64) -> Result<()> {
    cycles(amount * PROGRAM);
    Ok(())
}
