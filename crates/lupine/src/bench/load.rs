//! The suite `apps`: clients on the host load a server in a guest.

use std::thread::sleep;
use std::time::{Duration, Instant};

use lupine_bench::{Client, Clock, Counter, Measurement, Suite, Unit};
use lupine_tool::{ToolError, find};
use lupine_vm::Accelerator;
use miette::{Result, WrapErr, miette};

use super::live::{Live, Until};
use super::{Bench, Subject};
use crate::discovery::HostCommand;

/// How long a server may take to answer, and a client to be served.
const LIMIT: Duration = Duration::from_secs(300);
/// After its first answer a server still does things of its own.
const SETTLE: Duration = Duration::from_secs(3);
/// How long a guest is watched that nobody asks for anything.
const IDLE: Duration = Duration::from_secs(2);

/// Loads the server twice: for answers a second, and under the counter.
///
/// # Errors
/// A server that does not work; a client that fails or is missing.
pub fn measure(bench: &Bench<'_>, suite: &Suite, subject: &Subject) -> Result<Vec<Measurement>> {
    let mem_mib = suite.mem_mib.unwrap_or(subject.mem_mib);
    let mut all = throughput(bench, subject, mem_mib)?;
    all.extend(instructions(bench, subject, mem_mib).wrap_err("under the counter")?);
    Ok(all)
}

fn throughput(bench: &Bench<'_>, subject: &Subject, mem_mib: u32) -> Result<Vec<Measurement>> {
    let staging = bench.store.staging()?;
    let spec = subject.vm_spec(staging.path(), mem_mib);
    let mut live = Live::boot(subject, spec, bench.accelerator, LIMIT)?;
    live.follow(Until::Works, LIMIT)?;
    let all = subject.clients.iter().map(|client| {
        Ok(Measurement {
            metric: client.metric.clone(),
            unit: Unit::PerSecond,
            value: served(client, &live)?,
        })
    });
    let all = all.collect();
    live.finish();
    all
}

/// Instructions for each request. The guest's clock is the host's, so its timer ticks while it waits for the client:
/// what it does in that time anyway is taken off.
fn instructions(bench: &Bench<'_>, subject: &Subject, mem_mib: u32) -> Result<Vec<Measurement>> {
    let staging = bench.store.staging()?;
    let counter = Counter::new(bench.plugin.clone(), staging.path());
    let mut spec = subject.vm_spec(staging.path(), mem_mib);
    spec.vmm_args.extend(counter.vmm_args(Clock::Host));
    let mut live = Live::boot(subject, spec, Accelerator::Tcg, LIMIT)?;
    live.follow(Until::Works, LIMIT)?;
    sleep(SETTLE);
    let (idle, time) = counted(&counter, || {
        sleep(IDLE);
        Ok(())
    })?;
    let idle = idle / time.as_secs_f64();
    let all = subject.clients.iter().map(|client| {
        let (done, time) = counted(&counter, || served(client, &live).map(drop))?;
        let own = (done - idle * time.as_secs_f64()).max(0.0);
        Ok(Measurement {
            metric: format!("{}-instructions", client.metric),
            unit: Unit::PerRequest,
            value: own / f64::from(client.requests),
        })
    });
    let all = all.collect();
    live.finish();
    all
}

/// Guest instructions while `work` is done, without repetitions, and how long that took.
fn counted(counter: &Counter, work: impl FnOnce() -> Result<()>) -> Result<(f64, Duration)> {
    let (start, before) = (Instant::now(), counter.read()?.now);
    work()?;
    let (time, after) = (start.elapsed(), counter.read()?.now);
    Ok(((after.once() - before.once()) as f64, time))
}

/// Runs a client; gives how many answers a second it got.
fn served(client: &Client, live: &Live) -> Result<f64> {
    // The shell would only say so to a pipe.
    let program = client.command.split(' ').next().unwrap_or_default();
    if find(program).is_none() {
        let program = program.to_owned();
        return Err(ToolError::Missing { program }.into());
    }
    let requests = client.requests.to_string();
    let command = HostCommand::parse(&client.command.replace("{requests}", &requests))?;
    let text = command.output(live.ports(), LIMIT);
    let text = text.map_err(|why| miette!("the client failed: {why}"))?;
    let number = text.trim().parse::<f64>().ok();
    let number = number.filter(|n| n.is_finite() && *n > 0.0);
    number.ok_or_else(|| {
        miette!(
            "the client `{}` wrote no number: {}",
            command.text(),
            text.trim()
        )
    })
}
