//! Does it work on the kernel that was built for it? If not: what is missing?

use lupine_needs::map::Feature;
use lupine_needs::{Asked, Evidence, Need, Source, State, errno_of, needs_of};
use lupine_recorder::errno_name;
use miette::{Result, miette};

use super::closure::Built;
use super::learn::Working;
use super::{Answer, Discovery, reachable};
use crate::manifest::KernelPart;
use crate::missing::is_lacking;
use crate::progress::duration;

/// Most kernels that are built for one application.
const ROUNDS: u32 = 4;

/// Needs that shall be proved.
pub struct Claim {
    /// The needs.
    pub needs: Vec<Need>,
    /// Each was tried to be taken away.
    pub minimized: bool,
}

impl Discovery<'_> {
    /// Finds out what the application needs, and proves it on a kernel that has just that.
    ///
    /// # Errors
    /// When it does not work on the general kernel, or on none that was built for it.
    pub fn answer(&mut self) -> Result<(Working, Answer)> {
        let working = self.learn()?;
        let needs = needs_of(self.lookup(), &working.asked);
        self.say(&format!(
            "it works on the general kernel when {}; it uses {} of its features",
            working.goal.describe(),
            needs.iter().filter(|need| need.state.is_built()).count()
        ));
        let claim = Claim {
            needs,
            minimized: false,
        };
        let answer = self.prove(&working, claim)?;
        Ok((working, answer))
    }

    /// Builds the kernel for a claim and runs the application on it; adds what turns out to be
    /// missing, and builds again.
    ///
    /// # Errors
    /// When that does not end with an application that works.
    pub(super) fn prove(&mut self, working: &Working, claim: Claim) -> Result<Answer> {
        let mut needs = claim.needs;
        for round in 1..=ROUNDS {
            let built = self.build(&needs, claim.minimized)?;
            needs.clone_from(&built.needs);
            self.kernels += 1;
            self.step("running it on its own kernel");
            let vmlinux = built.kernel.vmlinux.clone();
            let seen = self.attempt(vmlinux, None, &working.goal, working.limit)?;
            let Some(why) = seen.failure() else {
                self.say(&format!(
                    "round {round}: it works on its own kernel ({} options), {} after its start",
                    built.kernel.metadata.options_set,
                    duration(seen.took)
                ));
                return Ok(self.proved(needs, working, &built, claim.minimized, round));
            };
            self.say(&format!("round {round}: it does not work: {why}"));
            let missing = self.diagnose(&built, working, round)?;
            if missing.is_empty() {
                break;
            }
            let names: Vec<String> = missing.iter().map(|m| m.feature.to_string()).collect();
            self.say(&format!("round {round}: adding {}", some(&names)));
            add(&mut needs, needs_of(self.lookup(), &missing));
        }
        Err(miette!(
            help = "lupine run --profile general runs it all the same; --option CONFIG_X=y adds an option by hand",
            "no kernel was found on which {} works, but the general one",
            self.question.image
        ))
    }

    fn proved(
        &self,
        needs: Vec<Need>,
        working: &Working,
        built: &Built,
        minimized: bool,
        rounds: u32,
    ) -> Answer {
        Answer {
            needs,
            goal: working.goal.clone(),
            ports: self.testbed.ports.clone(),
            kernel: Some(KernelPart {
                key: built.kernel.key.clone(),
                version: built.kernel.metadata.version.clone(),
                minimized,
            }),
            rounds,
            kernels: self.kernels,
            trials: self.trials,
            took: self.started.elapsed(),
        }
    }

    /// What it was refused on a kernel that lacks it; if that is nothing, what its code can ask for.
    fn diagnose(&mut self, built: &Built, working: &Working, round: u32) -> Result<Vec<Asked>> {
        self.step("running it again to see what it is refused");
        let vmlinux = built.kernel.vmlinux.clone();
        let rules = Some(Vec::new());
        let seen = self.attempt(vmlinux, rules, &working.goal, working.limit)?;
        let mut missing = Vec::new();
        for record in &seen.records {
            for text in lupine_recorder::features(record) {
                let Ok(feature) = text.parse::<Feature>() else {
                    continue;
                };
                let refused = errno_name(record.errno) == Some(errno_of(&feature));
                if refused && is_lacking(&self.map, &built.config, &feature) {
                    missing.push(failed(feature, &record.comm, round));
                }
            }
        }
        if missing.is_empty() {
            missing = self.reachable_missing(built);
        }
        Ok(missing)
    }

    fn reachable_missing(&self, built: &Built) -> Vec<Asked> {
        let reachable = reachable(&self.general).asked.into_iter();
        let lacking = reachable.filter(|one| is_lacking(&self.map, &built.config, &one.feature));
        lacking
            .map(|one| Asked {
                state: State::Used,
                ..one
            })
            .collect()
    }
}

fn failed(feature: Feature, comm: &str, round: u32) -> Asked {
    let text = format!("{comm} was refused {feature} on the kernel of round {round}, which failed");
    Asked {
        feature,
        state: State::Used,
        evidence: Evidence {
            source: Source::Guest,
            text,
        },
    }
}

/// Adds needs; one that was thought to be dispensable is not any more.
fn add(needs: &mut Vec<Need>, more: Vec<Need>) {
    for need in more {
        needs.retain(|known| known.feature != need.feature || known.state < need.state);
        if !needs.iter().any(|known| known.feature == need.feature) {
            needs.push(need);
        }
    }
}

/// The first few names.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 6;
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}
