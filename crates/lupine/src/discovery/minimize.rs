//! Takes away what an application can do without.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use lupine_needs::map::Map;
use lupine_needs::{
    Answer as Reaction, Evidence, Need, Outcome, Source, State, Verdict, errno_of, minimize,
    refusals,
};
use lupine_recorder::Rule;
use miette::Result;
use serde_json::json;

use super::check::HostCommand;
use super::closure::Built;
use super::learn::Working;
use super::prove::Claim;
use super::trials::Trials;
use super::{Answer, Discovery};

impl Discovery<'_> {
    /// Refuses what an answer's options stand for, one option at a time and then jointly, while
    /// the application has to reach its goal; then proves the rest on a kernel of its own.
    ///
    /// # Errors
    /// As for [`Discovery::answer`].
    pub fn minimize(&mut self, working: &Working, answer: &Answer) -> Result<Answer> {
        let built = self.build(&answer.needs, false)?;
        let options = candidates(&answer.needs);
        let mut trials = self.trials_of(&built, working)?;
        let until = Instant::now() + self.question.budget;
        let outcome = minimize(&options, |without| {
            if let Some(known) = trials.find(without) {
                return Ok(Some(known));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            let reaction = self.try_without(&built, working, without)?;
            trials.keep(without, &reaction)?;
            Ok::<_, miette::Report>(Some(reaction))
        })?;
        self.say(&summary(&outcome));
        let claim = Claim {
            needs: judged_all(&answer.needs, &outcome),
            minimized: true,
        };
        let answer = self.prove(working, claim)?;
        trials.done()?;
        Ok(answer)
    }

    /// Trials of an earlier minimisation that did not come to its end.
    fn trials_of(&self, built: &Built, working: &Working) -> Result<Trials> {
        let circumstances = json!({
            "kernel": built.kernel.key,
            "works": working.goal.describe(),
            "workload": self.question.workload.as_ref().map(HostCommand::text),
            "app": self.question.app,
        });
        let path = self.pipeline.saved.file(&self.key(), "trials")?;
        let trials = Trials::open(path, &circumstances)?;
        if trials.len() > 0 {
            self.say(&format!("{} runs were made earlier", trials.len()));
        }
        Ok(trials)
    }

    fn try_without(
        &mut self,
        built: &Built,
        working: &Working,
        without: &BTreeSet<String>,
    ) -> Result<Reaction> {
        let names: Vec<&str> = without.iter().map(String::as_str).collect();
        self.step(&format!("trying it without {}", names.join(", ")));
        let rules = rules(&self.map, without);
        if rules.is_empty() {
            // Nothing that could be refused: a run would show nothing.
            return Ok(Reaction::Passed {
                hits: BTreeSet::new(),
            });
        }
        let vmlinux = built.kernel.vmlinux.clone();
        let seen = self.attempt(vmlinux, Some(rules), &working.goal, working.limit)?;
        let hit = !seen.hits.is_empty();
        Ok(match seen.failure() {
            // One that was refused nothing, and failed all the same, shows nothing of its option.
            Some(why) if hit || without.len() > 1 => Reaction::Failed(why),
            None if hit => Reaction::Passed {
                hits: without.clone(),
            },
            _ => Reaction::Passed {
                hits: BTreeSet::new(),
            },
        })
    }
}

/// The options that are worth taking away: those of what the application was seen to use.
fn candidates(needs: &[Need]) -> BTreeSet<String> {
    let used = needs.iter().filter(|need| is_used(need));
    used.flat_map(|need| &need.options)
        .map(|setting| setting.option.clone())
        .collect()
}

fn is_used(need: &Need) -> bool {
    matches!(need.state, State::Used | State::Required)
}

fn rules(map: &Map, without: &BTreeSet<String>) -> Vec<Rule> {
    let features = refusals(map, without).into_iter();
    features
        .filter_map(|feature| format!("{feature}={}", errno_of(&feature)).parse().ok())
        .collect()
}

/// What is known of needs after their options were taken away. An option that has to stay does, also where all needs that
/// name it went because of their other options.
fn judged_all(needs: &[Need], outcome: &Outcome) -> Vec<Need> {
    let mut all: Vec<Need> = needs.iter().map(|need| judged(need, outcome)).collect();
    for (option, verdict) in &outcome.verdicts {
        let (state, text) = match verdict {
            Verdict::Required(why) => (State::Required, format!("without {option}: {why}")),
            Verdict::NotTried => (State::Used, "there was no time to try without it".into()),
            Verdict::Dispensable | Verdict::NotHit => continue,
        };
        let has = |need: &Need| need.options.iter().any(|s| s.option == *option);
        if all.iter().any(|need| need.state.is_built() && has(need)) {
            continue;
        }
        let setting = needs.iter().flat_map(|need| &need.options);
        let setting = setting.filter(|s| s.option == *option).take(1);
        all.push(Need {
            feature: option.clone(),
            options: setting.cloned().collect(),
            state,
            evidence: vec![Evidence {
                source: Source::Trial,
                text,
            }],
        });
    }
    all
}

/// What is known of a need after its options were taken away. One that was refused from the start
/// stays what it is, whatever else hangs on its options.
fn judged(need: &Need, outcome: &Outcome) -> Need {
    let mut need = need.clone();
    if !is_used(&need) {
        return need;
    }
    let verdicts: BTreeMap<&str, &Verdict> = need
        .options
        .iter()
        .filter_map(|s| {
            let verdict = outcome.verdicts.get(&s.option)?;
            Some((s.option.as_str(), verdict))
        })
        .collect();
    let gone = verdicts
        .iter()
        .find(|(_, verdict)| ***verdict == Verdict::Dispensable);
    let required = verdicts.iter().find_map(|(option, verdict)| match verdict {
        Verdict::Required(why) => Some(format!("without {option}: {why}")),
        _ => None,
    });
    let all_required =
        !verdicts.is_empty() && verdicts.values().all(|v| matches!(v, Verdict::Required(_)));
    let (state, text) = match (gone, required) {
        (Some((option, _)), _) => (State::Optional, format!("it works without {option}")),
        (None, Some(why)) if all_required => (State::Required, why),
        _ => return need,
    };
    need.state = state;
    let evidence = Evidence {
        source: Source::Trial,
        text,
    };
    need.evidence.insert(0, evidence);
    need
}

fn summary(outcome: &Outcome) -> String {
    let count =
        |wanted: fn(&Verdict) -> bool| outcome.verdicts.values().filter(|v| wanted(v)).count();
    format!(
        "{} runs: {} options are required, {} dispensable, {} were not asked for, {} not tried for lack of time",
        outcome.trials,
        count(|v| matches!(v, Verdict::Required(_))),
        count(|v| *v == Verdict::Dispensable),
        count(|v| *v == Verdict::NotHit),
        count(|v| *v == Verdict::NotTried),
    )
}

#[cfg(test)]
mod tests;
