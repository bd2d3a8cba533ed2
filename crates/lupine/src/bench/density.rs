//! Suites of the kind `density`: guests beside each other, until the machine or the suite has enough.

use std::fs;
use std::time::Duration;

use lupine_bench::{Measurement, Suite, Unit};
use miette::{Result, WrapErr, miette};

use super::live::{Live, Until};
use super::memory::{field, smaps};
use super::{Bench, Subject, measured, nanoseconds};

/// How long a guest may take to answer.
const LIMIT: Duration = Duration::from_secs(300);
/// What the host keeps for itself.
const RESERVE_KIB: u64 = 512 * 1024;

/// Starts one guest after the other, each when the one before has passed its check.
///
/// # Errors
/// When not even the first works; an application that ends by itself.
pub fn measure(bench: &Bench<'_>, suite: &Suite, subject: &Subject) -> Result<Vec<Measurement>> {
    if subject.check.is_none() {
        return Err(miette!("it ends by itself: there is no room that it takes"));
    }
    let free_kib = available()?;
    let mut guests = Vec::new();
    let mut times = Vec::new();
    while guests.len() < suite.guests as usize && has_room(&guests)? {
        let started = one_more(bench, suite, subject);
        match started {
            Ok((guest, time)) => {
                guests.push(guest);
                times.push(time);
            }
            Err(report) if guests.is_empty() => return Err(report),
            Err(report) => {
                let place = guests.len() + 1;
                return Err(report).wrap_err_with(|| format!("guest {place}"));
            }
        }
    }
    let each_kib = together_kib(&guests) / guests.len().max(1) as u64;
    let count = guests.len() as u64;
    guests
        .into_iter()
        .for_each(|guest| drop(guest.live.finish()));
    let fit = free_kib.saturating_sub(RESERVE_KIB) / each_kib.max(1);
    let time = |time: Option<&Duration>| nanoseconds(time.copied().unwrap_or_default());
    Ok(vec![
        measured("started", Unit::Guests, count),
        measured("fit", Unit::Guests, fit.max(count)),
        measured("pss", Unit::Kib, each_kib),
        measured("first-ready", Unit::Nanoseconds, time(times.first())),
        measured("last-ready", Unit::Nanoseconds, time(times.last())),
    ])
}

/// A guest and its private directory.
struct Guest {
    live: Live,
    _dir: lupine_store::Staging,
}

/// Boots one and waits until it works; gives the time from the VMM's start to its answer.
fn one_more(bench: &Bench<'_>, suite: &Suite, subject: &Subject) -> Result<(Guest, Duration)> {
    let dir = bench.store.staging()?;
    let mem_mib = suite.mem_mib.unwrap_or(subject.mem_mib);
    let spec = subject.vm_spec(dir.path(), mem_mib)?;
    let mut live = Live::boot(subject, spec, bench.accelerator, bench.limit(LIMIT))?;
    let reached = live.follow(Until::Works);
    let guest = Guest { live, _dir: dir };
    match reached {
        Ok(reached) => Ok((guest, reached.app_ready.unwrap_or_default())),
        Err(report) => {
            guest.live.finish();
            Err(report)
        }
    }
}

/// Whether the host has memory for one more like those that run.
fn has_room(guests: &[Guest]) -> Result<bool> {
    let each_kib = together_kib(guests) / guests.len().max(1) as u64;
    Ok(available()? > RESERVE_KIB + each_kib)
}

/// Proportional sets: what several share is counted once.
fn together_kib(guests: &[Guest]) -> u64 {
    let pss = |guest: &Guest| field(&smaps(guest.live.pid()), "Pss:").unwrap_or_default();
    guests.iter().map(pss).sum()
}

/// KiB that the host has for new processes.
fn available() -> Result<u64> {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    field(&text, "MemAvailable:")
        .ok_or_else(|| miette!("the host does not say how much memory it has"))
}
