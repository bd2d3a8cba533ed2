//! Measures rows of suites on real guests, for `lupine bench`.

mod apps;
mod boot;
mod live;
mod memory;
mod size;
mod start;
mod subject;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use lupine_bench::{Measurement, Suite, Trial, Unit};
use lupine_store::Store;
use lupine_vm::Accelerator;
use miette::{Result, miette};

pub use subject::Subject;

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
}

impl Bench<'_> {
    /// Measures a row once.
    ///
    /// # Errors
    /// Why the row cannot be measured.
    pub fn measure(&self, suite: &Suite, trial: &Trial<'_>) -> Result<Vec<Measurement>> {
        let subject = &self.subjects[trial.row];
        match suite.name.as_str() {
            "size" => size::measure(subject),
            "boot" => boot::measure(self, suite, subject, trial),
            "apps" => apps::measure(self, suite, subject),
            "start" => start::measure(self, subject),
            "memory" => memory::measure(self, suite, subject),
            name => Err(miette!("nobody knows how to measure the suite {name}")),
        }
    }
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
