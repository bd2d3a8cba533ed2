//! Measures rows of suites in turn and keeps what comes: [`run`] fills a [`Run`]'s [`Journal`]; [`compare`] tells
//! whether one run is worse than another.
//!
//! How a row is measured is the caller's: this crate knows neither kernels nor virtual machines. What it gives for
//! that is [`smallest`] (bisection) and [`Counter`] (guest instructions, by a plugin for QEMU).

mod bisect;
mod compare;
mod counter;
mod error;
mod journal;
mod machine;
mod own;
mod program;
mod record;
mod run;
mod stats;
mod suite;

pub use bisect::smallest;
pub use compare::{Difference, Verdict, compare, paired, restless};
pub use counter::{Clock, Counter, Counts, Marks, plugin};
pub use error::BenchError;
pub use journal::{Journal, Trial};
pub use machine::Machine;
pub use own::{Own, own};
pub use program::{Operation, PROGRAM, operations};
pub use record::{Failure, Head, Input, Measurement, Run, Sample, Series, Unit, VERSION};
pub use run::{Measure, run};
pub use stats::Summary;
pub use suite::{Application, Client, Counted, Curve, Kind, Request, Row, Suite, Suites};

/// The file of a run, in its directory.
pub const FILE: &str = "run.jsonl";
