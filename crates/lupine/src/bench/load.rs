//! Suites of the kind `load`: clients on the host load a server in a guest.

use std::thread::sleep;
use std::time::{Duration, Instant};

use lupine_bench::{Client, Clock, Counter, Measurement, Suite, Unit};
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
    let spec = subject.vm_spec(staging.path(), mem_mib)?;
    let mut live = Live::boot(subject, spec, bench.accelerator, bench.limit(LIMIT))?;
    live.follow(Until::Works)?;
    let all = subject.application.clients.iter().map(|client| {
        Ok(Measurement {
            metric: client.metric.clone(),
            unit: Unit::PerSecond,
            value: served(client, &live)?.rate,
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
    let mut spec = subject.vm_spec(staging.path(), mem_mib)?;
    spec.vmm_args.extend(counter.vmm_args(Clock::Host));
    let mut live = Live::boot(subject, spec, Accelerator::Tcg, bench.limit(LIMIT))?;
    live.follow(Until::Works)?;
    sleep(SETTLE);
    let ((), idle, time) = counted(&counter, || {
        sleep(IDLE);
        Ok(())
    })?;
    let idle = idle / time.as_secs_f64();
    let all = subject.application.clients.iter().map(|client| {
        let (served, done, time) = counted(&counter, || served(client, &live))?;
        let own = (done - idle * time.as_secs_f64()).max(0.0);
        Ok(Measurement {
            metric: format!("{}-instructions", client.metric),
            unit: Unit::PerRequest,
            value: own / served.requests,
        })
    });
    let all = all.collect();
    live.finish();
    all
}

/// What `work` gives, the guest instructions meanwhile, without repetitions, and how long it took.
fn counted<T>(counter: &Counter, work: impl FnOnce() -> Result<T>) -> Result<(T, f64, Duration)> {
    let (start, before) = (Instant::now(), counter.read()?.now);
    let done = work()?;
    let (time, after) = (start.elapsed(), counter.read()?.now);
    Ok((done, (after.once() - before.once()) as f64, time))
}

/// What a client says.
struct Served {
    /// Answers a second.
    rate: f64,
    /// Answers in all.
    requests: f64,
}

/// Runs a client.
fn served(client: &Client, live: &Live) -> Result<Served> {
    let requests = client.requests.to_string();
    let command = HostCommand::parse(&client.command.replace("{requests}", &requests))?;
    let text = command.output(live.ports(), LIMIT);
    let text = text.map_err(|why| miette!("the client failed: {why}"))?;
    read(&text, client.requests).ok_or_else(|| {
        miette!(
            "the client `{}` wrote no number: {}",
            command.text(),
            text.trim()
        )
    })
}

/// Reads `RATE [REQUESTS]`.
fn read(text: &str, requests: u32) -> Option<Served> {
    let mut numbers = text.split_whitespace().map(|word| word.parse::<f64>());
    let rate = numbers.next()?.ok()?;
    let requests = numbers.next().unwrap_or(Ok(requests.into())).ok()?;
    let is_sound = |n: f64| n.is_finite() && n > 0.0;
    (is_sound(rate) && is_sound(requests)).then_some(Served { rate, requests })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_say_how_many_requests_there_were() {
        let read = |text, requests| read(text, requests).map(|s| (s.rate, s.requests));
        assert_eq!(read("12.5\n", 100), Some((12.5, 100.0)));
        assert_eq!(read("12.5 62\n", 0), Some((12.5, 62.0)));
        for (text, requests) in [("12.5", 0), ("", 9), ("nan", 9), ("1 x", 9)] {
            assert_eq!(read(text, requests), None, "{text}");
        }
    }
}
