//! Suites of the kind `build`: from an image to a bundle.

use std::time::{Duration, Instant};

use lupine_bench::{Measurement, Unit};
use miette::{Result, WrapErr, miette};

use super::start::lupine;
use super::{Bench, Subject, measured, nanoseconds};

/// How long a build may take.
const LIMIT: Duration = Duration::from_secs(7200);

/// Builds with an empty cache, and again with what that left.
///
/// # Errors
/// Those of the build; a row whose kernel is a baseline's.
pub fn measure(bench: &Bench<'_>, subject: &Subject) -> Result<Vec<Measurement>> {
    let words = subject.words.as_ref();
    let words = words.ok_or_else(|| miette!("it builds its own kernels and takes no other"))?;
    let staging = bench.store.staging()?;
    let build = |name: &str| -> Result<Duration> {
        let bundle = staging.path().join(name);
        let cache = staging.path().join("cache");
        let build = lupine(&cache, LIMIT)?.arg("build").arg("-o").arg(bundle);
        let start = Instant::now();
        build
            .args(words)
            .run()
            .wrap_err_with(|| format!("the {name} build"))?;
        Ok(start.elapsed())
    };
    let times = [("cold", build("cold")?), ("warm", build("warm")?)];
    let all = times.map(|(name, time)| measured(name, Unit::Nanoseconds, nanoseconds(time)));
    Ok(all.into())
}
