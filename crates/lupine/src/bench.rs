//! Measures rows of suites on real guests, for `lupine bench`.

mod boot;
mod build;
mod container;
mod density;
mod linked;
mod live;
mod load;
mod memory;
mod program;
mod size;
mod start;
mod subject;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use lupine_bench::{Application, Kind, Measurement, Suite, Trial, Unit};
use lupine_store::Store;
use lupine_tool::find;
use lupine_vm::Accelerator;
use miette::{Result, miette};

pub use container::Container;
pub use subject::{Parts, Subject};

/// What all measurements share.
pub struct Bench<'a> {
    /// The cache.
    pub store: &'a Store,
    /// What runs the guests whose wall time is measured.
    pub accelerator: Accelerator,
    /// Counts guest instructions.
    pub plugin: PathBuf,
    /// Kernels with their applications, by row.
    pub subjects: &'a BTreeMap<String, Subject>,
    /// Rows that run on the host.
    pub containers: &'a BTreeMap<String, Container>,
    /// How long a guest may take, where that was said.
    pub limit: Option<Duration>,
}

impl Bench<'_> {
    /// Measures a row once.
    ///
    /// # Errors
    /// Why the row cannot be measured.
    pub fn measure(&self, suite: &Suite, trial: &Trial<'_>) -> Result<Vec<Measurement>> {
        let is_first = trial.round == Some(0);
        let kinds = suite
            .kinds
            .iter()
            .filter(|kind| is_first || !kind.is_once());
        let mut all = Vec::new();
        for kind in kinds {
            all.extend(self.measure_one(*kind, suite, trial)?);
        }
        Ok(all)
    }

    fn measure_one(
        &self,
        kind: Kind,
        suite: &Suite,
        trial: &Trial<'_>,
    ) -> Result<Vec<Measurement>> {
        if let Some(container) = self.containers.get(trial.row) {
            return container.measure(self, kind, suite);
        }
        let subject = &self.subjects[trial.row];
        has_programs(&subject.application, kind)?;
        match kind {
            Kind::Size => size::measure(subject),
            Kind::Boot => boot::measure(self, suite, subject, trial),
            Kind::Load => load::measure(self, suite, subject),
            Kind::Start => start::measure(self, subject),
            Kind::Memory => memory::measure(self, suite, subject),
            Kind::Build => build::measure(self, subject),
            Kind::Density => density::measure(self, suite, subject),
            Kind::Operations => program::operations(self, suite, subject, trial),
            Kind::Requests => program::requests(self, suite, subject, trial),
        }
    }
}

impl Bench<'_> {
    /// How long a guest may take that usually has as long as this.
    fn limit(&self, usual: Duration) -> Duration {
        self.limit.unwrap_or(usual)
    }
}

/// Whether a trial counts instructions, which is slow: they repeat by themselves, so the first rounds are enough.
fn is_counted(trial: &Trial<'_>) -> bool {
    const ROUNDS: u32 = 2;
    trial.round.is_some_and(|round| round < ROUNDS)
}

/// Looks for what check and clients of an application run on the host.
///
/// # Errors
/// When something is not installed, with its package.
pub fn has_programs(application: &Application, kind: Kind) -> Result<()> {
    for (program, package) in application.programs(kind) {
        find(program).ok_or_else(|| {
            miette!(
                help = format!("apt-get install {package}"),
                "{program} is not installed"
            )
        })?;
    }
    Ok(())
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A measurement whose value is a whole number, exact below 2^53.
fn measured(metric: &str, unit: Unit, value: u64) -> Measurement {
    Measurement {
        metric: metric.into(),
        unit,
        value: value as f64,
    }
}
