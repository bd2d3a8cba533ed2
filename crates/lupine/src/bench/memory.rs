//! The suite `memory`.

use std::fs;
use std::time::Duration;

use lupine_bench::{Measurement, Suite, Unit, smallest};
use miette::{Result, miette};

use super::live::{Live, Until};
use super::{Bench, Subject, measured};

/// How long an application may take to work.
const LIMIT: Duration = Duration::from_secs(60);

/// Looks for the least memory, and then at what the VMM occupies.
///
/// # Errors
/// An application that does not work with its usual memory either.
pub fn measure(bench: &Bench<'_>, suite: &Suite, subject: &Subject) -> Result<Vec<Measurement>> {
    // With all of it, the reason of a failure is the subject's own.
    works(bench, subject, subject.mem_mib)?;
    let least = smallest(1, subject.mem_mib, |mem_mib| {
        Ok::<_, miette::Report>(works(bench, subject, mem_mib).is_ok())
    })?;
    let mut least = least.ok_or_else(|| miette!("it works only sometimes"))?;
    // A busy host lets a guest fail now and then: the greatest that failed has a second try.
    while least > 1 && works(bench, subject, least - 1).is_ok() {
        least -= 1;
    }
    let mut all = vec![measured("least", Unit::Mib, least.into())];
    all.extend(occupied(
        bench,
        subject,
        suite.mem_mib.unwrap_or(subject.mem_mib),
    )?);
    Ok(all)
}

fn works(bench: &Bench<'_>, subject: &Subject, mem_mib: u32) -> Result<()> {
    let staging = bench.store.staging()?;
    let spec = subject.vm_spec(staging.path(), mem_mib)?;
    let mut live = Live::boot(subject, spec, bench.accelerator, bench.limit(LIMIT))?;
    let reached = live.follow(Until::Works);
    live.finish();
    reached.map(drop)
}

/// What the VMM occupies when the application has passed its check, and at most.
fn occupied(bench: &Bench<'_>, subject: &Subject, mem_mib: u32) -> Result<Vec<Measurement>> {
    let staging = bench.store.staging()?;
    let spec = subject.vm_spec(staging.path(), mem_mib)?;
    let mut live = Live::boot(subject, spec, bench.accelerator, bench.limit(LIMIT))?;
    let reached = live.follow(Until::Works);
    let (smaps, status) = (smaps(live.pid()), proc(live.pid(), "status"));
    let outcome = live.finish();
    reached?;
    let fields = [("vmm-rss", "Rss:"), ("vmm-pss", "Pss:")];
    let fields = fields.map(|(metric, name)| (metric, field(&smaps, name)));
    // The supervisor looks when the application starts and ends; this one is killed.
    let peak = field(&status, "VmHWM:").or(outcome.peak_rss_kib);
    let peak = ("vmm-peak-rss", peak);
    let all = fields.into_iter().chain([peak]);
    Ok(all
        .filter_map(|(metric, kib)| Some(measured(metric, Unit::Kib, kib?)))
        .collect())
}

/// What a process occupies; nothing of one that has ended, as the VMM of an application without a check has by then.
pub fn smaps(pid: u32) -> String {
    proc(pid, "smaps_rollup")
}

fn proc(pid: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
}

/// A value in kB of proc(5)'s `smaps_rollup`, `status` or `meminfo`.
pub fn field(smaps: &str, name: &str) -> Option<u64> {
    let line = smaps.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found() {
        let smaps = "55d0-7ffd ---p 00000000 00:00 0   [rollup]\nRss:     884 kB\nPss:     385 kB\nPss_Dirty:   68 kB\n";
        assert_eq!(field(smaps, "Pss:"), Some(385));
        assert_eq!(field("", "Pss:"), None);
    }
}
