//! What was asked for against what became of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::PREFIX;
use crate::bare;
use crate::dotconfig::DotConfig;
use crate::explain::{Reason, View};
use crate::expression::Blame;
use crate::fragment::{Fragment, FragmentError, Layer};
use crate::merge::{Merged, Origin};
use crate::symbols::{Symbol, Symbols};
use crate::value::Value;

/// An option whose request may be dropped without failing the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedDrop {
    /// The asked-for value that may be dropped.
    pub asked: Value,
    /// Why that is no mistake.
    pub why: String,
}

/// Stands in a list of such options for whatever text is asked for.
const ANY: &str = "\"*\"";

/// The requests that may be dropped, by `CONFIG_X`, each with its reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Keyed by `CONFIG_X`.
    pub drops: BTreeMap<String, AllowedDrop>,
}

impl Allowed {
    /// Reads a list in the form of a fragment: a reason, then the request that may be dropped.
    ///
    /// # Errors
    /// As for [`Fragment::parse`].
    pub fn parse(name: &str, text: &str) -> Result<Self, FragmentError> {
        let fragment = Fragment::parse(name, Layer::Base, text)?;
        let drops = fragment.lines.into_iter().map(|line| {
            let drop = AllowedDrop {
                asked: line.value,
                why: line.why,
            };
            (line.option, drop)
        });
        Ok(Self {
            drops: drops.collect(),
        })
    }

    /// Whether a request of this value may be dropped.
    pub fn permits(&self, option: &str, asked: &Value) -> bool {
        let drop = self.drops.get(option);
        drop.is_some_and(|d| d.asked == *asked || d.asked == Value::Literal(ANY.into()))
    }
}

/// A request that the kernel's solver did not honour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// `CONFIG_X`.
    pub option: String,
    /// What was asked for.
    pub asked: Value,
    /// What it became; `None` when it is off.
    pub got: Option<String>,
    /// Who asked.
    pub origins: Vec<Origin>,
    /// What stands in its way, as far as it is known.
    pub reasons: Vec<Reason>,
    /// Options that are off, keep this one off and can be asked for, as `CONFIG_X`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// The symbol, if the blamed part is one symbol that is off.
fn turned_off(blame: &Blame) -> Option<&str> {
    match blame.symbols.as_slice() {
        [(name, value)] if *name == blame.part && value == "n" => Some(name),
        _ => None,
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = format!("{}={}", self.option, self.asked);
        let got = self.got.as_deref().unwrap_or("n");
        write!(f, "{asked} became {got}")?;
        for reason in &self.reasons {
            write!(f, "; {reason}")?;
        }
        let origins: Vec<String> = self.origins.iter().map(ToString::to_string).collect();
        write!(f, "; asked for by {}", origins.join(" and "))
    }
}

/// Requests that were dropped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("the kernel's configuration does not keep what was asked for:{}", lines(.dropped))]
#[diagnostic(help("{}", hint(.dropped)))]
pub struct CheckError {
    /// At least one, sorted by option.
    pub dropped: Vec<Dropped>,
}

fn lines(dropped: &[Dropped]) -> String {
    dropped.iter().map(|d| format!("\n  {d}")).collect()
}

fn hint(dropped: &[Dropped]) -> String {
    let mut missing: Vec<String> = dropped.iter().flat_map(|d| d.missing.clone()).collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return "remove the request, or change what stands in its way".into();
    }
    format!("ask for what is missing too: {}", missing.join(", "))
}

/// Compares every request with the resolved configuration.
///
/// `symbols` adds the reasons; without it the dropped options are only named.
///
/// # Errors
/// When a request is not honoured and `allowed` does not list it.
pub fn check(
    merged: &Merged,
    dot: &DotConfig,
    symbols: Option<&Symbols>,
    allowed: &Allowed,
) -> Result<(), CheckError> {
    let mut dropped = Vec::new();
    for (option, request) in &merged.requests {
        let got = dot.get(option);
        if honoured(&request.value, got) || allowed.permits(option, &request.value) {
            continue;
        }
        let view = symbols.map(|symbols| View {
            merged,
            dot,
            symbols,
        });
        let reasons = view
            .as_ref()
            .map(|v| v.why_not(option, got))
            .unwrap_or_default();
        let missing = view.map(|v| v.to_ask_for(&reasons)).unwrap_or_default();
        dropped.push(Dropped {
            option: option.clone(),
            asked: request.value.clone(),
            got: got.map(str::to_owned),
            origins: request.origins.clone(),
            reasons,
            missing,
        });
    }
    if dropped.is_empty() {
        Ok(())
    } else {
        Err(CheckError { dropped })
    }
}

fn honoured(asked: &Value, got: Option<&str>) -> bool {
    match asked {
        Value::Yes => got == Some("y"),
        Value::No => got.is_none(),
        Value::Literal(text) => got == Some(text),
    }
}

impl View<'_> {
    /// The options that the reasons blame and that a configuration can ask for.
    fn to_ask_for(&self, reasons: &[Reason]) -> Vec<String> {
        let blames = reasons.iter().flat_map(|reason| match reason {
            Reason::Depends(blames) | Reason::Hidden(blames) => blames.as_slice(),
            _ => &[],
        });
        let names = blames.filter_map(turned_off);
        let with_prompt = |name: &&str| self.symbols.get(name).is_some_and(Symbol::has_prompt);
        names
            .filter(with_prompt)
            .map(|name| format!("{PREFIX}{name}"))
            .collect()
    }

    /// Why `option` did not get the value that was asked for.
    fn why_not(&self, option: &str, got: Option<&str>) -> Vec<Reason> {
        let name = bare(option);
        if got.is_none() {
            return self.why_off(name);
        }
        let mut reasons = self.why_set(name);
        if let Some(symbol) = self.symbols.get(name) {
            if symbol.has_prompt() {
                reasons.extend(self.invisible(symbol).unwrap_or_default());
            } else {
                reasons.push(Reason::NoPrompt(Vec::new()));
            }
        }
        reasons
    }
}

#[cfg(test)]
mod tests;
