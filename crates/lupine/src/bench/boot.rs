//! The suite `boot`: P1 is a guest as Lupine boots it, P0 one without the kernel parameters that make booting quicker.

use std::time::Duration;

use lupine_bench::{Clock, Counter, Counts, Measurement, Suite, Trial, Unit};
use lupine_vm::{Accelerator, Parameters};
use miette::{Result, WrapErr, miette};

use super::live::{Live, Until};
use super::{Bench, Subject, is_counted, measured, nanoseconds};

/// How long one boot may take, and how long the application until it answers: 450 million counted instructions take
/// seconds, and minutes on a busy host.
const LIMIT: Duration = Duration::from_secs(900);
/// The two sets of kernel parameters.
const SETS: [(&str, Parameters); 2] = [("p1", Parameters::Quick), ("p0", Parameters::Plain)];

/// Boots with either set of parameters, for wall time; in the first rounds again under the counter.
///
/// # Errors
/// Why a guest does not boot, or its application does not answer.
pub fn measure(
    bench: &Bench<'_>,
    suite: &Suite,
    subject: &Subject,
    trial: &Trial<'_>,
) -> Result<Vec<Measurement>> {
    let mem_mib = suite.mem_mib.unwrap_or(subject.mem_mib);
    let mut all = Vec::new();
    for (name, parameters) in SETS {
        let boot = Boot {
            bench,
            subject,
            mem_mib,
            parameters,
        };
        // Nobody waits for an application that was booted slowly on purpose.
        let until = match parameters {
            Parameters::Quick => Until::Works,
            Parameters::Plain => boot.init(),
        };
        let timed = boot.timed(until);
        all.extend(named(name, timed.wrap_err("a timed boot")?));
        if is_counted(trial) {
            let counted = boot.counted();
            all.extend(named(name, counted.wrap_err("a counted boot")?));
        }
    }
    Ok(all)
}

fn named(set: &str, measured: Vec<Measurement>) -> impl Iterator<Item = Measurement> {
    measured.into_iter().map(move |m| Measurement {
        metric: format!("{set}-{}", m.metric),
        ..m
    })
}

/// One way to boot a subject.
struct Boot<'a> {
    bench: &'a Bench<'a>,
    subject: &'a Subject,
    mem_mib: u32,
    parameters: Parameters,
}

impl Boot<'_> {
    /// PID 1's start, which cannot be seen of one that is the application itself; and there are applications whose main
    /// is counted, too.
    fn init(&self) -> Until {
        let has_main = !self.subject.application.operations.is_empty();
        match self.subject.bare.is_some() || has_main {
            true => Until::Works,
            false => Until::InitStart,
        }
    }

    fn timed(&self, until: Until) -> Result<Vec<Measurement>> {
        let limit = self.bench.limit(LIMIT);
        let staging = self.bench.store.staging()?;
        let mut spec = self.subject.vm_spec(staging.path(), self.mem_mib)?;
        spec.parameters = self.parameters;
        let mut live = Live::boot(self.subject, spec, self.bench.accelerator, limit)?;
        let reached = live.follow(until);
        live.finish();
        let reached = reached?;
        let times = [
            ("init-start", reached.init_start),
            ("app-ready", reached.app_ready),
        ];
        let times = times
            .into_iter()
            .filter_map(|(name, time)| Some(measured(name, Unit::Nanoseconds, nanoseconds(time?))));
        Ok(times.collect())
    }

    /// Instructions until the first one of user space. The host takes no part until then, so they repeat.
    fn counted(&self) -> Result<Vec<Measurement>> {
        let limit = self.bench.limit(LIMIT);
        let staging = self.bench.store.staging()?;
        let counter = Counter::new(self.bench.plugin.clone(), staging.path());
        let mut spec = self.subject.vm_spec(staging.path(), self.mem_mib)?;
        spec.parameters = self.parameters;
        spec.vmm_args.extend(counter.vmm_args(Clock::Instructions));
        let mut live = Live::boot(self.subject, spec, Accelerator::Tcg, limit)?;
        let reached = live.follow(self.init());
        live.finish();
        reached?;
        let marks = counter.read()?;
        let places = [("kernel-entry", marks.kernel_entry), ("main", marks.main)];
        let places = places
            .into_iter()
            .filter_map(|(name, counts)| Some(measured(name, Unit::Instructions, counts?.total())));
        let first = marks.first_user;
        let counts = first.ok_or_else(|| miette!("the plugin saw no user space"))?;
        Ok(places.chain(of_counts(&counts)).collect())
    }
}

fn of_counts(counts: &Counts) -> Vec<Measurement> {
    let unit = Unit::Instructions;
    vec![
        measured("first-user", unit, counts.total()),
        measured("first-user-without-rep", unit, counts.once()),
    ]
}
