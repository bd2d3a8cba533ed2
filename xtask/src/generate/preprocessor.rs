//! Under which condition each line of a C file is compiled.

mod expression;

use std::collections::BTreeMap;

use lupine_needs::map::Condition;

/// Knows what a name that is tested by `#if` stands for.
pub trait Names {
    /// The condition that an option is on; its name has the prefix.
    fn option(&self, symbol: &str) -> Condition;
    /// The condition that another macro is defined; `None` when nobody knows.
    fn macro_(&self, name: &str) -> Option<Condition>;
}

/// Conditions by line.
#[derive(Debug, Default)]
pub struct Lines {
    /// First line (from 1) of each region, and its condition.
    regions: Vec<(usize, Condition)>,
}

/// One `#if` that is open.
struct Open {
    /// The condition of the current branch; `None` when it is not known.
    now: Option<Condition>,
    /// The conditions of the branches before, of which none held.
    before: Vec<Option<Condition>>,
}

impl Lines {
    /// Reads a text without comments.
    pub fn of(text: &str, names: &dyn Names) -> Self {
        let mut walk = Walk {
            names,
            stack: Vec::new(),
            defined: BTreeMap::new(),
            regions: vec![(1, Condition::Always)],
        };
        let mut lines = (1..).zip(text.lines());
        while let Some((number, line)) = lines.next() {
            let Some(rest) = line.trim_start().strip_prefix('#') else {
                continue;
            };
            let mut directive = rest.trim().to_owned();
            let mut last = number;
            while directive.ends_with('\\') {
                directive.pop();
                let Some((number, next)) = lines.next() else {
                    break;
                };
                directive.push_str(next.trim_end());
                last = number;
            }
            walk.directive(last + 1, &directive);
        }
        Self {
            regions: walk.regions,
        }
    }

    /// The condition of a line, counted from 1.
    pub fn condition(&self, line: usize) -> Condition {
        let after = self.regions.partition_point(|(first, _)| *first <= line);
        let region = after.checked_sub(1).and_then(|at| self.regions.get(at));
        region.map_or(Condition::Always, |(_, condition)| condition.clone())
    }
}

struct Walk<'a> {
    names: &'a dyn Names,
    stack: Vec<Open>,
    /// Macros that this file has defined so far, and under which condition.
    defined: BTreeMap<String, Condition>,
    regions: Vec<(usize, Condition)>,
}

impl Walk<'_> {
    /// One directive; what it changes holds from line `next` on.
    fn directive(&mut self, next: usize, text: &str) {
        let end = text.bytes().position(|b| !b.is_ascii_alphabetic());
        let (word, rest) = text.split_at(end.unwrap_or(text.len()));
        let rest = rest.trim();
        match word {
            "if" => self.open(self.evaluate(rest)),
            "ifdef" => self.open(self.defined(rest)),
            "ifndef" => self.open(self.defined(rest).map(Condition::negated)),
            "elif" => {
                let condition = self.evaluate(rest);
                self.next_branch(condition);
            }
            "else" => self.next_branch(Some(Condition::Always)),
            "endif" => {
                self.stack.pop();
            }
            "define" => return self.define(rest),
            "undef" => {
                self.defined.remove(rest);
                return;
            }
            _ => return,
        }
        self.regions.push((next, self.now()));
    }

    fn open(&mut self, now: Option<Condition>) {
        let before = Vec::new();
        self.stack.push(Open { now, before });
    }

    fn next_branch(&mut self, condition: Option<Condition>) {
        let Some(open) = self.stack.last_mut() else {
            return;
        };
        open.before.push(open.now.take());
        // One branch of which nothing is known leaves the next ones unknown, too.
        let before: Option<Vec<Condition>> = open.before.iter().cloned().collect();
        let none_before = before.map(|all| Condition::any(all).negated());
        open.now = match (none_before, condition) {
            (Some(none), Some(own)) => Some(Condition::all([none, own])),
            (Some(none), None) => Some(none),
            (None, own) => own.filter(|own| *own != Condition::Always),
        };
    }

    /// The condition of all branches that are open; what is not known is left out.
    fn now(&self) -> Condition {
        Condition::all(self.stack.iter().filter_map(|open| open.now.clone()))
    }

    fn define(&mut self, rest: &str) {
        let name = super::text::leading_name(rest).to_owned();
        let mut condition = self.now();
        if let Some(earlier) = self.defined.remove(&name) {
            condition = Condition::any([earlier, condition]);
        }
        self.defined.insert(name, condition);
    }

    fn defined(&self, name: &str) -> Option<Condition> {
        let name = super::text::leading_name(name);
        if name.starts_with("CONFIG_") {
            return Some(self.names.option(name));
        }
        let known = self.names.macro_(name);
        known.or_else(|| self.defined.get(name).cloned())
    }

    fn evaluate(&self, text: &str) -> Option<Condition> {
        let option = |name: &str| self.names.option(name);
        expression::evaluate(text, &option, &|name| self.defined(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct All;

    impl Names for All {
        fn option(&self, symbol: &str) -> Condition {
            Condition::symbol(symbol)
        }
        fn macro_(&self, name: &str) -> Option<Condition> {
            (name == "__KERNEL__").then_some(Condition::Always)
        }
    }

    fn at(text: &str, line: usize) -> String {
        crate::generate::simplify::simplify(&Lines::of(text, &All).condition(line)).to_string()
    }

    #[test]
    fn branches_exclude_each_other() {
        let text = "#ifdef CONFIG_A\n1\n#elif defined(CONFIG_B)\n2\n#else\n3\n#endif\n4\n";
        assert_eq!(at(text, 2), "CONFIG_A");
        assert_eq!(at(text, 4), "!CONFIG_A && CONFIG_B");
        assert_eq!(at(text, 6), "!CONFIG_A && !CONFIG_B");
        assert_eq!(at(text, 8), "");
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let text = "#ifndef _X_H\n#define _X_H\n#ifdef CONFIG_A\n1\n#endif\n#if FOO > 2\n2\n#else\n3\n#endif\n#endif\n";
        assert_eq!(at(text, 4), "CONFIG_A");
        assert_eq!([at(text, 7), at(text, 9)], ["", ""]);
    }

    #[test]
    fn macros_of_the_file_itself_are_known() {
        let text = "#ifdef CONFIG_A\n#define HAVE_A\n#endif\n#ifdef HAVE_A\n1\n#endif\n";
        assert_eq!(at(text, 5), "CONFIG_A");
    }

    #[test]
    fn expressions_may_go_over_lines() {
        let text = "#if IS_ENABLED(CONFIG_A) && \\\n  !defined CONFIG_B && defined(__KERNEL__)\n1\n#endif\n";
        assert_eq!(at(text, 3), "CONFIG_A && !CONFIG_B");
    }
}
