//! Whether one run is worse than another: [`compare`].

use std::collections::BTreeMap;

use serde::Serialize;

use crate::record::{Run, Sample, Series, Unit};
use crate::stats::{Summary, ratio, ratio_interval, tells};

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

/// A smaller relative change does not matter.
const MATTERS: f64 = 0.01;

impl Verdict {
    /// What a ratio of medians says of values of this unit. It has to matter; and where values do not repeat by
    /// themselves, its interval has to leave out 1.
    pub fn of(unit: Unit, ratio: f64, interval: Option<(f64, f64)>) -> Self {
        let (low, high) = match interval {
            _ if unit.repeats() => (ratio, ratio),
            Some(interval) => interval,
            None => return Self::Unclear,
        };
        let more = ratio > 1.0 + MATTERS && low > 1.0;
        let less = ratio < 1.0 / (1.0 + MATTERS) && high < 1.0;
        match (more, less) {
            (false, false) => Self::Same,
            (more, _) if more == unit.more_is_better() => Self::Better,
            _ => Self::Worse,
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
    let pairs = names.into_iter().map(|name| Pair {
        name,
        a: of_a.get(name).map(Vec::as_slice),
        b: of_b.get(name).map(Vec::as_slice),
    });
    let pairs: Vec<Pair<'_>> = pairs.collect();
    let times = match restless(a, b) {
        Some(_) => 0,
        None => pairs.iter().filter(|pair| pair.has_interval()).count(),
    };
    let mut all: Vec<Difference> = pairs.iter().map(|pair| pair.difference(times)).collect();
    all.extend(newly_failed(a, b));
    all
}

/// Above this load for each processor, guests of a run did not have the machine for themselves.
const CROWDED: f64 = 1.5;

/// Why what does not repeat by itself cannot be compared: another machine, or one that did other things as well.
pub fn restless(a: &Run, b: &Run) -> Option<String> {
    if !a.head.machine.is_same(&b.head.machine) {
        return Some("the runs are of two machines".into());
    }
    let before = |run: &Run| run.head.machine.noise();
    if let Some(load) = before(a).or(before(b)) {
        let before = "the machine was busy before a run began";
        return Some(format!("{before} (a load of {load:.1} for each processor)"));
    }
    let meanwhile = |run: &Run| {
        let loads: Vec<f64> = run.samples.iter().map(|sample| sample.load).collect();
        let load = Summary::of(&loads)?.median / f64::from(run.head.machine.cpus.max(1));
        (load > CROWDED).then_some(load)
    };
    let load = meanwhile(a).or(meanwhile(b))?;
    let meanwhile = "the machine was busy with more than guests";
    Some(format!(
        "{meanwhile} (a load of {load:.1} for each processor)"
    ))
}

/// The samples of one series in two runs.
struct Pair<'a> {
    name: &'a Series,
    a: Option<&'a [&'a Sample]>,
    b: Option<&'a [&'a Sample]>,
}

impl Pair<'_> {
    fn unit(&self) -> Option<Unit> {
        let samples = self.a.or(self.b)?;
        samples.first().map(|sample| sample.unit)
    }

    fn numbers(&self) -> (Vec<f64>, Vec<f64>) {
        let numbers = |samples: Option<&[&Sample]>| {
            let samples = samples.unwrap_or_default();
            samples.iter().map(|sample| sample.value).collect()
        };
        (numbers(self.a), numbers(self.b))
    }

    /// Whether its interval tells, rather than its ratio alone.
    fn has_interval(&self) -> bool {
        let (a, b) = self.numbers();
        self.unit().is_some_and(|unit| !unit.repeats()) && tells(&a) && tells(&b)
    }

    /// With an interval if it is one of `times` that are judged by theirs.
    fn difference(&self, times: usize) -> Difference {
        let (of_a, of_b) = self.numbers();
        let (a, b) = (Summary::of(&of_a), Summary::of(&of_b));
        let interval = (times > 0)
            .then(|| ratio_interval(&of_a, &of_b, times))
            .flatten();
        Difference {
            series: self.name.clone(),
            unit: self.unit(),
            ratio: a.and_then(|a| ratio(a.median, b?.median)),
            verdict: judge(self.unit(), a, b, interval),
            a,
            b,
            interval,
        }
    }
}

fn judge(
    unit: Option<Unit>,
    a: Option<Summary>,
    b: Option<Summary>,
    interval: Option<(f64, f64)>,
) -> Verdict {
    let (Some(unit), Some(a), Some(b)) = (unit, a, b) else {
        return Verdict::OnlyOne;
    };
    // What repeats by itself does so within a run too: the nearest two values of both runs have to tell them apart.
    let (from, to) = match unit.repeats() {
        true if b.least > a.greatest => (a.greatest, b.least),
        true if b.greatest < a.least => (a.least, b.greatest),
        true => return Verdict::Same,
        false => (a.median, b.median),
    };
    // From nothing to something is a change.
    Verdict::of(unit, ratio(from, to).unwrap_or(f64::INFINITY), interval)
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
    fn instructions_that_vary_within_a_run_are_noise() {
        let unit = Unit::Instructions;
        assert_eq!(
            verdict(unit, &[1e6, 1.03e6], &[1.02e6, 1.05e6]),
            Verdict::Same
        );
        assert_eq!(
            verdict(unit, &[1e6, 1.001e6], &[1.02e6, 1.021e6]),
            Verdict::Worse
        );
        // One far value does not make the others worse.
        assert_eq!(
            verdict(unit, &[41_334.0, 44_692.0], &[44_702.0, 44_770.0]),
            Verdict::Same
        );
    }

    #[test]
    fn times_of_a_busy_machine_are_not_judged() {
        let slow: Vec<f64> = (0..20).map(|n| 1100.0 + f64::from(n)).collect();
        let fast: Vec<f64> = (0..20).map(|n| 1000.0 + f64::from(n)).collect();
        let (quiet, mut busy) = (run(Unit::Nanoseconds, &fast), run(Unit::Nanoseconds, &slow));
        assert_eq!(restless(&quiet, &busy), None);
        busy.head.machine.load = [9.0; 3];
        assert!(restless(&quiet, &busy).unwrap().contains("before"));
        assert_eq!(compare(&quiet, &busy)[0].verdict, Verdict::Unclear);
        busy.head.machine.load = [0.0; 3];
        busy.samples.iter_mut().for_each(|sample| sample.load = 4.0);
        assert!(
            restless(&quiet, &busy)
                .unwrap()
                .contains("more than guests")
        );
        busy.head.machine.cpu = "another".into();
        assert!(restless(&quiet, &busy).unwrap().contains("two machines"));
        assert_eq!(compare(&quiet, &busy)[0].verdict, Verdict::Unclear);
    }

    /// Of a hundred series that did not change, chance makes no verdict.
    #[test]
    fn many_series_of_noise_are_the_same() {
        let mut state = 1_u64;
        let mut noise = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f64 / f64::from(1 << 24)
        };
        let mut runs = [Run::new(head()), Run::new(head())];
        for run in &mut runs {
            for series in 0..100 {
                let row = format!("row {series}");
                let samples = (0..15).map(|round| sample(&row, round, 1000.0 + 50.0 * noise()));
                run.samples.extend(samples);
            }
        }
        let all = compare(&runs[0], &runs[1]);
        assert!(
            all.iter().all(|one| one.verdict == Verdict::Same),
            "{all:?}"
        );
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
