//! The suite `start`: the command as a user types it.

use std::path::Path;
use std::time::{Duration, Instant};

use lupine_bench::{Measurement, Unit};
use lupine_tool::Tool;
use miette::{Result, WrapErr, miette};

use super::live::{Live, Until};
use super::{Bench, Subject, measured, nanoseconds};

/// How long the application may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs the application by `lupine run`, and once more without.
///
/// # Errors
/// Why one of them fails.
pub fn measure(bench: &Bench<'_>, subject: &Subject) -> Result<Vec<Measurement>> {
    let run = by_command(bench, subject).wrap_err("lupine run")?;
    let vmm = alone(bench, subject)?;
    let all = [("run", run), ("vmm", vmm)];
    let all = all.map(|(name, time)| measured(name, Unit::Nanoseconds, nanoseconds(time)));
    Ok(all.into())
}

fn by_command(bench: &Bench<'_>, subject: &Subject) -> Result<Duration> {
    let Some(words) = &subject.words else {
        return Err(miette!("it builds its own kernels and takes no other"));
    };
    let publish = subject.check.iter().flat_map(|check| check.ports());
    let publish = publish.map(|port| format!("--publish=127.0.0.1:0:{port}"));
    let flags: &[&str] = match subject.check {
        Some(_) => &["--detach", "--wait-ready"],
        None => &["--rm"],
    };
    let run = lupine(bench.store.root(), bench.limit(LIMIT))?
        .arg("run")
        .args(flags)
        .args(publish)
        .args(["--memory", &format!("{}m", subject.mem_mib)])
        .args(["--accel", &bench.accelerator.to_string()])
        .args(words);
    let start = Instant::now();
    let output = run.run()?;
    let time = start.elapsed();
    if subject.check.is_some() {
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let rm = lupine(bench.store.root(), LIMIT)?;
        rm.args(["rm", "--force", &name]).run()?;
    }
    Ok(time)
}

/// This very program, on the cache of that directory.
pub fn lupine(cache: &Path, limit: Duration) -> Result<Tool> {
    Ok(crate::own::program()?
        .env("LUPINE_CACHE", cache)
        .env("LUPINE_NO_LEARN", "1")
        .timeout(limit))
}

fn alone(bench: &Bench<'_>, subject: &Subject) -> Result<Duration> {
    let staging = bench.store.staging()?;
    let spec = subject.vm_spec(staging.path(), subject.mem_mib)?;
    let mut live = Live::boot(subject, spec, bench.accelerator, bench.limit(LIMIT))?;
    let reached = live.follow(Until::Works);
    live.finish();
    let ready = reached?.app_ready;
    ready.ok_or_else(|| miette!("nobody saw it answer"))
}
