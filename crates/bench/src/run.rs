//! Measures a suite: [`run`].

use std::collections::BTreeSet;

use crate::journal::{Journal, Trial};
use crate::record::Measurement;
use crate::{BenchError, Suite};

/// Measures one trial; gives why it could not.
pub type Measure<'a> = dyn FnMut(&Trial<'_>) -> Result<Vec<Measurement>, String> + 'a;

/// Measures every row of a suite in turn (A B A B), so that what changes on the host meets all alike, and saves each
/// trial. What is saved already is not measured again. A row that fails twice running is left out from then on; the
/// others go on.
///
/// # Errors
/// When results cannot be saved.
pub fn run(
    suite: &Suite,
    rows: &[&str],
    journal: &mut Journal,
    measure: &mut Measure<'_>,
) -> Result<(), BenchError> {
    let mut failed = BTreeSet::new();
    for trial in trials(suite, rows, journal) {
        let (row, round) = trial;
        if failed.contains(row) {
            continue;
        }
        let trial = Trial {
            suite: &suite.name,
            row,
            round,
        };
        match measure(&trial).or_else(|_| measure(&trial)) {
            Ok(measured) => journal.add(&trial, measured)?,
            Err(why) => {
                journal.fail(&trial, &why)?;
                failed.insert(row);
            }
        }
    }
    Ok(())
}

/// What is to be done, in order: rows that still lack something warm up first.
fn trials<'a>(suite: &Suite, rows: &[&'a str], journal: &Journal) -> Vec<(&'a str, Option<u32>)> {
    let all = (0..suite.rounds).flat_map(|round| rows.iter().map(move |row| (*row, Some(round))));
    let missing: Vec<_> = all
        .filter(|(row, round)| {
            !journal.has(&Trial {
                suite: &suite.name,
                row,
                round: *round,
            })
        })
        .collect();
    let cold: BTreeSet<&str> = missing.iter().map(|(row, _)| *row).collect();
    let warm_up = (0..suite.warm_up).flat_map(|_| cold.iter().map(|row| (*row, None)));
    warm_up.chain(missing.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unit;
    use crate::record::tests::head;

    fn suite(rounds: u32) -> Suite {
        Suite {
            name: "s".into(),
            kinds: vec![crate::Kind::Size],
            key: String::new(),
            about: String::new(),
            mem_mib: None,
            rounds,
            warm_up: 1,
            rows: Vec::new(),
            against: None,
            own_kernels_only: false,
            guests: 0,
            operations: Vec::new(),
            counted_ms: 30,
            counts: crate::Counted::default(),
            curve: None,
            glance: Vec::new(),
            metric: std::collections::BTreeMap::new(),
        }
    }

    /// Runs the suite; fails on the `fatal`th call. Gives the calls.
    fn calls(journal: &mut Journal, rounds: u32, broken: &str) -> String {
        let mut calls = Vec::new();
        let mut measure = |trial: &Trial<'_>| {
            let round = trial.round.map_or("w".into(), |round| round.to_string());
            calls.push(format!("{}{round}", trial.row));
            if trial.row == broken {
                return Err("broken".to_owned());
            }
            Ok(vec![Measurement {
                metric: "m".into(),
                unit: Unit::Bytes,
                value: 1.0,
            }])
        };
        run(&suite(rounds), &["a", "b"], journal, &mut measure).unwrap();
        calls.join(" ")
    }

    #[test]
    fn rows_take_turns_and_a_second_run_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), head()).unwrap();
        assert_eq!(calls(&mut journal, 2, ""), "aw bw a0 b0 a1 b1");
        assert_eq!(calls(&mut journal, 2, ""), "");
        assert_eq!(calls(&mut journal, 3, ""), "aw bw a2 b2");
    }

    #[test]
    fn a_row_that_fails_is_left_out_and_tried_again_another_time() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), head()).unwrap();
        assert_eq!(calls(&mut journal, 2, "a"), "aw aw bw b0 b1");
        assert_eq!(journal.run().failed().len(), 1);
        assert_eq!(calls(&mut journal, 2, ""), "aw a0 a1");
        assert!(journal.run().failed().is_empty());
    }
}
