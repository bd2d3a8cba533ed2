//! What was measured: a [`Run`], kept as JSON lines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BenchError, Machine, Suite};

/// Version of the lines' format.
pub const VERSION: u32 = 1;

/// What a value counts, and with it which way is better and whether it repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Bytes of a file.
    #[serde(rename = "B")]
    Bytes,
    /// Things: options, functions.
    #[serde(rename = "count")]
    Count,
    /// Guest instructions.
    #[serde(rename = "instructions")]
    Instructions,
    /// Guest instructions for each request of a client on the host, which do not repeat by themselves.
    #[serde(rename = "instructions/request")]
    PerRequest,
    /// Memory that a process occupies.
    #[serde(rename = "KiB")]
    Kib,
    /// Memory that a guest is given.
    #[serde(rename = "MiB")]
    Mib,
    /// Guests beside each other; more is better.
    #[serde(rename = "guests")]
    Guests,
    /// Wall time.
    #[serde(rename = "ns")]
    Nanoseconds,
    /// Operations a second of wall time; more is better.
    #[serde(rename = "1/s")]
    PerSecond,
}

impl Unit {
    /// Whether more of it is better.
    pub fn more_is_better(self) -> bool {
        matches!(self, Self::PerSecond | Self::Guests)
    }

    /// Whether the same guest gives the same value again, whatever else the host does.
    pub fn repeats(self) -> bool {
        matches!(
            self,
            Self::Bytes | Self::Count | Self::Instructions | Self::Mib
        )
    }

    /// As it stands in the lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "B",
            Self::Count => "count",
            Self::Instructions => "instructions",
            Self::PerRequest => "instructions/request",
            Self::Kib => "KiB",
            Self::Mib => "MiB",
            Self::Guests => "guests",
            Self::Nanoseconds => "ns",
            Self::PerSecond => "1/s",
        }
    }
}

/// One value that a trial gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// Name of the metric, for example `init-start`.
    pub metric: String,
    /// What it counts.
    pub unit: Unit,
    /// How much; finite.
    pub value: f64,
}

/// One measured value and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Suite.
    pub suite: String,
    /// What was measured: a kernel with its application.
    pub row: String,
    /// Name of the metric.
    pub metric: String,
    /// What it counts.
    pub unit: Unit,
    /// How much.
    pub value: f64,
    /// The round of the suite; rows are measured in turn, so equal rounds are pairs.
    pub round: u32,
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// The host's load average of the last minute.
    pub load: f64,
    /// Position among the run's samples.
    pub seq: u64,
}

/// Why a row has no values of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Suite.
    pub suite: String,
    /// Row.
    pub row: String,
    /// Why, for a person.
    pub why: String,
    /// Milliseconds since 1970.
    pub time_ms: u64,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// [`VERSION`].
    pub version: u32,
    /// Where it was measured.
    pub machine: Machine,
}

/// What a row or a suite stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Whether it is a row rather than a suite.
    pub is_row: bool,
    /// What it is, for a person.
    pub about: String,
    /// A hash of a row's kernel and root file system, or of a suite's definition.
    pub key: String,
    /// The row that this one is compared with; of a suite, the one that all its rows are.
    pub against: Option<String>,
}

impl Input {
    /// What a suite stands for.
    pub fn of_suite(suite: &Suite) -> Self {
        Self {
            name: suite.name.clone(),
            is_row: false,
            about: suite.about.clone(),
            key: suite.key.clone(),
            against: suite.against.clone(),
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line {
    Run(Head),
    Input(Input),
    Sample(Sample),
    /// All samples of this trial stand before.
    Trial {
        suite: String,
        row: String,
        round: u32,
    },
    Failure(Failure),
}

/// Names what a series of samples measures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Series {
    /// Suite.
    pub suite: String,
    /// Row.
    pub row: String,
    /// Metric.
    pub metric: String,
}

/// All that one machine measured of one set of inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The first line.
    pub head: Head,
    /// Samples of whole trials, in order.
    pub samples: Vec<Sample>,
    /// What went wrong.
    pub failures: Vec<Failure>,
    /// What was measured: rows and suites, in order.
    pub inputs: Vec<Input>,
    /// Trials that are whole: suite, row, round.
    pub(crate) trials: Vec<(String, String, u32)>,
}

impl Run {
    /// A run that has only begun.
    pub(crate) fn new(head: Head) -> Self {
        Self {
            head,
            samples: Vec::new(),
            failures: Vec::new(),
            inputs: Vec::new(),
            trials: Vec::new(),
        }
    }

    /// Reads a run's lines. A last line without an end, and samples of a trial that is not whole, were under way
    /// when somebody killed the writer: they are left out.
    ///
    /// # Errors
    /// [`BenchError::Malformed`] with `place` and the line; no first line; another version.
    pub fn parse(text: &str, place: &str) -> Result<Self, BenchError> {
        let malformed = |line: usize, why: String| BenchError::Malformed {
            place: place.into(),
            line,
            why,
        };
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let mut lines = whole.lines().enumerate();
        let head = match lines.next().map(|(_, line)| serde_json::from_str(line)) {
            Some(Ok(Line::Run(head))) if head.version == VERSION => head,
            Some(Ok(Line::Run(head))) => {
                return Err(malformed(1, format!("version {} is unknown", head.version)));
            }
            Some(Err(error)) => return Err(malformed(1, error.to_string())),
            _ => return Err(malformed(1, "it does not say where it was measured".into())),
        };
        let mut run = Self::new(head);
        let mut open = Vec::new();
        for (number, line) in lines {
            let line = serde_json::from_str(line);
            run.take(
                line.map_err(|e| malformed(number + 1, e.to_string()))?,
                &mut open,
            );
        }
        Ok(run)
    }

    fn take(&mut self, line: Line, open: &mut Vec<Sample>) {
        match line {
            Line::Run(_) => {}
            Line::Input(input) => self.inputs.push(input),
            Line::Sample(sample) => open.push(sample),
            Line::Failure(failure) => self.failures.push(failure),
            Line::Trial { suite, row, round } => {
                let own = |s: &Sample| s.suite == suite && s.row == row && s.round == round;
                self.samples.extend(open.drain(..).filter(own));
                self.trials.push((suite, row, round));
            }
        }
    }

    /// What the row or suite `name` stands for.
    pub fn input(&self, name: &str, is_row: bool) -> Option<&Input> {
        let mut inputs = self.inputs.iter();
        inputs.find(|input| input.name == name && input.is_row == is_row)
    }

    /// Values by what they measure.
    pub fn series(&self) -> BTreeMap<Series, Vec<&Sample>> {
        let mut series: BTreeMap<Series, Vec<&Sample>> = BTreeMap::new();
        for sample in &self.samples {
            let name = Series {
                suite: sample.suite.clone(),
                row: sample.row.clone(),
                metric: sample.metric.clone(),
            };
            series.entry(name).or_default().push(sample);
        }
        series
    }

    /// Failures of rows that have no value of that suite: a later try may have succeeded. The last of each.
    pub fn failed(&self) -> Vec<&Failure> {
        let mut last: BTreeMap<(&str, &str), &Failure> = BTreeMap::new();
        for failure in &self.failures {
            last.insert((&failure.suite, &failure.row), failure);
        }
        let measured = |f: &Failure| {
            let mut samples = self.samples.iter();
            samples.any(|s| s.suite == f.suite && s.row == f.row)
        };
        last.into_values().filter(|f| !measured(f)).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn head() -> Head {
        Head {
            version: VERSION,
            machine: Machine::default(),
        }
    }

    pub(crate) fn sample(row: &str, round: u32, value: f64) -> Sample {
        Sample {
            suite: "boot".into(),
            row: row.into(),
            metric: "init-start".into(),
            unit: Unit::Nanoseconds,
            value,
            round,
            time_ms: 0,
            load: 0.0,
            seq: 0,
        }
    }

    fn text(lines: &[Line]) -> String {
        let line = |line| serde_json::to_string(line).unwrap() + "\n";
        lines.iter().map(line).collect()
    }

    fn lines() -> Vec<Line> {
        vec![
            Line::Run(head()),
            Line::Sample(sample("a", 0, 1.0)),
            Line::Trial {
                suite: "boot".into(),
                row: "a".into(),
                round: 0,
            },
        ]
    }

    #[test]
    fn only_whole_trials_count() {
        let mut all = lines();
        all.push(Line::Sample(sample("a", 1, 2.0)));
        let run = Run::parse(&(text(&all) + "{\"sam"), "x").unwrap();
        assert_eq!(run.samples, [sample("a", 0, 1.0)]);
        assert_eq!(run.trials.len(), 1);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let error = Run::parse(&(text(&lines()) + "no\n"), "here").unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("here") && error.contains("line 4"),
            "{error}"
        );
        assert!(Run::parse("", "x").is_err());
        assert!(Run::parse(&text(&lines()[1..]), "x").is_err());
    }

    #[test]
    fn a_failure_before_a_success_is_none() {
        let failure = |row: &str| {
            Line::Failure(Failure {
                suite: "boot".into(),
                row: row.into(),
                why: "no".into(),
                time_ms: 0,
            })
        };
        let mut all = lines();
        all.extend([failure("a"), failure("b"), failure("b")]);
        let run = Run::parse(&text(&all), "x").unwrap();
        let failed = run.failed();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].row, "b");
    }

    proptest! {
        #[test]
        fn a_run_that_was_cut_anywhere_is_read(at in 0usize..600) {
            let whole = text(&lines());
            let first = whole.find('\n').unwrap();
            let at = at.clamp(first + 1, whole.len());
            prop_assert!(Run::parse(&whole[..at], "x").is_ok());
        }

        #[test]
        fn arbitrary_text_never_panics(text: String) {
            let _ = Run::parse(&text, "x");
        }
    }
}
