//! The first runs: what an application does when it works, and what it asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use lupine_kconfig::DotConfig;
use lupine_needs::map::{Feature, Map};
use lupine_needs::{Asked, Evidence, Source, State, errno_of};
use lupine_recorder::{Record, Rule, errno_name, listening};
use miette::{Result, miette};

use super::Discovery;
use super::goal::{Goal, is_its_own};
use super::testbed::{Attempt, Seen};
use crate::missing::{config_of, is_lacking};
use crate::reply::Reply;

/// How much longer than the first time an application may take on another kernel.
const PATIENCE: u32 = 4;
/// But never less than this: hosts stutter.
const LEAST: Duration = Duration::from_secs(15);

/// What an application does when it works.
pub struct Working {
    /// What tells that it works.
    pub goal: Goal,
    /// How long it may take on another kernel.
    pub limit: Duration,
    /// What it asked for.
    pub asked: Vec<Asked>,
}

impl Discovery<'_> {
    /// Runs it on the general kernel with every call recorded.
    ///
    /// # Errors
    /// When it does not work there either.
    pub fn learn(&mut self) -> Result<Working> {
        self.step("running it on the general kernel, recording what it asks for");
        let (goal, seen) = match (&self.question.check, &self.question.workload) {
            (Some(check), _) => self.checked(Goal::Passes(check.clone()))?,
            (None, Some(_)) => self.checked(Goal::Bears)?,
            (None, None) => self.watched()?,
        };
        let config = self.general_config()?;
        Ok(Working {
            goal,
            limit: (seen.took * PATIENCE).max(LEAST),
            asked: asked(&self.map, &config, &seen.records),
        })
    }

    pub(super) fn step(&self, what: &str) {
        use lupine_tool::Progress;
        self.pipeline.reporter.step(what);
    }

    fn general_config(&self) -> Result<DotConfig> {
        config_of(&self.general_kernel)
    }

    /// One run; `rules` as for [`Attempt`].
    pub(super) fn attempt(
        &mut self,
        kernel: PathBuf,
        rules: Option<Vec<Rule>>,
        goal: &Goal,
        limit: Duration,
    ) -> Result<Seen> {
        self.trials += 1;
        let attempt = Attempt {
            kernel,
            rules,
            goal,
            limit,
        };
        self.testbed.run(&attempt)
    }

    fn traced(&mut self, goal: &Goal) -> Result<Seen> {
        let limit = self.question.limit;
        self.attempt(self.general_kernel.clone(), Some(Vec::new()), goal, limit)
    }

    /// Somebody says what tells that it works.
    fn checked(&mut self, goal: Goal) -> Result<(Goal, Seen)> {
        let seen = self.traced(&goal)?;
        match seen.failure() {
            None => Ok((goal, seen)),
            Some(why) => Err(self.does_not_work(&seen, &why)),
        }
    }

    /// Nobody says it: what it does on the general kernel is what it shall do.
    fn watched(&mut self) -> Result<(Goal, Seen)> {
        if self.testbed.ports.is_empty() {
            let seen = self.traced(&Goal::Settles)?;
            if let Some(why) = seen.failure() {
                return Err(self.does_not_work(&seen, &why));
            }
            self.testbed.ports = tcp_ports(&seen.records);
            if let Some(end) = seen.end.as_ref().filter(|end| is_its_own(end)) {
                return Ok((Goal::Ends(end.exit_status()), seen));
            }
            if self.testbed.ports.is_empty() {
                return Ok((Goal::Settles, seen));
            }
        }
        let seen = self.traced(&Goal::Tells)?;
        if let Some(end) = seen.end.as_ref().filter(|end| is_its_own(end)) {
            return Ok((Goal::Ends(end.exit_status()), seen));
        }
        if let Some(why) = seen.failure() {
            return Err(self.does_not_work(&seen, &why));
        }
        let expected = alive(&seen.replies);
        self.testbed.ports = expected.keys().copied().collect();
        if expected.is_empty() {
            return Ok((Goal::Settles, seen));
        }
        let exact = self.repeats(&expected)?;
        Ok((Goal::Answers { expected, exact }, seen))
    }

    /// Whether a second run answers with the same bytes.
    fn repeats(&mut self, expected: &BTreeMap<u16, Reply>) -> Result<bool> {
        let limit = self.question.limit;
        let again = self.attempt(self.general_kernel.clone(), None, &Goal::Tells, limit)?;
        Ok(alive(&again.replies) == *expected)
    }

    fn does_not_work(&self, seen: &Seen, why: &str) -> miette::Report {
        let refused: BTreeSet<String> = seen
            .last_refusals
            .iter()
            .map(|record| format!("{} was refused {}", record.comm, name(record)))
            .collect();
        let refused: Vec<String> = refused.into_iter().collect();
        let refused = match refused.as_slice() {
            [] => String::new(),
            some => format!(" ({})", some.join("; ")),
        };
        miette!(
            help = "look at it by hand: lupine run --profile general IMAGE; it may lack an argument, a variable (-e) or memory (-m)",
            "{} does not work on the general kernel either: {why}{refused}",
            self.question.image
        )
    }
}

fn alive(replies: &BTreeMap<u16, Reply>) -> BTreeMap<u16, Reply> {
    let alive = replies.iter().filter(|(_, reply)| reply.is_alive());
    alive.map(|(port, reply)| (*port, reply.clone())).collect()
}

/// A record's last and most special feature.
fn name(record: &Record) -> String {
    let features = lupine_recorder::features(record);
    let errno = errno_name(record.errno).unwrap_or("an error");
    format!(
        "{} ({errno})",
        features.last().map_or("a call", String::as_str)
    )
}

/// The ports that a server bound. Which of them are TCP's is found out by asking.
fn tcp_ports(records: &[Record]) -> BTreeSet<u16> {
    let ports = records.iter().filter_map(listening);
    ports
        .map(|(_, port)| port)
        .filter(|port| *port > 0)
        .collect()
}

/// What records say of a run that went well on a kernel of this configuration: what was granted
/// is used; what the kernel lacked is optional, since the application went on.
pub fn asked(map: &Map, config: &DotConfig, records: &[Record]) -> Vec<Asked> {
    let mut all = BTreeMap::new();
    for record in records {
        for text in lupine_recorder::features(record) {
            let Ok(feature) = text.parse::<Feature>() else {
                continue;
            };
            let Some(state) = state(map, config, &feature, record.errno) else {
                continue;
            };
            let evidence = match state {
                State::Optional => Evidence {
                    source: Source::Trace,
                    text: format!("{} was refused {feature} and went on", record.comm),
                },
                _ => Evidence::traced(&feature, &record.comm),
            };
            all.entry((feature, state)).or_insert(evidence);
        }
    }
    let asked = |((feature, state), evidence)| Asked {
        feature,
        state,
        evidence,
    };
    all.into_iter().map(asked).collect()
}

/// `None`: an ordinary error, which says nothing of the kernel.
fn state(map: &Map, config: &DotConfig, feature: &Feature, errno: u16) -> Option<State> {
    if errno == 0 || errno_name(errno) != Some(errno_of(feature)) {
        return Some(State::Used);
    }
    is_lacking(map, config, feature).then_some(State::Optional)
}

#[cfg(test)]
mod tests;
