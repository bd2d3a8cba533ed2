//! Results are saved as they come: [`Journal`].

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use lupine_store::At;

use crate::record::{Failure, Head, Input, Line, Measurement, Run, Sample};
use crate::{BenchError, FILE, machine};

/// A run under way and its file, locked until dropped.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    run: Run,
}

/// What is measured at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial<'a> {
    /// Suite.
    pub suite: &'a str,
    /// Row.
    pub row: &'a str,
    /// Round, from 0; `None` while the suite warms up.
    pub round: Option<u32>,
}

impl Journal {
    /// Begins the run in directory `dir`, or goes on with the one that is there.
    ///
    /// # Errors
    /// [`BenchError::OtherRun`] when another machine's results are there, [`BenchError::Busy`], file errors.
    pub fn open(dir: &Path, head: Head) -> Result<Self, BenchError> {
        fs::create_dir_all(dir).at("make", dir)?;
        let path = dir.join(FILE);
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).read(true).write(true);
        let file = options.open(&path).at("open", &path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BenchError::Busy { path }),
            Err(TryLockError::Error(error)) => return Err(error).at("lock", &path)?,
        }
        let text = fs::read_to_string(&path).at("read", &path)?;
        // A first line that is not whole says nothing.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let run = match whole {
            0 => Run::new(head.clone()),
            _ => Run::parse(&text, &path.display().to_string())?,
        };
        if !run.head.machine.is_same(&head.machine) {
            return Err(BenchError::OtherRun { path });
        }
        file.set_len(whole as u64).at("shorten", &path)?;
        let mut journal = Self { path, file, run };
        journal
            .file
            .seek(SeekFrom::End(0))
            .at("write", &journal.path)?;
        if whole == 0 {
            journal.write(&[Line::Run(head)])?;
        }
        Ok(journal)
    }

    /// Says what a row or a suite stands for; results of two different things do not go into one file.
    ///
    /// # Errors
    /// [`BenchError::OtherRun`] when the name stood for something else before.
    pub fn declare(&mut self, input: Input) -> Result<(), BenchError> {
        match self.run.input(&input.name, input.is_row) {
            Some(known) if known.key == input.key => return Ok(()),
            Some(_) => {
                return Err(BenchError::OtherRun {
                    path: self.path.clone(),
                });
            }
            None => {}
        }
        self.write(&[Line::Input(input.clone())])?;
        self.run.inputs.push(input);
        Ok(())
    }

    /// All that is saved.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a trial's values are there.
    pub fn has(&self, trial: &Trial<'_>) -> bool {
        let mut trials = self.run.trials.iter();
        trials.any(|(suite, row, round)| {
            suite == trial.suite && row == trial.row && Some(*round) == trial.round
        })
    }

    /// Saves what a trial gave.
    ///
    /// # Errors
    /// A full disk; what was saved before stays.
    pub(crate) fn add(
        &mut self,
        trial: &Trial<'_>,
        measured: Vec<Measurement>,
    ) -> Result<(), BenchError> {
        let Some(round) = trial.round else {
            return Ok(());
        };
        let (time_ms, load) = (now_ms(), machine::load()[0]);
        let first = self.run.samples.len() as u64;
        let samples: Vec<Sample> = measured
            .into_iter()
            .zip(first..)
            .map(|(measured, seq)| Sample {
                suite: trial.suite.into(),
                row: trial.row.into(),
                metric: measured.metric,
                unit: measured.unit,
                value: measured.value,
                round,
                time_ms,
                load,
                seq,
            })
            .collect();
        let (suite, row) = (trial.suite.to_owned(), trial.row.to_owned());
        let end = Line::Trial {
            suite: suite.clone(),
            row: row.clone(),
            round,
        };
        let lines: Vec<Line> = samples.iter().cloned().map(Line::Sample).collect();
        self.write(&[lines, vec![end]].concat())?;
        self.run.samples.extend(samples);
        self.run.trials.push((suite, row, round));
        Ok(())
    }

    /// Saves why a trial gave nothing.
    ///
    /// # Errors
    /// A full disk.
    pub fn fail(&mut self, trial: &Trial<'_>, why: &str) -> Result<(), BenchError> {
        let failure = Failure {
            suite: trial.suite.into(),
            row: trial.row.into(),
            why: why.into(),
            time_ms: now_ms(),
        };
        self.write(&[Line::Failure(failure.clone())])?;
        self.run.failures.push(failure);
        Ok(())
    }

    fn write(&mut self, lines: &[Line]) -> Result<(), BenchError> {
        let mut text = String::new();
        for line in lines {
            let line = serde_json::to_string(line).map_err(|error| BenchError::Malformed {
                place: self.path.display().to_string(),
                line: 0,
                why: error.to_string(),
            })?;
            text += &line;
            text.push('\n');
        }
        let written = self.file.write_all(text.as_bytes());
        written.at("write", &self.path)?;
        Ok(self.file.sync_data().at("write", &self.path)?)
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| {
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unit;
    use crate::record::tests::head;

    fn measured(value: f64) -> Vec<Measurement> {
        vec![Measurement {
            metric: "m".into(),
            unit: Unit::Bytes,
            value,
        }]
    }

    fn input(key: &str) -> Input {
        Input {
            name: "r".into(),
            is_row: true,
            about: String::new(),
            key: key.into(),
            against: None,
        }
    }

    fn trial(round: u32) -> Trial<'static> {
        Trial {
            suite: "s",
            row: "r",
            round: Some(round),
        }
    }

    #[test]
    fn what_was_saved_is_there_after_a_kill() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), head()).unwrap();
        journal.add(&trial(0), measured(1.0)).unwrap();
        journal.fail(&trial(1), "why").unwrap();
        let path = journal.path().to_owned();
        drop(journal);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"sample\":{\"suite\"").unwrap();
        let mut journal = Journal::open(dir.path(), head()).unwrap();
        assert!(journal.has(&trial(0)) && !journal.has(&trial(1)));
        journal.add(&trial(1), measured(2.0)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let run = Run::parse(&text, "x").unwrap();
        let values: Vec<f64> = run.samples.iter().map(|s| s.value).collect();
        assert_eq!(values, [1.0, 2.0]);
        assert_eq!(run.samples[1].seq, 1);
    }

    #[test]
    fn other_inputs_and_a_second_writer_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), head()).unwrap();
        let busy = Journal::open(dir.path(), head()).unwrap_err();
        assert!(matches!(busy, BenchError::Busy { .. }), "{busy}");
        drop(journal);
        let mut other = head();
        other.machine.accelerator = "kvm".into();
        let error = Journal::open(dir.path(), other).unwrap_err();
        assert!(matches!(error, BenchError::OtherRun { .. }), "{error}");
        let mut journal = Journal::open(dir.path(), head()).unwrap();
        journal.declare(input("1")).unwrap();
        drop(journal);
        let mut journal = Journal::open(dir.path(), head()).unwrap();
        journal.declare(input("1")).unwrap();
        assert_eq!(journal.run().inputs, [input("1")]);
        let error = journal.declare(input("2")).unwrap_err();
        assert!(matches!(error, BenchError::OtherRun { .. }), "{error}");
    }

    #[test]
    fn warming_up_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), head()).unwrap();
        let warm = Trial {
            round: None,
            ..trial(0)
        };
        journal.add(&warm, measured(1.0)).unwrap();
        assert!(journal.run().samples.is_empty());
    }
}
