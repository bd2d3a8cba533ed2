//! Whether one run is worse than another: [`compare`].

use std::collections::BTreeMap;

use serde::Serialize;

use crate::record::{Run, Sample, Series, Unit};
use crate::stats::{Summary, ratio, ratio_interval};

/// What became of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It changed for the worse, or failed and did not before.
    Worse,
    /// It changed for the better.
    Better,
    /// It did not change as far as these values tell.
    Same,
    /// Too few values to tell.
    Unclear,
    /// Only one of the runs has it.
    OnlyOne,
}

impl Verdict {
    /// What a ratio of medians says of values of this unit. Those that repeat by themselves are judged by how far they
    /// moved, others by whether the ratio's interval leaves out 1.
    pub fn of(unit: Unit, ratio: f64, interval: Option<(f64, f64)>) -> Self {
        let (low, high) = match (unit.threshold(), interval) {
            (Some(threshold), _) => (ratio / (1.0 + threshold), ratio * (1.0 + threshold)),
            (None, Some(interval)) => interval,
            (None, None) => return Self::Unclear,
        };
        match (low > 1.0, high < 1.0) {
            (true, _) if unit.more_is_better() => Self::Better,
            (_, true) if unit.more_is_better() => Self::Worse,
            (true, _) => Self::Worse,
            (_, true) => Self::Better,
            _ => Self::Same,
        }
    }
}

/// One series of two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// What is measured.
    #[serde(flatten)]
    pub series: Series,
    /// What it counts; `None` where a suite failed.
    pub unit: Option<Unit>,
    /// The first run's values.
    pub a: Option<Summary>,
    /// The second run's values.
    pub b: Option<Summary>,
    /// The second's median to the first's.
    pub ratio: Option<f64>,
    /// Its bounds at 95%.
    pub interval: Option<(f64, f64)>,
    /// What that means.
    pub verdict: Verdict,
}

/// Compares run `b` with run `a`, series by series. What only one has is listed, and what failed in `b` alone is worse.
pub fn compare(a: &Run, b: &Run) -> Vec<Difference> {
    let (of_a, of_b) = (a.series(), b.series());
    let mut names: Vec<&Series> = of_a.keys().chain(of_b.keys()).collect();
    names.sort();
    names.dedup();
    let mut all: Vec<Difference> = names
        .into_iter()
        .map(|name| difference(name, values(&of_a, name), values(&of_b, name)))
        .collect();
    all.extend(newly_failed(a, b));
    all
}

type Values<'a> = Option<&'a [&'a Sample]>;

fn values<'a>(all: &'a BTreeMap<Series, Vec<&'a Sample>>, name: &Series) -> Values<'a> {
    all.get(name).map(Vec::as_slice)
}

fn difference(name: &Series, a: Values<'_>, b: Values<'_>) -> Difference {
    let numbers = |samples: Values<'_>| -> Vec<f64> {
        let samples = samples.unwrap_or_default();
        samples.iter().map(|sample| sample.value).collect()
    };
    let (of_a, of_b) = (numbers(a), numbers(b));
    let unit = a.or(b).and_then(|samples| samples.first()).map(|s| s.unit);
    let (a, b) = (Summary::of(&of_a), Summary::of(&of_b));
    let quotient = match (&a, &b) {
        (Some(a), Some(b)) => ratio(a.median, b.median),
        _ => None,
    };
    let interval = ratio_interval(&of_a, &of_b);
    let verdict = match (a.is_some() && b.is_some(), unit) {
        // From nothing to something is a change whatever the threshold.
        (true, Some(unit)) => Verdict::of(unit, quotient.unwrap_or(f64::INFINITY), interval),
        _ => Verdict::OnlyOne,
    };
    Difference {
        series: name.clone(),
        unit,
        a,
        b,
        ratio: quotient,
        interval,
        verdict,
    }
}

/// Rows that have values of a suite in `a` and only a failure in `b`.
fn newly_failed(a: &Run, b: &Run) -> Vec<Difference> {
    let worked =
        |suite: &str, row: &str| a.samples.iter().any(|s| s.suite == suite && s.row == row);
    let failed = b.failed().into_iter();
    let failed = failed.filter(|f| worked(&f.suite, &f.row));
    failed
        .map(|failure| Difference {
            series: Series {
                suite: failure.suite.clone(),
                row: failure.row.clone(),
                metric: format!("failed: {}", failure.why),
            },
            unit: None,
            a: None,
            b: None,
            ratio: None,
            interval: None,
            verdict: Verdict::Worse,
        })
        .collect()
}

/// The ratio of `row` to `base` within one run, from pairs of equal rounds.
pub fn paired(base: &[&Sample], row: &[&Sample]) -> Option<Summary> {
    let by_round: BTreeMap<u32, f64> = base.iter().map(|s| (s.round, s.value)).collect();
    let ratios: Vec<f64> = row
        .iter()
        .filter_map(|s| ratio(*by_round.get(&s.round)?, s.value))
        .collect();
    Summary::of(&ratios)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Failure;
    use crate::record::tests::{head, sample};

    fn run(unit: Unit, values: &[f64]) -> Run {
        let mut run = Run::new(head());
        for (round, value) in values.iter().enumerate() {
            run.samples.push(Sample {
                unit,
                ..sample("a", round as u32, *value)
            });
        }
        run
    }

    fn verdict(unit: Unit, a: &[f64], b: &[f64]) -> Verdict {
        compare(&run(unit, a), &run(unit, b))[0].verdict
    }

    #[test]
    fn two_percent_more_instructions_are_worse_and_half_a_percent_is_noise() {
        let unit = Unit::Instructions;
        assert_eq!(verdict(unit, &[1e6], &[1.02e6]), Verdict::Worse);
        assert_eq!(verdict(unit, &[1e6], &[1.005e6]), Verdict::Same);
        assert_eq!(verdict(unit, &[1e6], &[0.98e6]), Verdict::Better);
        assert_eq!(verdict(unit, &[0.0], &[1.0]), Verdict::Worse);
        assert_eq!(verdict(unit, &[0.0], &[0.0]), Verdict::Same);
    }

    #[test]
    fn times_are_judged_by_their_interval() {
        let slow: Vec<f64> = (0..20).map(|n| 1100.0 + f64::from(n)).collect();
        let fast: Vec<f64> = (0..20).map(|n| 1000.0 + f64::from(n)).collect();
        let noisy: Vec<f64> = (0..20).map(|n| 600.0 + 45.0 * f64::from(n)).collect();
        let unit = Unit::Nanoseconds;
        assert_eq!(verdict(unit, &fast, &slow), Verdict::Worse);
        assert_eq!(verdict(unit, &slow, &fast), Verdict::Better);
        assert_eq!(verdict(unit, &fast, &noisy), Verdict::Same);
        assert_eq!(verdict(unit, &fast[..3], &slow[..3]), Verdict::Unclear);
        assert_eq!(verdict(Unit::PerSecond, &fast, &slow), Verdict::Better);
        assert_eq!(verdict(Unit::PerSecond, &slow, &fast), Verdict::Worse);
    }

    #[test]
    fn what_works_no_longer_is_worse_and_what_is_new_is_listed() {
        let a = run(Unit::Bytes, &[1.0]);
        let mut b = Run::new(head());
        b.failures.push(Failure {
            suite: "boot".into(),
            row: "a".into(),
            why: "no boot".into(),
            time_ms: 0,
        });
        let verdicts = |a, b| -> Vec<_> { compare(a, b).iter().map(|d| d.verdict).collect() };
        assert_eq!(verdicts(&a, &b), [Verdict::OnlyOne, Verdict::Worse]);
        assert_eq!(verdicts(&b, &a), [Verdict::OnlyOne]);
    }

    #[test]
    fn pairs_share_their_rounds_noise() {
        let noise = [1.0, 5.0, 2.0, 9.0, 3.0, 4.0, 7.0];
        let of = |row, factor: f64| -> Vec<Sample> {
            let samples = noise.iter().enumerate();
            samples
                .map(|(round, n)| sample(row, round as u32, n * factor))
                .collect()
        };
        let (a, b) = (of("a", 1.0), of("b", 0.5));
        let (a, b): (Vec<_>, Vec<_>) = (a.iter().collect(), b.iter().collect());
        assert_eq!(paired(&a, &b).unwrap().interval, Some((0.5, 0.5)));
    }
}
