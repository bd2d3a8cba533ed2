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
    let (mut set, mut get) = (Options::new(), Options::new());
    for file in tree.files().filter(|file| file.path.starts_with("net/")) {
        for function in &file.functions().all {
            let kind = match &function.name {
                name if name.ends_with("setsockopt") => &mut set,
                name if name.ends_with("getsockopt") => &mut get,
                _ => continue,
            };
            let Some(level) = level_of(file, function, 0).and_then(|name| numbers.value(name))
            else {
                continue;
            };
            options(tree, numbers, stubs, file, function, level, kind);
        }
    }
    for (key, found) in get {
        set.entry(key).or_insert(found);
    }
    for ((level, number), (name, condition, at)) in set {
        let feature = format!("sockopt:{level}:{number}");
        into.add(Found {
            feature,
            name,
            condition,
            at,
            stub: false,
        });
    }
}

/// Name, condition and place by level and number.
type Options = BTreeMap<(u64, u64), (String, Condition, String)>;

fn options(
    tree: &Tree,
    numbers: &Numbers,
    stubs: &Stubs,
    file: &File,
    function: &Function,
    level: u64,
    into: &mut Options,
) {
    let body = &file.text[function.body.clone()];
    for label in switches(body, "optname").into_iter().flatten() {
        let Some(number) = numbers.value(label.name) else {
            continue;
        };
        let at = function.body.start + label.at;
        let needed = stubs.needed(file, label.code);
        let condition = Condition::all([tree.condition(file, at), needed]);
        let found = (label.name.to_owned(), condition, file.place(at));
        match into.get_mut(&(level, number)) {
            None => {
                into.insert((level, number), found);
            }
            Some(known) => known.1 = Condition::any([known.1.clone(), found.1]),
        }
    }
}

/// The level that a function, or one of its file that calls it, compares with.
fn level_of<'a>(file: &'a File, function: &Function, depth: usize) -> Option<&'a str> {
    if let Some((_, level)) = LEVELS.iter().find(|(name, _)| *name == function.name) {
        return Some(level);
    }
    let body = &file.text[function.body.clone()];
    let compared = words(body, "level").find_map(|at| {
        let rest = body[at + "level".len()..].trim_start();
        let value = rest
            .strip_prefix("!=")
            .or_else(|| rest.strip_prefix("=="))?;
        Some(leading_name(value.trim_start())).filter(|name| name.starts_with("SOL_"))
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
