//! Suites of the kinds `operations` and `requests`: [`lupine_bench::PROGRAM`] measures inside the guest.

use std::time::Duration;

use lupine_bench::{
    Clock, Counted, Counter, Counts, Measurement, Operation, Suite, Trial, Unit, operations as read,
};
use lupine_vm::Accelerator;
use miette::{Result, WrapErr, miette};

use super::live::{Live, Until};
use super::{Bench, Subject, is_counted};

/// How long all operations may take.
const LIMIT: Duration = Duration::from_secs(900);
/// How long one is repeated on the host's clock.
pub const TIMED_MS: u32 = 100;

/// The suite's operations on the subject's kernel.
///
/// # Errors
/// A guest that does not end, or a kernel that can do none of it.
pub fn operations(
    bench: &Bench<'_>,
    suite: &Suite,
    subject: &Subject,
    trial: &Trial<'_>,
) -> Result<Vec<Measurement>> {
    let mut subject = subject.clone();
    // Whom the application runs as is not the kernel's business.
    subject.guest.user = String::new();
    let own = &subject.application.operations;
    let operations = match own.is_empty() {
        true => suite.operations.clone(),
        false => own.clone(),
    };
    measure(bench, suite, &subject, &operations, trial)
}

/// What the subject's application is asked for, by one client beside it.
///
/// # Errors
/// As [`operations`]; an application that is asked for nothing.
pub fn requests(
    bench: &Bench<'_>,
    suite: &Suite,
    subject: &Subject,
    trial: &Trial<'_>,
) -> Result<Vec<Measurement>> {
    let mut words = vec!["serve".to_owned()];
    for request in &subject.application.requests {
        let connection = if request.connects { "connect" } else { "keep" };
        let port = request.port.to_string();
        words.extend([request.metric.clone(), connection.into(), port]);
        words.push(request.send.clone());
    }
    words.push("--".into());
    words.extend(subject.guest.argv.iter().cloned());
    let all = measure(bench, suite, subject, &words, trial)?;
    for request in &subject.application.requests {
        if all.iter().all(|one| one.metric != request.metric) {
            return Err(miette!(
                "the server did not answer what {} asks for",
                request.metric
            ));
        }
    }
    Ok(all)
}

/// By the host's clock, and in the first rounds again under the counter, which counts one processor.
fn measure(
    bench: &Bench<'_>,
    suite: &Suite,
    subject: &Subject,
    words: &[String],
    trial: &Trial<'_>,
) -> Result<Vec<Measurement>> {
    let run = Program {
        bench,
        suite,
        subject,
        words,
    };
    let mut all = run.timed()?;
    if is_counted(trial) && subject.cpus == 1 {
        all.extend(run.counted().wrap_err("under the counter")?);
    }
    if all.is_empty() {
        return Err(miette!("this kernel can do none of it"));
    }
    Ok(all)
}

/// The times in what the program writes.
pub fn in_time(text: &str) -> Vec<Measurement> {
    let time = |operation: Operation| {
        let (count, nanoseconds) = operation.done.ok()?;
        Some(Measurement {
            metric: operation.name,
            unit: Unit::Nanoseconds,
            value: nanoseconds as f64 / count as f64,
        })
    };
    read(text).into_iter().filter_map(time).collect()
}

/// What is done in a guest, and where.
struct Program<'a> {
    bench: &'a Bench<'a>,
    suite: &'a Suite,
    subject: &'a Subject,
    words: &'a [String],
}

impl Program<'_> {
    fn timed(&self) -> Result<Vec<Measurement>> {
        let (text, _) = self.run(TIMED_MS, self.bench.accelerator, None)?;
        Ok(in_time(&text))
    }

    fn counted(&self) -> Result<Vec<Measurement>> {
        let clock = Some(Clock::Instructions);
        let (text, laps) = self.run(self.suite.counted_ms, Accelerator::Tcg, clock)?;
        let done = read(&text);
        let done: Vec<_> = done
            .iter()
            .filter_map(|o| Some((&o.name, o.done.ok()?.0)))
            .collect();
        if done.len() != laps.len() {
            let (done, laps) = (done.len(), laps.len());
            return Err(miette!(
                "the plugin counted {laps} operations, the program {done}"
            ));
        }
        let counted = |((name, count), lap): (&(&String, u64), &Counts)| Measurement {
            metric: format!("{name}-instructions"),
            unit: Unit::Instructions,
            value: self.of_interest(lap) as f64 / *count as f64,
        };
        Ok(done.iter().zip(&laps).map(counted).collect())
    }

    fn of_interest(&self, counts: &Counts) -> u64 {
        match self.suite.counts {
            Counted::Kernel => counts.kernel,
            Counted::All => counts.once(),
        }
    }

    /// What the program writes; with a clock for the counter, also what that counted.
    fn run(
        &self,
        milliseconds: u32,
        accelerator: Accelerator,
        clock: Option<Clock>,
    ) -> Result<(String, Vec<Counts>)> {
        let words = [&[milliseconds.to_string()], self.words].concat();
        let subject = self.subject.measuring(words)?;
        let staging = self.bench.store.staging()?;
        let mem_mib = self.suite.mem_mib.unwrap_or(subject.mem_mib);
        let mut spec = subject.vm_spec(staging.path(), mem_mib)?;
        let counter = Counter::new(self.bench.plugin.clone(), staging.path());
        if let Some(clock) = clock {
            spec.vmm_args.extend(counter.vmm_args(clock));
            // How many tables a fork copies depends on where things lie: 4% from one boot to the next. A kernel that
            // cannot find out how fast the processor's counter is, or trusts the timer more, as on a busy host, is asked
            // for the time by system calls: 1 to 5% of a request. Under the counter an instruction is a nanosecond.
            let steady = ["norandmaps", "tsc_early_khz=1000000", "tsc=reliable"];
            spec.kernel_args.extend(steady.map(String::from));
        }
        let mut live = Live::boot(&subject, spec, accelerator, self.bench.limit(LIMIT))?;
        let reached = live.follow(Until::Works);
        let text = live.output();
        live.finish();
        reached?;
        let laps = match clock {
            Some(_) => counter.read()?.laps,
            None => Vec::new(),
        };
        Ok((text, laps))
    }
}
