//! The expression behind `#if`.

use lupine_needs::map::Condition;

use crate::generate::text::{bracketed, is_identifier, leading_name};

/// Macros of `<linux/kconfig.h>` that ask for an option.
const ASKS_OPTION: [&str; 4] = ["IS_ENABLED", "IS_BUILTIN", "IS_REACHABLE", "IS_MODULE"];

type Lookup<'a> = &'a dyn Fn(&str) -> Option<Condition>;
type Options<'a> = &'a dyn Fn(&str) -> Condition;

/// The condition under which an expression is true; `None` when nobody knows. Of a conjunction
/// that is known in parts, these parts.
pub fn evaluate(text: &str, option: Options<'_>, defined: Lookup<'_>) -> Option<Condition> {
    let text = text.trim();
    let alternatives = split(text, "||");
    if alternatives.len() > 1 {
        let parts: Option<Vec<Condition>> = alternatives
            .into_iter()
            .map(|part| evaluate(part, option, defined))
            .collect();
        return parts.map(Condition::any);
    }
    let both = split(text, "&&");
    if both.len() > 1 {
        let known: Vec<Condition> = both
            .into_iter()
            .filter_map(|part| evaluate(part, option, defined))
            .collect();
        return (!known.is_empty()).then(|| Condition::all(known));
    }
    single(text, option, defined)
}

fn single(text: &str, option: Options<'_>, defined: Lookup<'_>) -> Option<Condition> {
    if let Some(rest) = text.strip_prefix('!') {
        // The negation of a conjunction that is known in parts is not known.
        let whole = !rest.contains("&&") || !has_unknown(rest, option, defined);
        let inner = whole.then(|| evaluate(rest, option, defined)).flatten();
        return inner.map(Condition::negated);
    }
    if text.starts_with('(') {
        let (inner, end) = bracketed(text, 0)?;
        return (end == text.len()).then(|| evaluate(inner, option, defined))?;
    }
    let name = leading_name(text);
    let rest = text[name.len()..].trim();
    let argument = rest.trim_start_matches('(').trim_end_matches(')').trim();
    match (name, rest) {
        ("defined", _) if is_identifier(argument) => defined(argument),
        (asks, _) if ASKS_OPTION.contains(&asks) => Some(option(argument)),
        ("0", "") => Some(Condition::Never),
        ("1", "") => Some(Condition::Always),
        ("BITS_PER_LONG" | "__BITS_PER_LONG", "== 64") => Some(Condition::Always),
        ("BITS_PER_LONG" | "__BITS_PER_LONG", "== 32" | "< 64") => Some(Condition::Never),
        (name, "") if name.starts_with("CONFIG_") => Some(option(name)),
        _ => None,
    }
}

fn has_unknown(text: &str, option: Options<'_>, defined: Lookup<'_>) -> bool {
    let inner = bracketed(text, 0).map_or(text, |(inner, _)| inner);
    let mut parts = split(inner, "&&").into_iter();
    parts.any(|part| evaluate(part, option, defined).is_none())
}

/// Splits at an operator that stands in no parentheses.
fn split<'a>(text: &'a str, operator: &str) -> Vec<&'a str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ if depth == 0 && at >= start && text[at..].starts_with(operator) => {
                parts.push(&text[start..at]);
                start = at + operator.len();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}
