//! The part of kbuild's Makefiles that says what is compiled when.

use std::collections::BTreeMap;

use lupine_needs::map::Condition;

/// Words of a variable, each with its condition.
pub type Words = Vec<(String, Condition)>;

/// What the variables of a Makefile hold. Variables ending in `-y`, `-$(CONFIG_X)` and so on
/// are one variable, `NAME-`, whose words have conditions.
#[derive(Debug, Default)]
pub struct Makefile {
    variables: BTreeMap<String, Words>,
}

impl Makefile {
    /// Reads a Makefile; `option` gives the condition that an option is on.
    pub fn parse(text: &str, option: &dyn Fn(&str) -> Condition) -> Self {
        let mut reader = Reader {
            option,
            stack: Vec::new(),
            file: Self::default(),
        };
        let mut line = String::new();
        for part in text.lines() {
            line.push_str(part);
            if line.ends_with('\\') {
                line.pop();
                line.push(' ');
                continue;
            }
            // Recipes begin with a tab, assignments within them do not matter.
            let code = line.split('#').next().unwrap_or("");
            reader.line(code.trim());
            line.clear();
        }
        reader.file
    }

    /// The words of a variable, for example `obj-`, with variables in them replaced.
    pub fn words(&self, name: &str) -> Words {
        self.expanded(name, 0)
    }

    /// Whether the variable was ever assigned.
    pub fn has(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    fn expanded(&self, name: &str, depth: usize) -> Words {
        let mut all = Words::new();
        for (word, condition) in self.variables.get(name).into_iter().flatten() {
            let inner = word.strip_prefix("$(").and_then(|w| w.strip_suffix(')'));
            let Some(inner) = inner else {
                all.push((word.clone(), condition.clone()));
                continue;
            };
            if depth < 8 {
                let key = split_name(inner).map_or(inner.to_owned(), |(key, _)| key);
                for (word, own) in self.expanded(&key, depth + 1) {
                    all.push((word, Condition::all([condition.clone(), own])));
                }
            }
        }
        all
    }
}

/// An `if` that is open; `None` where nobody knows.
struct Open {
    /// The condition of the current branch.
    now: Option<Condition>,
    /// Its own part of that.
    own: Option<Condition>,
    /// That none of the earlier branches was taken.
    before: Vec<Condition>,
}

struct Reader<'a> {
    option: &'a dyn Fn(&str) -> Condition,
    stack: Vec<Open>,
    file: Makefile,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match word {
            "ifdef" => self.open(self.is_set(rest.trim())),
            "ifndef" => {
                let set = self.is_set(rest.trim());
                self.open(set.map(Condition::negated));
            }
            "ifeq" => self.open(self.equal(rest)),
            "ifneq" => {
                let equal = self.equal(rest);
                self.open(equal.map(Condition::negated));
            }
            "else" => self.otherwise(rest.trim()),
            "endif" => {
                self.stack.pop();
            }
            _ => self.assignment(line),
        }
    }

    /// `else`, or `else ifeq ...`, which is another branch of the same `if`.
    fn otherwise(&mut self, rest: &str) {
        let Some(mut open) = self.stack.pop() else {
            return;
        };
        open.before.extend(open.own.take().map(Condition::negated));
        let own = if rest.is_empty() {
            None
        } else {
            self.line(rest);
            self.stack.pop().and_then(|inner| inner.now)
        };
        let now: Vec<Condition> = open.before.iter().cloned().chain(own.clone()).collect();
        open.now = (!now.is_empty()).then(|| Condition::all(now));
        // Of this branch, only its own part is to be negated by the next.
        self.stack.push(Open { own, ..open });
    }

    fn open(&mut self, now: Option<Condition>) {
        let own = now.clone();
        self.stack.push(Open {
            now,
            own,
            before: Vec::new(),
        });
    }

    fn is_set(&self, name: &str) -> Option<Condition> {
        name.starts_with("CONFIG_").then(|| (self.option)(name))
    }

    /// `(a,b)`: whether options are `y`, or none of them is anything.
    fn equal(&self, text: &str) -> Option<Condition> {
        let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        let (left, right) = inner.rsplit_once(',')?;
        let (left, right) = (left.trim(), right.trim());
        let (options, value) = match (self.options_in(left), self.options_in(right)) {
            (found, _) if !found.is_empty() => (found, right),
            (_, found) => (found, left),
        };
        match value {
            _ if options.is_empty() => None,
            "y" | "m" | "ym" | "yy" | "my" => Some(Condition::any(options)),
            "" => Some(Condition::any(options).negated()),
            _ => None,
        }
    }

    fn options_in(&self, text: &str) -> Vec<Condition> {
        let names = text.match_indices("CONFIG_").map(|(at, _)| &text[at..]);
        names
            .map(|rest| (self.option)(super::text::leading_name(rest)))
            .collect()
    }

    fn assignment(&mut self, line: &str) {
        let Some(equals) = line.find('=') else { return };
        let (left, value) = (&line[..equals], &line[equals + 1..]);
        let adds = left.ends_with('+');
        let weak = left.ends_with('?');
        let name = left.trim_end_matches(['+', ':', '?']).trim();
        if name.contains(char::is_whitespace) && !name.contains("$(") {
            return;
        }
        let (key, own) = match split_name(name) {
            Some((key, suffix)) => (key, self.suffix(suffix)),
            None => (name.to_owned(), Condition::Always),
        };
        let around = self.stack.iter().filter_map(|open| open.now.clone());
        let condition = Condition::all(around.chain([own]));
        // `a := b $(a)` keeps what stood there.
        let itself = [format!("$({name})"), format!("$({key}y)")];
        let adds = adds
            || value
                .split_whitespace()
                .any(|word| itself.iter().any(|i| i == word));
        let words = self.file.variables.entry(key).or_default();
        if !adds && !weak {
            // What stood there before is gone where the assignment takes place.
            let gone = condition.clone().negated();
            for (_, earlier) in words.iter_mut() {
                *earlier = Condition::all([earlier.clone(), gone.clone()]);
            }
            words.retain(|(_, earlier)| *earlier != Condition::Never);
        }
        let others = value
            .split_whitespace()
            .filter(|word| itself.iter().all(|i| i != word));
        let new = others.map(|word| (word.to_owned(), condition.clone()));
        words.extend(new);
    }

    /// The condition behind the last `-` of a variable's name.
    fn suffix(&self, suffix: &str) -> Condition {
        match self.options_in(suffix) {
            options if !options.is_empty() => Condition::any(options),
            _ if suffix == "n" || suffix.is_empty() => Condition::Never,
            _ => Condition::Always,
        }
    }
}

/// `NAME-y`, `NAME-m`, `NAME-objs` and `NAME-$(...)` as `NAME-` and what follows.
fn split_name(name: &str) -> Option<(String, &str)> {
    let at = match name.find("-$(") {
        Some(at) => at,
        None => name.rfind('-')?,
    };
    let suffix = &name[at + 1..];
    let counts = suffix.starts_with("$(") || matches!(suffix, "y" | "m" | "objs" | "n" | "");
    counts.then(|| (format!("{}-", &name[..at]), suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, name: &str) -> Vec<String> {
        let file = Makefile::parse(text, &|name| Condition::symbol(name));
        let words = file.words(name).into_iter();
        words
            .map(|(word, condition)| format!("{word} {condition}").trim().into())
            .collect()
    }

    #[test]
    fn suffixes_and_blocks_are_conditions() {
        let text = "obj-y += a.o \\\n\tb.o\nobj-$(CONFIG_C) += c.o # d.o\nifdef CONFIG_X\nobj-$(CONFIG_E) += e.o\nelse\nobj-y += f.o\nendif\n";
        let wanted = [
            "a.o",
            "b.o",
            "c.o CONFIG_C",
            "e.o CONFIG_X && CONFIG_E",
            "f.o !CONFIG_X",
        ];
        assert_eq!(shown(text, "obj-"), wanted);
    }

    #[test]
    fn a_variable_of_objects_is_replaced_and_may_be_assigned_twice() {
        let text = "mmu-y := nommu.o\nmmu-$(CONFIG_MMU) := memory.o\nobj-y := a.o $(mmu-y)\n";
        assert_eq!(
            shown(text, "obj-"),
            ["a.o", "nommu.o !CONFIG_MMU", "memory.o CONFIG_MMU"]
        );
    }

    #[test]
    fn a_variable_may_be_extended_by_itself() {
        let text = "a-$(CONFIG_P) += p.o\na-y := b.o $(a-y)\n";
        assert_eq!(shown(text, "a-"), ["p.o CONFIG_P", "b.o"]);
    }

    #[test]
    fn comparisons_with_y_and_nothing() {
        let text = "ifeq ($(CONFIG_A),y)\nobj-y += a.o\nelse ifneq ($(CONFIG_B)$(CONFIG_C),)\nobj-y += b.o\nelse\nobj-y += c.o\nendif\nifeq ($(FOO),1)\nobj-y += d.o\nendif\n";
        let words = shown(text, "obj-");
        assert_eq!(words[0], "a.o CONFIG_A");
        assert_eq!(words[1], "b.o !CONFIG_A && (CONFIG_B || CONFIG_C)");
        assert_eq!(words[3], "d.o");
    }
}
