//! Conditions in their shortest form that is easily found.

use std::collections::BTreeMap;

use lupine_needs::map::Condition;

/// More alternatives than this are left as they are.
const MOST_TERMS: usize = 256;

/// Options that must be on or off together: one alternative.
type Term = BTreeMap<String, bool>;

/// An equivalent condition: alternatives of conjunctions, what they share in front. The same
/// for equal sets of alternatives, whatever their order.
pub fn simplify(condition: &Condition) -> Condition {
    match terms(condition, true) {
        Some(terms) => written(reduced(terms)),
        None => condition.clone(),
    }
}

/// The alternatives of a condition, or of its negation; `None` when they are too many.
fn terms(condition: &Condition, positive: bool) -> Option<Vec<Term>> {
    match (condition, positive) {
        (Condition::Always, true) | (Condition::Never, false) => Some(vec![Term::new()]),
        (Condition::Always, false) | (Condition::Never, true) => Some(Vec::new()),
        (Condition::Symbol(name), _) => Some(vec![Term::from([(name.clone(), positive)])]),
        (Condition::Not(inner), _) => terms(inner, !positive),
        (Condition::Or(parts), true) | (Condition::And(parts), false) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(terms(part, positive)?);
            }
            (all.len() <= MOST_TERMS).then(|| reduced(all))
        }
        (Condition::And(parts), true) | (Condition::Or(parts), false) => {
            let mut all = vec![Term::new()];
            for part in parts {
                all = product(&all, &terms(part, positive)?);
                if all.len() > MOST_TERMS {
                    return None;
                }
                all = reduced(all);
            }
            Some(all)
        }
    }
}

/// Every alternative of the one with every alternative of the other, without contradictions.
fn product(left: &[Term], right: &[Term]) -> Vec<Term> {
    let mut all = Vec::new();
    for a in left {
        for b in right {
            let agree = b
                .iter()
                .all(|(name, on)| a.get(name).is_none_or(|o| o == on));
            if agree {
                all.push(a.iter().chain(b).map(|(n, on)| (n.clone(), *on)).collect());
            }
        }
    }
    all
}

/// Removes what other alternatives cover: `A || A && B` is `A`, `A || !A && B` is `A || B`.
fn reduced(mut terms: Vec<Term>) -> Vec<Term> {
    loop {
        terms.sort();
        terms.dedup();
        let shorter = terms.iter().enumerate().find_map(|(index, term)| {
            let name = term.keys().find(|name| {
                let others = terms.iter().enumerate().filter(|(i, _)| *i != index);
                others
                    .into_iter()
                    .any(|(_, other)| covers_without(other, term, name))
            })?;
            Some((index, name.clone()))
        });
        let Some((index, name)) = shorter else { break };
        terms[index].remove(&name);
    }
    let covered = |term: &Term| {
        let covers = |other: &Term| other != term && is_part(other, term);
        terms.iter().any(covers)
    };
    terms
        .iter()
        .filter(|term| !covered(term))
        .cloned()
        .collect()
}

fn is_part(part: &Term, whole: &Term) -> bool {
    part.iter().all(|(name, on)| whole.get(name) == Some(on))
}

/// Whether `other` has the opposite of `name` and holds otherwise wherever `term` does.
fn covers_without(other: &Term, term: &Term, name: &str) -> bool {
    other.iter().all(|(n, on)| match term.get(n) {
        Some(wanted) if n == name => wanted != on,
        found => found == Some(on),
    }) && other.contains_key(name)
}

/// A condition from alternatives.
fn written(terms: Vec<Term>) -> Condition {
    let shared: Term = match terms.first() {
        None => return Condition::Never,
        Some(first) => {
            let in_all = |name: &String, on: &bool| terms.iter().all(|t| t.get(name) == Some(on));
            let both = first.iter().filter(|(name, on)| in_all(name, on));
            both.map(|(name, on)| (name.clone(), *on)).collect()
        }
    };
    let literal = |(name, on): (&String, &bool)| match on {
        true => Condition::symbol(name.clone()),
        false => Condition::symbol(name.clone()).negated(),
    };
    let alternatives = terms.iter().map(|term| {
        let own = term.iter().filter(|(name, _)| !shared.contains_key(*name));
        Condition::all(own.map(literal))
    });
    let alternatives = Condition::any(alternatives.collect::<Vec<_>>());
    Condition::all(shared.iter().map(literal).chain([alternatives]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(text: &str) -> String {
        simplify(&Condition::parse(text).unwrap()).to_string()
    }

    #[test]
    fn what_is_covered_vanishes() {
        for (text, wanted) in [
            ("CONFIG_B && CONFIG_A && CONFIG_B", "CONFIG_A && CONFIG_B"),
            ("CONFIG_A || !CONFIG_A", ""),
            ("CONFIG_A && !CONFIG_A", "n"),
            ("CONFIG_A || CONFIG_A && CONFIG_B", "CONFIG_A"),
            ("CONFIG_A || !CONFIG_A && CONFIG_B", "CONFIG_A || CONFIG_B"),
            (
                "CONFIG_N && CONFIG_A || CONFIG_N && CONFIG_B",
                "CONFIG_N && (CONFIG_A || CONFIG_B)",
            ),
            ("!(CONFIG_A || CONFIG_B)", "!CONFIG_A && !CONFIG_B"),
        ] {
            assert_eq!(short(text), wanted);
        }
    }
}
