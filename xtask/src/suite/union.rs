//! What the applications of a suite need together, beside what the general kernel has.

use std::collections::{BTreeMap, BTreeSet};

use lupine_needs::Tables;

use super::count::{self, Paper};
use super::outcome::{Answer, Outcome};

/// Options of all applications together, in sentences.
pub fn render(outcomes: &BTreeMap<String, Outcome>, paper: &Paper, tables: &Tables) -> String {
    let answers = || outcomes.values().filter_map(|one| one.answer.as_ref());
    let minimized = outcomes.values().filter(|outcome| outcome.minimized);
    let used = bare(paper, answers().flat_map(Answer::used));
    let kept = minimized.filter_map(|one| one.answer.as_ref());
    let kept = bare(paper, kept.flat_map(Answer::kept));
    let general = options(tables, &tables.general);
    let general = bare(paper, &general);
    let besides: BTreeSet<&str> = general.difference(&used).copied().collect();
    format!(
        "Together they use {} options: {}.\n\nTogether they keep {} after minimising: {}.\n\n\
         The general kernel has {} besides, for applications that nobody named: {}.\n",
        used.len(),
        names(&used),
        kept.len(),
        names(&kept),
        besides.len(),
        names(&besides)
    )
}

/// Options that features ask for.
fn options(tables: &Tables, features: &[String]) -> BTreeSet<String> {
    let mut left: Vec<&str> = features.iter().map(String::as_str).collect();
    let mut seen = BTreeSet::new();
    let mut options = BTreeSet::new();
    while let Some(name) = left.pop() {
        if !seen.insert(name) {
            continue;
        }
        if let Some(feature) = tables.features.get(name) {
            left.extend(feature.needs.iter().map(String::as_str));
            options.extend(feature.options.iter().map(|s| s.option.clone()));
        }
    }
    options
}

/// Without CONFIG_ and without the machine's own.
fn bare<'a>(paper: &Paper, options: impl IntoIterator<Item = &'a String>) -> BTreeSet<&'a str> {
    let options = options.into_iter().map(|option| count::bare(option));
    options
        .filter(|option| !paper.is_of_the_machine(option))
        .collect()
}

fn names(options: &BTreeSet<&str>) -> String {
    let names: Vec<&str> = options.iter().copied().collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{entry::Suite, outcomes};

    /// Nobody can ask for these: Kconfig turns them on with others.
    const WITHOUT_PROMPT: [&str; 1] = ["NET_RX_BUSY_POLL"];

    /// What docs/top20.md tells about.
    fn published() -> (Paper, BTreeMap<String, Outcome>) {
        let root = crate::root();
        let suite = Suite::read(&root.join("bench/suites/top20.toml")).unwrap();
        let paper = Paper::parse(&crate::read(&suite.beside("paper-2020.toml")).unwrap()).unwrap();
        let outcomes = outcomes(&suite, &root.join("bench/runs/2026-11-top20")).unwrap();
        (paper, outcomes)
    }

    /// The general kernel is for the twenty first of all: it has what any of them was seen to use.
    #[test]
    fn the_general_kernel_has_what_any_of_the_twenty_uses() {
        let (paper, outcomes) = published();
        let answers = outcomes.values().filter_map(|one| one.answer.as_ref());
        let used = bare(&paper, answers.flat_map(Answer::used));
        let tables = Tables::builtin().unwrap();
        let general = options(&tables, &tables.general);
        let general = bare(&paper, &general);
        let missing = used.difference(&general).copied();
        let missing: Vec<&str> = missing.filter(|m| !WITHOUT_PROMPT.contains(m)).collect();
        assert!(!used.is_empty());
        assert_eq!(missing, [""; 0]);
    }

    /// The profile top20 is the study's lupine-general: the union of what each keeps, and nothing else.
    #[test]
    fn the_kernel_of_the_twenty_is_the_union_of_what_each_keeps() {
        let (paper, outcomes) = published();
        let answers = outcomes.values().filter_map(|one| one.answer.as_ref());
        let kept = bare(&paper, answers.flat_map(Answer::kept));
        let tables = Tables::builtin().unwrap();
        let top20 = options(&tables, &tables.top20);
        let mut top20 = bare(&paper, &top20);
        // It comes with the feature proc.
        assert!(top20.remove("PROC_PAGE_MONITOR"));
        assert_eq!(names(&top20), names(&kept));
    }
}
