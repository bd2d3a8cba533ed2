//! Which options an application can do without, found by taking them away.
//!
//! First each alone, then all together that were dispensable alone: two ways to the same end
//! (epoll and poll, eventfd and a pipe) are each dispensable, and not both.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// How the application took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It passed its check; `hits` are the options of which something was really refused.
    Passed {
        /// The others of those taken away were not asked for: nothing was shown of them.
        hits: BTreeSet<String>,
    },
    /// It did not; why.
    Failed(String),
}

/// What is known of one option in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Without it the check fails; how.
    Required(String),
    /// The check passes without it, and without all others of this verdict at once.
    Dispensable,
    /// Not asked for in the run that refused it: nothing is shown.
    NotHit,
    /// The time was over before it was tried, alone or with the others.
    NotTried,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// By option.
    pub verdicts: BTreeMap<String, Verdict>,
    /// How many runs it took.
    pub trials: u32,
}

/// Tries to take `options` away. `run` runs the application without some of them; `None` says
/// that there is no time left for another run.
///
/// # Errors
/// What `run` fails with.
pub fn minimize<E>(
    options: &BTreeSet<String>,
    run: impl FnMut(&BTreeSet<String>) -> Result<Option<Answer>, E>,
) -> Result<Outcome, E> {
    let mut search = Search {
        run,
        outcome: Outcome::default(),
    };
    let mut alone = Vec::new();
    for option in options {
        if search.alone(option)? {
            alone.push(option.clone());
        }
    }
    let removed = search.together(BTreeSet::new(), &alone)?;
    for option in removed {
        search.outcome.verdicts.insert(option, Verdict::Dispensable);
    }
    Ok(search.outcome)
}

struct Search<F> {
    run: F,
    outcome: Outcome,
}

impl<E, F: FnMut(&BTreeSet<String>) -> Result<Option<Answer>, E>> Search<F> {
    fn run(&mut self, without: &BTreeSet<String>) -> Result<Option<Answer>, E> {
        let answer = (self.run)(without)?;
        self.outcome.trials += u32::from(answer.is_some());
        Ok(answer)
    }

    /// Whether the option is dispensable alone.
    fn alone(&mut self, option: &str) -> Result<bool, E> {
        let answer = self.run(&BTreeSet::from([option.to_owned()]))?;
        let verdict = match answer {
            Some(Answer::Failed(why)) => Verdict::Required(why),
            Some(Answer::Passed { hits }) if hits.is_empty() => Verdict::NotHit,
            Some(Answer::Passed { .. }) => {
                // Until it was tried together with the others.
                let untried = Verdict::NotTried;
                self.outcome.verdicts.insert(option.to_owned(), untried);
                return Ok(true);
            }
            None => Verdict::NotTried,
        };
        self.outcome.verdicts.insert(option.to_owned(), verdict);
        Ok(false)
    }

    /// Adds as many of `more` to those taken away as the application bears.
    fn together(
        &mut self,
        removed: BTreeSet<String>,
        more: &[String],
    ) -> Result<BTreeSet<String>, E> {
        if more.is_empty() {
            return Ok(removed);
        }
        let all: BTreeSet<String> = removed.iter().chain(more).cloned().collect();
        // One alone was tried already.
        let answer = match all.len() {
            1 => return Ok(all),
            _ => self.run(&all)?,
        };
        match (answer, more) {
            (None, _) => Ok(removed),
            (Some(Answer::Passed { .. }), _) => Ok(all),
            (Some(Answer::Failed(why)), [one]) => {
                let others: Vec<&str> = removed.iter().map(String::as_str).collect();
                let why = format!("together with {}: {why}", others.join(", "));
                self.outcome
                    .verdicts
                    .insert(one.clone(), Verdict::Required(why));
                Ok(removed)
            }
            (Some(Answer::Failed(_)), _) => {
                let (first, second) = more.split_at(more.len() / 2);
                let removed = self.together(removed, first)?;
                self.together(removed, second)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn set(options: &[&str]) -> BTreeSet<String> {
        options.iter().map(|o| (*o).to_owned()).collect()
    }

    /// An application that works when one of each of `needs` is left.
    fn application(
        needs: Vec<BTreeSet<String>>,
    ) -> impl FnMut(&BTreeSet<String>) -> Result<Option<Answer>, Infallible> {
        move |without| {
            let lost = needs.iter().find(|any| any.is_subset(without));
            Ok(Some(match lost {
                Some(lost) => Answer::Failed(format!("without {lost:?}")),
                None => Answer::Passed {
                    hits: without.clone(),
                },
            }))
        }
    }

    #[test]
    fn what_alone_fails_is_required_and_the_rest_goes() {
        let options = set(&["A", "B", "C"]);
        let outcome = minimize(&options, application(vec![set(&["B"])])).unwrap();
        assert!(matches!(outcome.verdicts["B"], Verdict::Required(_)));
        assert_eq!(outcome.verdicts["A"], Verdict::Dispensable);
        assert_eq!(outcome.trials, 4);
    }

    #[test]
    fn of_two_ways_to_one_end_one_stays() {
        let options = set(&["EPOLL", "EVENTFD", "PIPE", "POLL"]);
        let needs = vec![set(&["EPOLL", "POLL"])];
        let outcome = minimize(&options, application(needs)).unwrap();
        let required = |v: &&Verdict| matches!(v, Verdict::Required(_));
        assert_eq!(outcome.verdicts.values().filter(required).count(), 1);
        assert_eq!(outcome.verdicts["EVENTFD"], Verdict::Dispensable);
    }

    #[test]
    fn a_run_that_was_refused_nothing_shows_nothing() {
        let nothing = |_: &BTreeSet<String>| {
            let hits = BTreeSet::new();
            Ok::<_, Infallible>(Some(Answer::Passed { hits }))
        };
        let outcome = minimize(&set(&["A"]), nothing).unwrap();
        assert_eq!(outcome.verdicts["A"], Verdict::NotHit);
    }

    #[test]
    fn without_time_nothing_is_dispensable() {
        let mut left = 2;
        let run = |without: &BTreeSet<String>| {
            left -= 1;
            let hits = without.clone();
            Ok::<_, Infallible>((left >= 0).then_some(Answer::Passed { hits }))
        };
        let outcome = minimize(&set(&["A", "B", "C"]), run).unwrap();
        assert!(outcome.verdicts.values().all(|v| *v == Verdict::NotTried));
        assert_eq!(outcome.trials, 2);
    }

    proptest! {
        /// Whatever an application needs, it works without all that is called dispensable,
        /// and every option gets a verdict.
        #[test]
        fn the_dispensable_can_all_go_at_once(
            needs in prop::collection::vec(prop::collection::btree_set(0u8..12, 1..4), 0..6)
        ) {
            let named = |n: &u8| format!("O{n}");
            let needs: Vec<BTreeSet<String>> =
                needs.iter().map(|any| any.iter().map(named).collect()).collect();
            let options: BTreeSet<String> = (0u8..12).map(|n| named(&n)).collect();
            let mut run = application(needs);
            let outcome = minimize(&options, &mut run).unwrap();
            prop_assert_eq!(outcome.verdicts.len(), options.len());
            let gone = outcome.verdicts.iter().filter(|(_, v)| **v == Verdict::Dispensable);
            let gone: BTreeSet<String> = gone.map(|(option, _)| option.clone()).collect();
            let passed = matches!(run(&gone).unwrap(), Some(Answer::Passed { .. }));
            prop_assert!(passed);
        }
    }
}
