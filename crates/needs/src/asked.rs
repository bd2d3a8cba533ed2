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
    let smaller = contained(&groups);
    for (options, within) in smaller {
        if let Some(group) = groups.remove(&options)
            && let Some(target) = groups.get_mut(&within)
        {
            target.features.extend(group.features);
        }
    }
    let need = |(options, group)| lookup.need(&options, group);
    let mut needs: Vec<Need> = groups.into_iter().map(need).collect();
    needs.sort_by(|a, b| a.feature.cmp(&b.feature));
    needs
}

/// Groups whose options another group that is at least as sure has, too, each with the
/// smallest such group: `accept` needs NET, which every family of sockets has.
fn contained(
    groups: &BTreeMap<BTreeSet<String>, Group>,
) -> Vec<(BTreeSet<String>, BTreeSet<String>)> {
    let larger = |options: &BTreeSet<String>, group: &Group| {
        let fits = groups.iter().filter(|(other, of)| {
            other.len() > options.len() && options.is_subset(other) && of.state <= group.state
        });
        fits.map(|(other, _)| other)
            .max_by_key(|other| (std::cmp::Reverse(other.len()), *other))
            .cloned()
    };
    let mut found: Vec<_> = groups
        .iter()
        .filter_map(|(options, group)| Some((options.clone(), larger(options, group)?)))
        .collect();
    // The smallest first, so that a group that goes into another has taken its own before.
    found.sort_by_key(|(options, _)| options.len());
    found
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

    /// What the table calls the feature that has exactly these options, alone or with those it needs.
    fn name(&self, options: &BTreeSet<String>) -> Option<&str> {
        let of = |name: &str| -> BTreeSet<&str> {
            let feature = self.tables.features.get(name);
            let needs = feature.map(|f| f.needs.as_slice()).unwrap_or_default();
            let needed = needs.iter().filter_map(|n| self.tables.features.get(n));
            feature
                .into_iter()
                .chain(needed)
                .flat_map(|f| &f.options)
                .map(|s| s.option.as_str())
                .collect()
        };
        let wanted: BTreeSet<&str> = options.iter().map(String::as_str).collect();
        let names = self.tables.features.keys();
        names.map(String::as_str).find(|name| of(name) == wanted)
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
