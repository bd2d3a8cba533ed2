//! Values of arguments: an argument of a system call is followed into the functions that get
//! it, up to the `switch` over it.

use std::collections::{BTreeMap, BTreeSet};

use lupine_needs::map::Condition;

use super::entries::{Entries, Found};
use super::functions::Function;
use super::numbers::Numbers;
use super::simplify::simplify;
use super::stubs::Stubs;
use super::switches::switches;
use super::syscalls::{Definition, Definitions};
use super::text::{call_at, is_identifier, trailing_name, words};
use super::tree::{File, Tree};

/// How many functions an argument is followed into.
const MOST_FUNCTIONS: usize = 200;
/// System calls whose argument means nothing without another one: see `sockopt`.
const LEFT_OUT: [&str; 2] = ["setsockopt", "getsockopt"];

/// What is needed to find cases.
pub struct Finder<'a> {
    tree: &'a Tree,
    numbers: &'a Numbers,
    stubs: &'a Stubs,
    /// Functions that other files see, by name.
    shared: BTreeMap<&'a str, Vec<(&'a File, &'a Function)>>,
}

/// Labels by name: each with its condition and place, by the `switch` they stand in.
type Labels = BTreeMap<String, BTreeMap<(String, usize), (Condition, String)>>;

/// Functions that were followed already, with the parameter.
type Seen = BTreeSet<(String, usize, String)>;

/// A function that gets the argument.
struct Step<'a, 'n> {
    file: &'a File,
    function: &'a Function,
    /// The parameter.
    name: &'n str,
    /// What it takes to get here, beyond stubs.
    needed: Condition,
}

impl<'a> Finder<'a> {
    /// Prepares for a tree.
    pub fn new(tree: &'a Tree, numbers: &'a Numbers, stubs: &'a Stubs) -> Self {
        let mut shared: BTreeMap<&str, Vec<(&File, &Function)>> = BTreeMap::new();
        for file in tree.files() {
            let header = file.path.ends_with(".h");
            for function in file
                .functions()
                .all
                .iter()
                .filter(|f| header || !f.is_static)
            {
                shared
                    .entry(&function.name)
                    .or_default()
                    .push((file, function));
            }
        }
        Self {
            tree,
            numbers,
            stubs,
            shared,
        }
    }

    /// Adds the cases of all system calls.
    pub fn find(&self, definitions: &Definitions<'a>, into: &mut Entries) {
        let table = into.syscalls();
        let mut unnumbered = BTreeSet::new();
        let counts = |row: &&(String, String, Condition)| !LEFT_OUT.contains(&row.0.as_str());
        for (syscall, function, condition) in table.iter().filter(counts) {
            let sites = definitions
                .get(function)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let found = (0..6).map(|index| (index, self.argument(sites, index)));
            // What later arguments mean depends on the first one that is a choice.
            let Some((index, labels)) = found.into_iter().find(|(_, labels)| !labels.is_empty())
            else {
                continue;
            };
            let argument = format!("{syscall}:{index}");
            self.add(&argument, condition, labels, &mut unnumbered, into);
        }
        into.note("case labels without a number", unnumbered.len());
    }

    /// The labels of one argument, in all definitions of a system call.
    fn argument(&self, sites: &[Definition<'a>], index: usize) -> Labels {
        let mut labels = Labels::new();
        for site in sites {
            let mut all = site.file.functions().all.iter();
            let Some(start) = all.find(|f| f.at == site.at) else {
                continue;
            };
            // SYSCALL_DEFINEn(name, type, parameter, type, parameter, ...)
            let Some(name) = start.parameters.get(2 + 2 * index) else {
                continue;
            };
            let step = Step {
                file: site.file,
                function: start,
                name,
                needed: Condition::Always,
            };
            self.follow(&step, &mut labels, &mut BTreeSet::new());
        }
        labels
    }

    fn add(
        &self,
        argument: &str,
        syscall: &Condition,
        labels: Labels,
        unnumbered: &mut BTreeSet<String>,
        into: &mut Entries,
    ) {
        for (name, places) in labels {
            let Some(number) = self.numbers.value(&name) else {
                unnumbered.insert(name);
                continue;
            };
            let at = places
                .values()
                .next()
                .map(|(_, at)| at.clone())
                .unwrap_or_default();
            // A value must pass every `switch` that names it.
            let all = places.into_values().map(|(condition, _)| condition);
            let condition = Condition::all(all.chain([syscall.clone()]));
            let feature = format!("case:{argument}:{number}");
            into.add(Found::named(feature, name, condition, at));
        }
    }

    /// Collects the labels of every `switch` over a parameter in a function and those it calls.
    fn follow(&self, step: &Step<'a, '_>, labels: &mut Labels, seen: &mut Seen) {
        let (file, function) = (step.file, step.function);
        let key = (file.path.clone(), function.at, step.name.to_owned());
        if step.name.is_empty() || seen.len() > MOST_FUNCTIONS || !seen.insert(key) {
            return;
        }
        let body = &file.text[function.body.clone()];
        let names = aliases(body, step.name);
        for name in &names {
            self.labels(step, name, labels);
        }
        let all = names
            .iter()
            .flat_map(|name| receivers(body, name).into_iter().map(move |r| (name, r)));
        for (name, (callee, receiver)) in all {
            let own = self.stubs.needed(file, &format!("{callee}("));
            let needed = Condition::all([step.needed.clone(), own]);
            for (file, function) in self.named(file, callee) {
                let parameter = match receiver {
                    Receiver::Place(index) => function.parameters.get(index),
                    // A function that is handed over itself gets the value by the same name.
                    Receiver::Named => function.parameters.iter().find(|p| *p == name),
                };
                if let Some(name) = parameter {
                    let needed = needed.clone();
                    self.follow(
                        &Step {
                            file,
                            function,
                            name,
                            needed,
                        },
                        labels,
                        seen,
                    );
                }
            }
        }
    }

    fn labels(&self, step: &Step<'a, '_>, name: &str, labels: &mut Labels) {
        let (file, function) = (step.file, step.function);
        let body = &file.text[function.body.clone()];
        // A function that is not there refuses nothing.
        let missing = self.tree.condition(file, function.at).negated();
        for (index, list) in switches(body, name).into_iter().enumerate() {
            for label in list.into_iter().filter(|label| !only_fails(label.code)) {
                let at = function.body.start + label.at;
                let own = self.tree.condition(file, at);
                let code = self.stubs.needed(file, label.code);
                let own = Condition::any([Condition::all([own, code]), missing.clone()]);
                let condition = simplify(&Condition::all([own, step.needed.clone()]));
                let place = (format!("{}:{}", file.path, function.name), index);
                let places = labels.entry(label.name.into()).or_default();
                let new = match places.remove(&place) {
                    // Two variants of a function, or two branches of an `#if`.
                    Some((other, at)) => (Condition::any([other, condition]), at),
                    None => (condition, file.place(at)),
                };
                places.insert(place, new);
            }
        }
    }

    /// The functions that a name means in a file.
    fn named(&self, file: &'a File, name: &str) -> Vec<(&'a File, &'a Function)> {
        let own: Vec<_> = file
            .functions()
            .all
            .iter()
            .filter(|f| f.name == name)
            .collect();
        if !own.is_empty() {
            return own.into_iter().map(|function| (file, function)).collect();
        }
        // Hooks of the security modules end at the one that is always there.
        let hook = name
            .strip_prefix("security_")
            .map(|rest| format!("cap_{rest}"));
        let known = hook.and_then(|hook| self.shared.get(hook.as_str()));
        let known = known.or_else(|| self.shared.get(name));
        known
            .filter(|all| all.len() <= 4)
            .cloned()
            .unwrap_or_default()
    }
}

/// How a function gets a value.
#[derive(Clone, Copy)]
enum Receiver {
    /// As this argument.
    Place(usize),
    /// It is handed over beside the value.
    Named,
}

/// The variable, and those that get its value, whole or masked.
fn aliases(body: &str, name: &str) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    for at in words(body, name) {
        let Some(before) = body[..at].trim_end().strip_suffix('=') else {
            continue;
        };
        let rest = body[at + name.len()..].trim_start();
        let alias = trailing_name(before.trim_end());
        if rest.starts_with([';', '&']) && !rest.starts_with("&&") && is_identifier(alias) {
            names.push(alias.to_owned());
        }
    }
    names
}

/// The functions that get a variable as an argument.
fn receivers<'b>(body: &'b str, name: &str) -> Vec<(&'b str, Receiver)> {
    let mut found = Vec::new();
    for at in words(body, name) {
        let Some(open) = enclosing(body, at) else {
            continue;
        };
        let callee = trailing_name(&body[..open]);
        if callee.is_empty() {
            continue;
        }
        let Some(call) = call_at(body, open - callee.len(), callee.len()) else {
            continue;
        };
        let Some(index) = call.arguments.iter().position(|argument| *argument == name) else {
            continue;
        };
        found.push((callee, Receiver::Place(index)));
        let others = call
            .arguments
            .iter()
            .filter(|a| is_identifier(a) && **a != name);
        found.extend(others.map(|other| (*other, Receiver::Named)));
    }
    found
}

/// The offset of the parenthesis that is open at an offset.
fn enclosing(body: &str, at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in body
        .bytes()
        .enumerate()
        .take(at)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
    {
        match byte {
            b')' => depth += 1,
            b'(' if depth == 0 => return Some(offset),
            b'(' => depth -= 1,
            b';' | b'{' | b'}' => return None,
            _ => {}
        }
    }
    None
}

/// Whether a case does nothing but refuse.
fn only_fails(code: &str) -> bool {
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let value = code
        .strip_prefix("return -E")
        .and_then(|rest| rest.strip_suffix(';'));
    value.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_to_functions_and_variables() {
        let body = "int cmd = op & MASK;\nif (x) { return do_it(a, op, walk); }\ng(op + 1);";
        assert_eq!(aliases(body, "op"), ["op", "cmd"]);
        let names: Vec<_> = receivers(body, "op")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["do_it", "a", "walk"]);
        assert!(only_fails("\n\t return -EINVAL;\n") && !only_fails("return f();"));
    }
}
