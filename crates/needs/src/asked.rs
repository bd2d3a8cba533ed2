//! From what an application was seen to ask for to needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::map::{Feature, Map};
use crate::{Evidence, Need, Setting, Source, State, Tables};

/// Most evidence that is kept of one need.
const EVIDENCE: usize = 4;

/// One thing that an application asked a kernel for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// What.
    pub feature: Feature,
    /// How sure the need is that comes of it.
    pub state: State,
    /// Where that is known from.
    pub evidence: Evidence,
}

/// What features mean: names for people and options.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    /// Names and reasons.
    pub tables: &'a Tables,
    /// Features and options.
    pub map: &'a Map,
}

/// What stands behind the same options is one need.
#[derive(Default)]
struct Group {
    state: Option<State>,
    settings: BTreeMap<String, String>,
    features: BTreeSet<Feature>,
    evidence: Vec<Evidence>,
}

/// The needs behind `asked`, sorted by feature. What every kernel has, and what the map does not
/// know, is no need. A need is as sure as the surest thing behind it.
pub fn needs_of(lookup: Lookup<'_>, asked: &[Asked]) -> Vec<Need> {
    let mut groups: BTreeMap<BTreeSet<String>, Group> = BTreeMap::new();
    for one in asked {
        let options = lookup.options(&one.feature);
        if options.is_empty() {
            continue;
        }
        let group = groups.entry(options.keys().cloned().collect()).or_default();
        group.add(one, options);
    }
    for options in contained(&groups) {
        groups.remove(&options);
    }
    let need = |(options, group)| lookup.need(&options, group);
    let mut needs: Vec<Need> = groups.into_iter().map(need).collect();
    needs.sort_by(|a, b| a.feature.cmp(&b.feature));
    needs
}

/// Groups whose options another group that is at least as sure has, too: `accept` needs NET, which
/// every family of sockets has.
fn contained(groups: &BTreeMap<BTreeSet<String>, Group>) -> Vec<BTreeSet<String>> {
    let is_contained = |options: &BTreeSet<String>, group: &Group| {
        groups.iter().any(|(other, of)| {
            other.len() > options.len() && options.is_subset(other) && of.state <= group.state
        })
    };
    let found = groups
        .iter()
        .filter(|(options, group)| is_contained(options, group));
    found.map(|(options, _)| options.clone()).collect()
}

impl Group {
    fn add(&mut self, asked: &Asked, options: BTreeMap<String, String>) {
        let surer = self.state.is_none_or(|state| asked.state < state);
        if surer {
            // What is said of a need is said of how sure it is.
            self.state = Some(asked.state);
            self.evidence.clear();
        }
        self.settings.extend(options);
        self.features.insert(asked.feature.clone());
        let is_new = !self.evidence.contains(&asked.evidence);
        if self.state == Some(asked.state) && is_new && self.evidence.len() < EVIDENCE {
            self.evidence.push(asked.evidence.clone());
        }
    }
}

impl Lookup<'_> {
    /// The options to turn on for a feature, each with the reason.
    fn options(&self, feature: &Feature) -> BTreeMap<String, String> {
        let options = self.map.options_for(feature).unwrap_or_default();
        let why = |option: &str| {
            let entry = self.map.all(feature).into_iter().next();
            let at = entry.map(|entry| entry.at.as_str()).unwrap_or_default();
            let at = if at.is_empty() { "kernel/map" } else { at };
            (option.to_owned(), format!("{feature} needs it ({at})"))
        };
        options.into_iter().map(why).collect()
    }

    fn need(&self, options: &BTreeSet<String>, group: Group) -> Need {
        let setting = |(option, why)| Setting {
            option,
            value: "y".into(),
            why,
        };
        let first = || group.features.iter().next().map(ToString::to_string);
        Need {
            feature: self
                .name(options)
                .map(str::to_owned)
                .or_else(first)
                .unwrap_or_default(),
            options: group.settings.into_iter().map(setting).collect(),
            state: group.state.unwrap_or(State::Unused),
            evidence: group.evidence,
        }
    }

    /// What the table calls the feature whose options these are, with or without those of the
    /// features that it needs.
    fn name(&self, options: &BTreeSet<String>) -> Option<&str> {
        let features = &self.tables.features;
        let own = |name: &str| features.get(name).into_iter().flat_map(|f| &f.options);
        let is_it = |name: &&String| {
            let needs = features.get(*name).into_iter().flat_map(|f| &f.needs);
            let all = own(name).chain(needs.flat_map(|needed| own(needed)));
            let known = |option: &String| all.clone().any(|s| s.option == *option);
            own(name).count() > 0
                && own(name).all(|s| options.contains(&s.option))
                && options.iter().all(known)
        };
        features.keys().find(is_it).map(String::as_str)
    }
}

impl Evidence {
    /// That `who` was seen to ask for `feature` in a traced run.
    pub fn traced(feature: &Feature, who: &str) -> Self {
        Self {
            source: Source::Trace,
            text: format!("{who} asked for {feature}"),
        }
    }
}

#[cfg(test)]
mod tests;
