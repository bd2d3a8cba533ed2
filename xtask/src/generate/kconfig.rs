//! Which options there are, and which are the same in every kernel for this machine.

use std::collections::{BTreeMap, BTreeSet};

use lupine_needs::map::Condition;

/// What makes a kernel one for 64-bit x86: the choice before all others.
const MACHINE: [&str; 2] = ["64BIT", "X86_64"];
/// The file that says what this machine always has.
const MACHINE_FILE: &str = "arch/x86/Kconfig";

/// All options that the Kconfig files define, without their prefix.
#[derive(Default)]
pub struct Options {
    known: BTreeSet<String>,
    always_on: BTreeSet<String>,
    /// Options that an option turns on, whatever else holds.
    selects: BTreeMap<String, Vec<String>>,
}

/// What one `config` block says, as far as it matters here.
#[derive(Default)]
struct Block {
    is_on: bool,
    depends: bool,
    selects: Vec<String>,
}

impl Options {
    /// Reads all Kconfig files: path and text. Only the machine's own file is believed when it
    /// says that something is always on: others may be read under a condition.
    pub fn of<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut options = Self::default();
        let mut todo: Vec<String> = MACHINE.map(String::from).into();
        let in_file = |(path, text)| blocks(text).into_iter().map(move |block| (path, block));
        for (path, (name, block)) in files.flat_map(in_file) {
            if path == MACHINE_FILE && block.is_on && !block.depends {
                todo.push(name.clone());
            }
            options.known.insert(name.clone());
            options
                .selects
                .entry(name)
                .or_default()
                .extend(block.selects);
        }
        options.always_on = options.selected_by(todo);
        options
    }

    /// The options of a list, and what they turn on.
    fn selected_by(&self, mut todo: Vec<String>) -> BTreeSet<String> {
        let mut on = BTreeSet::new();
        while let Some(name) = todo.pop() {
            if on.insert(name.clone()) {
                todo.extend(self.selects.get(&name).into_iter().flatten().cloned());
            }
        }
        on
    }

    /// What is left of a condition where an option is on: what it turns on is no condition.
    pub fn given(&self, option: &str, condition: &Condition) -> Condition {
        let mut on = self.selected_by(vec![option.into()]);
        on.remove(option);
        self.without(&on, condition)
    }

    fn without(&self, on: &BTreeSet<String>, condition: &Condition) -> Condition {
        let all = |parts: &[Condition]| -> Vec<Condition> {
            parts.iter().map(|part| self.without(on, part)).collect()
        };
        match condition {
            Condition::Symbol(name) if on.contains(name.trim_start_matches("CONFIG_")) => {
                Condition::Always
            }
            Condition::Not(inner) => self.without(on, inner).negated(),
            Condition::And(parts) => Condition::all(all(parts)),
            Condition::Or(parts) => Condition::any(all(parts)),
            other => other.clone(),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Whether there is an option of this name; with its prefix.
    pub fn is_known(&self, symbol: &str) -> bool {
        let name = symbol.strip_prefix("CONFIG_").unwrap_or(symbol);
        self.known.contains(name)
    }

    /// The condition that an option is on: what is no option is off, and what every kernel for
    /// this machine has is no condition.
    pub fn condition(&self, symbol: &str) -> Condition {
        let name = symbol.strip_prefix("CONFIG_").unwrap_or(symbol);
        // A module's macro has a suffix: CONFIG_X_MODULE.
        let name = match name.strip_suffix("_MODULE") {
            Some(own) if !self.known.contains(name) => own,
            _ => name,
        };
        if self.always_on.contains(name) {
            Condition::Always
        } else if name == "X86_32" || !self.known.contains(name) {
            Condition::Never
        } else {
            Condition::symbol(format!("CONFIG_{name}"))
        }
    }
}

/// The blocks of a Kconfig file. What stands in an `if` or `choice` depends on something.
fn blocks(text: &str) -> Vec<(String, Block)> {
    let mut blocks: Vec<(String, Block)> = Vec::new();
    let (mut nested, mut help) = (0_usize, false);
    for line in text.lines() {
        let indented = line.starts_with([' ', '\t']);
        let mut words = line.split_whitespace();
        let (first, second) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let conditional = words.next() == Some("if");
        help = help && (indented || first.is_empty());
        match first {
            "config" | "menuconfig" if !help => {
                let depends = nested > 0;
                let block = Block {
                    depends,
                    ..Block::default()
                };
                blocks.push((second.into(), block));
            }
            "if" | "choice" if !indented => nested += 1,
            "endif" | "endchoice" if !indented => nested = nested.saturating_sub(1),
            "help" if second.is_empty() => help = true,
            _ if help => {}
            _ => {
                let Some((_, block)) = blocks.last_mut() else {
                    continue;
                };
                match (first, second) {
                    ("def_bool", "y") if !conditional => block.is_on = true,
                    ("depends" | "prompt", _) => block.depends = true,
                    ("select", name) if !conditional => block.selects.push(name.into()),
                    _ => {}
                }
            }
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "config X86\n\tdef_bool y\n\tselect A\n\tselect B if C\n\nconfig A\n\tbool\n\tselect D\nconfig D\n\tbool \"d\"\n\thelp\n\t  select nothing here\nconfig E\n\tdef_bool y\n\tdepends on D\nif D\nconfig F\n\tdef_bool y\nendif\n";

    #[test]
    fn what_is_always_on_is_no_condition() {
        let options = Options::of([(MACHINE_FILE, TEXT)].into_iter());
        let shown = |name| options.condition(name).to_string();
        assert_eq!(["X86", "A", "D", "64BIT"].map(shown), [""; 4]);
        assert_eq!(["CONFIG_E", "F"].map(shown), ["CONFIG_E", "CONFIG_F"]);
        assert_eq!(["B", "X86_32", "NOTHING"].map(shown), ["n"; 3]);
        assert_eq!(shown("CONFIG_E_MODULE"), "CONFIG_E");
        assert_eq!(options.count(), 5);
        let both = Condition::parse("CONFIG_E || CONFIG_D && CONFIG_F").unwrap();
        assert_eq!(
            options.given("A", &both).to_string(),
            "CONFIG_E || CONFIG_F"
        );
    }
}
