//! Socket options: the labels of the functions that set and get them, with their level.

use std::collections::BTreeMap;

use lupine_needs::map::Condition;

use super::entries::{Entries, Found};
use super::functions::Function;
use super::numbers::Numbers;
use super::stubs::Stubs;
use super::switches::switches;
use super::text::{leading_name, words};
use super::tree::{File, Tree};

/// Functions whose level stands in another file.
const LEVELS: [(&str, &str); 2] = [
    ("sk_setsockopt", "SOL_SOCKET"),
    ("sk_getsockopt", "SOL_SOCKET"),
];

/// Adds them. What can be set counts before what can only be read.
pub fn find(tree: &Tree, numbers: &Numbers, stubs: &Stubs, into: &mut Entries) {
    let (mut set, mut get) = (Vec::new(), Vec::new());
    for file in tree.files().filter(|file| file.path.starts_with("net/")) {
        for function in &file.functions().all {
            let kind = match &function.name {
                name if name.ends_with("setsockopt") => &mut set,
                name if name.ends_with("getsockopt") => &mut get,
                _ => continue,
            };
            let level = level_of(file, function, 0).and_then(|name| numbers.value(name));
            if let Some(level) = level {
                kind.push(options(tree, numbers, stubs, file, function, level));
            }
        }
    }
    // The function that knows most options of a level is the one that has it; others pass
    // some of them on.
    let mut known = Options::new();
    for kind in [&mut set, &mut get] {
        kind.sort_by_key(|options| std::cmp::Reverse(options.len()));
        for (key, found) in kind.drain(..).flatten() {
            known.entry(key).or_insert(found);
        }
    }
    for ((level, number), (name, condition, at)) in known {
        let feature = format!("sockopt:{level}:{number}");
        into.add(Found::named(feature, name, condition, at));
    }
}

/// Name, condition and place by level and number.
type Options = BTreeMap<(u64, u64), (String, Condition, String)>;

/// The options that one function knows.
fn options(
    tree: &Tree,
    numbers: &Numbers,
    stubs: &Stubs,
    file: &File,
    function: &Function,
    level: u64,
) -> Options {
    let mut options = Options::new();
    let body = &file.text[function.body.clone()];
    for label in switches(body, "optname").into_iter().flatten() {
        let Some(number) = numbers.value(label.name) else {
            continue;
        };
        let at = function.body.start + label.at;
        let needed = stubs.needed(file, label.code);
        let mut condition = Condition::all([tree.condition(file, at), needed]);
        if let Some((_, other, _)) = options.remove(&(level, number)) {
            condition = Condition::any([other, condition]);
        }
        options.insert(
            (level, number),
            (label.name.to_owned(), condition, file.place(at)),
        );
    }
    options
}

/// The level that a function, or one of its file that calls it, compares with.
fn level_of<'a>(file: &'a File, function: &Function, depth: usize) -> Option<&'a str> {
    if let Some((_, level)) = LEVELS.iter().find(|(name, _)| *name == function.name) {
        return Some(level);
    }
    let body = &file.text[function.body.clone()];
    // What a function refuses says more than what it treats apart.
    let compared = ["!=", "=="].into_iter().find_map(|operator| {
        words(body, "level").find_map(|at| {
            let rest = body[at + "level".len()..].trim_start();
            let name = leading_name(rest.strip_prefix(operator)?.trim_start());
            let is_level = ["SOL_", "AF_", "IPPROTO_"]
                .iter()
                .any(|start| name.starts_with(start));
            is_level.then_some(name)
        })
    });
    if compared.is_some() || depth > 2 {
        return compared;
    }
    let callers = file.functions().all.iter().filter(|caller| {
        let text = &file.text[caller.body.clone()];
        caller.name != function.name && words(text, &function.name).next().is_some()
    });
    callers
        .into_iter()
        .find_map(|caller| level_of(file, caller, depth + 1))
}
