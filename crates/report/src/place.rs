//! Where and how quietly something was measured: [`Place`].

use lupine_bench::{Machine, Run, Sample, Summary, Unit};
use serde::Serialize;

/// Where a run was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// The run's name.
    pub run: String,
    /// The host.
    pub machine: Machine,
    /// How much its values vary.
    pub noise: Noise,
}

/// How much values of a run vary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Noise {
    /// Least and greatest load of the host while it was measured, guests included.
    pub load: Option<(f64, f64)>,
    /// Half the width of the interval (or range) of wall times and rates, as a part of their median: the middle one.
    pub times: Option<f64>,
    /// The same of guest instructions.
    pub instructions: Option<f64>,
}

impl Place {
    pub(crate) fn of(name: &str, run: &Run) -> Self {
        let times = |unit| matches!(unit, Unit::Nanoseconds | Unit::PerSecond);
        let counts = |unit| matches!(unit, Unit::Instructions);
        Self {
            run: name.into(),
            machine: run.head.machine.clone(),
            noise: Noise {
                load: load(&run.samples),
                times: spread(run, times),
                instructions: spread(run, counts),
            },
        }
    }
}

fn load(samples: &[Sample]) -> Option<(f64, f64)> {
    let loads = samples.iter().map(|sample| sample.load);
    let summary = Summary::of(&loads.collect::<Vec<_>>())?;
    Some((summary.least, summary.greatest))
}

/// Of series of such units with more than one value.
fn spread(run: &Run, wanted: impl Fn(Unit) -> bool) -> Option<f64> {
    let series = run.series().into_values();
    let series = series.filter(|samples| samples.len() > 1 && wanted(samples[0].unit));
    let half = |samples: Vec<&Sample>| {
        let values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
        let summary = Summary::of(&values).filter(|summary| summary.median > 0.0)?;
        let (low, high) = summary
            .interval
            .unwrap_or((summary.least, summary.greatest));
        Some((high - low) / 2.0 / summary.median)
    };
    let halves: Vec<f64> = series.filter_map(half).collect();
    Some(Summary::of(&halves)?.median)
}
