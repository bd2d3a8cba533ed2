//! Why an option has the value it has.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::dotconfig::DotConfig;
use crate::expression::{Blame, Expression, Tristate};
use crate::merge::{Merged, Origin};
use crate::symbols::{Definition, Selector, Symbol, Symbols};
use crate::value::Value;
use crate::{PREFIX, bare};

/// One reason for an option's value. Symbols stand without `CONFIG_`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Fragment lines ask for this value.
    Asked(Vec<Origin>),
    /// Fragment lines asked for another value and were overridden.
    Overridden(Value, Origin),
    /// An enabled option selects it.
    Selected {
        /// The selecting option, then what selects that one, and so on.
        chain: Vec<String>,
        /// The lines that ask for the end of the chain; empty when none does.
        asked: Vec<Origin>,
    },
    /// An enabled option implies it.
    Implied(String),
    /// Its own default.
    Default {
        /// The default as the Kconfig file writes it.
        value: String,
        /// The condition that holds, if there is one.
        condition: Option<String>,
        /// The Kconfig file.
        file: String,
    },
    /// What it depends on is not there.
    Depends(Vec<Blame>),
    /// It can be changed only when this holds, which it does not.
    Hidden(Vec<Blame>),
    /// It belongs to a choice of which this other member is taken.
    Choice(String),
    /// It is the default of its choice, of which these are the other members.
    ChoiceDefault(Vec<String>),
    /// It has no prompt: only these symbols can turn it on.
    NoPrompt(Vec<String>),
    /// The kernel has no such option; names that look like it.
    NoSuchOption(Vec<String>),
    /// It could be on, but nobody asks for it.
    NotAsked,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(origins) => write!(f, "asked for by {}", listed(origins)),
            Self::Overridden(value, origin) => write!(f, "overrides {value} of {origin}"),
            Self::Selected { chain, asked } => {
                write!(f, "selected by {}", chain.join(", which is selected by "))?;
                if asked.is_empty() {
                    Ok(())
                } else {
                    write!(f, ", asked for by {}", listed(asked))
                }
            }
            Self::Implied(by) => write!(f, "implied by {by}"),
            Self::Default {
                value,
                condition,
                file,
            } => {
                write!(f, "default {value}")?;
                if let Some(condition) = condition {
                    write!(f, " because {condition}")?;
                }
                write!(f, " ({file})")
            }
            Self::Depends(blames) => write!(f, "depends on {}", listed(blames)),
            Self::Hidden(blames) => write!(f, "can be changed only with {}", listed(blames)),
            Self::Choice(other) => write!(f, "{other} is chosen in its place"),
            Self::ChoiceDefault(others) => {
                write!(
                    f,
                    "the default of a choice; the others are {}",
                    others.join(", ")
                )
            }
            Self::NoPrompt(by) if by.is_empty() => {
                f.write_str("it has no prompt: it cannot be asked for")
            }
            Self::NoPrompt(by) => {
                write!(
                    f,
                    "it has no prompt: ask for one of {}, which select it",
                    by.join(", ")
                )
            }
            Self::NoSuchOption(near) if near.is_empty() => {
                f.write_str("the kernel has no such option")
            }
            Self::NoSuchOption(near) => {
                write!(
                    f,
                    "the kernel has no such option; did you mean {}?",
                    near.join(", ")
                )
            }
            Self::NotAsked => f.write_str("nobody asks for it"),
        }
    }
}

fn listed(items: &[impl fmt::Display]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(" and ")
}

/// An option, its value and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// `CONFIG_X`.
    pub option: String,
    /// Its value in the resolved configuration; `None` when it is off.
    pub value: Option<String>,
    /// Its prompt, where it has one.
    pub prompt: Option<String>,
    /// Most important first; empty only when no symbols were given and nobody asks for it.
    pub reasons: Vec<Reason>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.option)?,
            None => write!(f, "{} is off", self.option)?,
        }
        if let Some(prompt) = &self.prompt {
            write!(f, "  {prompt}")?;
        }
        self.reasons
            .iter()
            .try_for_each(|reason| write!(f, "\n  {reason}"))
    }
}

/// Says why `option` (with or without `CONFIG_`) has the value it has in `dot`.
///
/// Without `symbols` only the fragments' lines are known.
pub fn explain(
    option: &str,
    merged: &Merged,
    dot: &DotConfig,
    symbols: Option<&Symbols>,
) -> Explanation {
    let name = bare(option);
    let option = format!("{PREFIX}{name}");
    let value = dot.get(&option).map(str::to_owned);
    let mut reasons = asked(&option, value.as_deref(), merged);
    if let Some(symbols) = symbols {
        let view = View {
            merged,
            dot,
            symbols,
        };
        match &value {
            Some(_) => reasons.extend(view.why_set(name)),
            None => reasons.extend(view.why_off(name)),
        }
        if reasons.is_empty() {
            reasons.push(Reason::NotAsked);
        }
    }
    let symbol = symbols.and_then(|s| s.get(name));
    let prompt = symbol.and_then(|s| s.definitions.iter().find_map(|d| d.prompt.clone()));
    Explanation {
        option,
        value,
        prompt,
        reasons,
    }
}

/// The lines that ask for the value that it has, and those that were overridden.
fn asked(option: &str, value: Option<&str>, merged: &Merged) -> Vec<Reason> {
    let Some(request) = merged.requests.get(option) else {
        return Vec::new();
    };
    let mut reasons = Vec::new();
    if request.value.to_string() == value.unwrap_or("n") {
        reasons.push(Reason::Asked(request.origins.clone()));
    }
    let lost = request.overridden.iter().cloned();
    reasons.extend(lost.map(|(value, origin)| Reason::Overridden(value, origin)));
    reasons
}

/// What a question about one configuration looks at.
pub(crate) struct View<'a> {
    pub(crate) merged: &'a Merged,
    pub(crate) dot: &'a DotConfig,
    pub(crate) symbols: &'a Symbols,
}

impl View<'_> {
    fn value(&self, name: &str) -> String {
        self.dot.symbol(name).to_owned()
    }

    /// Whether `text` holds; text that cannot be read is taken to hold.
    fn holds(&self, text: Option<&str>) -> bool {
        let Some(Ok(expression)) = text.map(Expression::parse) else {
            return true;
        };
        expression.eval(&|name| self.value(name)) != Tristate::No
    }

    fn blame(&self, texts: impl Iterator<Item = impl AsRef<str>>) -> Vec<Blame> {
        let mut blames = Vec::new();
        for text in texts {
            if let Ok(expression) = Expression::parse(text.as_ref()) {
                for blame in expression.blame(&|name| self.value(name)) {
                    if !blames.contains(&blame) {
                        blames.push(blame);
                    }
                }
            }
        }
        blames
    }

    /// The enabled ones among `selectors` whose condition holds.
    fn active<'s>(&self, selectors: &'s [Selector]) -> impl Iterator<Item = &'s str> {
        selectors
            .iter()
            .filter(|s| self.dot.symbol(&s.by) != "n" && self.holds(s.condition.as_deref()))
            .map(|s| s.by.as_str())
    }

    /// Reasons other than the fragments for a symbol that is set.
    pub(crate) fn why_set(&self, name: &str) -> Vec<Reason> {
        let Some(symbol) = self.symbols.get(name) else {
            return vec![Reason::NoSuchOption(self.similar(name))];
        };
        let mut by: Vec<&str> = self.active(&symbol.selected_by).collect();
        by.sort_unstable();
        by.dedup();
        let mut reasons: Vec<Reason> = by.into_iter().map(|s| self.chain(s)).collect();
        reasons.extend(
            self.active(&symbol.implied_by)
                .map(|s| Reason::Implied(s.to_owned())),
        );
        let asked = self.merged.requests.get(&format!("{PREFIX}{name}"));
        let given = asked.is_some_and(|r| r.value.to_string() == self.dot.symbol(name));
        if reasons.is_empty() && !given {
            reasons.extend(self.default_of(name, symbol));
        }
        reasons
    }

    /// Follows selections upwards to an option that somebody asked for.
    fn chain(&self, first: &str) -> Reason {
        let mut chain = vec![first.to_owned()];
        let mut seen = BTreeSet::from([first.to_owned()]);
        loop {
            let last = chain[chain.len() - 1].clone();
            let request = self.merged.requests.get(&format!("{PREFIX}{last}"));
            if let Some(request) = request.filter(|r| r.value == Value::Yes) {
                return Reason::Selected {
                    chain,
                    asked: request.origins.clone(),
                };
            }
            let symbol = self.symbols.get(&last);
            let next = symbol
                .and_then(|s| self.active(&s.selected_by).find(|by| !seen.contains(*by)))
                .map(str::to_owned);
            let Some(next) = next else {
                return Reason::Selected {
                    chain,
                    asked: Vec::new(),
                };
            };
            seen.insert(next.clone());
            chain.push(next);
        }
    }

    fn default_of(&self, name: &str, symbol: &Symbol) -> Option<Reason> {
        if !symbol.choice.is_empty() {
            let others = symbol.choice.iter().filter(|other| *other != name);
            return Some(Reason::ChoiceDefault(others.cloned().collect()));
        }
        let pairs = symbol
            .definitions
            .iter()
            .flat_map(|d| d.defaults.iter().map(move |v| (d, v)));
        pairs
            .filter(|(definition, _)| definition.depends.iter().all(|d| self.holds(Some(d))))
            .find(|(_, default)| self.holds(default.condition.as_deref()))
            .map(|(definition, default)| Reason::Default {
                value: default.value.clone(),
                condition: default.condition.clone(),
                file: definition.file.clone(),
            })
    }

    /// Why a symbol is off although it may have been asked for; empty when nothing stands
    /// in its way.
    pub(crate) fn why_off(&self, name: &str) -> Vec<Reason> {
        let Some(symbol) = self.symbols.get(name) else {
            return vec![Reason::NoSuchOption(self.similar(name))];
        };
        if !symbol.has_prompt() {
            let by = symbol
                .selected_by
                .iter()
                .map(|s| s.by.clone())
                .collect::<BTreeSet<_>>();
            let mut reasons = vec![Reason::NoPrompt(by.into_iter().take(8).collect())];
            let depends = symbol
                .definitions
                .iter()
                .map(|d| self.missing(d))
                .min_by_key(Vec::len);
            reasons.extend(depends.filter(|b| !b.is_empty()).map(Reason::Depends));
            return reasons;
        }
        self.invisible(symbol).unwrap_or_else(|| {
            let other = symbol
                .choice
                .iter()
                .find(|o| *o != name && self.dot.symbol(o) == "y");
            other
                .map(|o| Reason::Choice(o.clone()))
                .into_iter()
                .collect()
        })
    }

    /// Why no prompt of the symbol is visible; `None` when one is.
    pub(crate) fn invisible(&self, symbol: &Symbol) -> Option<Vec<Reason>> {
        let mut best: Option<(Vec<Blame>, Vec<Blame>)> = None;
        for definition in symbol.definitions.iter().filter(|d| d.prompt.is_some()) {
            let missing = self.missing(definition);
            let hidden = self.blame(definition.prompt_if.iter());
            if missing.is_empty() && hidden.is_empty() {
                return None;
            }
            let count = missing.len() + hidden.len();
            if best.as_ref().is_none_or(|(m, h)| count < m.len() + h.len()) {
                best = Some((missing, hidden));
            }
        }
        let (missing, hidden) = best?;
        let mut reasons = Vec::new();
        if !missing.is_empty() {
            reasons.push(Reason::Depends(missing));
        }
        if !hidden.is_empty() {
            reasons.push(Reason::Hidden(hidden));
        }
        Some(reasons)
    }

    fn missing(&self, definition: &Definition) -> Vec<Blame> {
        self.blame(definition.depends.iter())
    }

    fn similar(&self, name: &str) -> Vec<String> {
        let near = self.symbols.similar(name);
        near.into_iter().map(|n| format!("{PREFIX}{n}")).collect()
    }
}

#[cfg(test)]
mod tests;
