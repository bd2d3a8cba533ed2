//! Fragments into one set of requests; contradictions are errors unless marked.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::fragment::{Fragment, Layer, Line};
use crate::value::Value;

/// A line that asked for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Fragment's name.
    pub fragment: String,
    /// Its layer.
    pub layer: Layer,
    /// Line number, from 1.
    pub line: usize,
    /// The line's reason.
    pub why: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ({})", self.fragment, self.line, self.why)
    }
}

/// What all fragments together ask for one option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The value that won.
    pub value: Value,
    /// Every line that asks for this value.
    pub origins: Vec<Origin>,
    /// Lines that asked for another value and were overridden, with that value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<(Value, Origin)>,
}

/// The requests of all fragments, by option (`CONFIG_X`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// Keyed by `CONFIG_X`.
    pub requests: BTreeMap<String, Request>,
}

/// Two lines that want different values for one option.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{option} is asked to be {} by {first} and {} by {second}", said(.first_value), said(.second_value))]
#[diagnostic(help(
    "remove one of the two lines, or put `# override: REASON` above the later one if it is meant"
))]
pub struct MergeError {
    /// The option.
    pub option: String,
    /// What stood first.
    pub first_value: Value,
    /// Where that stands.
    pub first: Box<Origin>,
    /// What contradicts it.
    pub second_value: Value,
    /// Where that stands.
    pub second: Box<Origin>,
}

fn said(value: &Value) -> String {
    match value {
        Value::Yes => "on".into(),
        Value::No => "off".into(),
        Value::Literal(text) => text.clone(),
    }
}

/// Merges fragments in the order of their layers; within a layer, in the given order.
///
/// # Errors
/// When a line contradicts an earlier one and is not marked as an override.
pub fn merge(fragments: &[Fragment]) -> Result<Merged, MergeError> {
    let mut ordered: Vec<&Fragment> = fragments.iter().collect();
    ordered.sort_by_key(|f| f.layer);
    let mut merged = Merged::default();
    for fragment in ordered {
        for line in &fragment.lines {
            merged.add(fragment, line)?;
        }
    }
    Ok(merged)
}

impl Merged {
    fn add(&mut self, fragment: &Fragment, line: &Line) -> Result<(), MergeError> {
        let origin = Origin {
            fragment: fragment.name.clone(),
            layer: fragment.layer,
            line: line.number,
            why: line.why.clone(),
        };
        let Some(request) = self.requests.get_mut(&line.option) else {
            let request = Request {
                value: line.value.clone(),
                origins: vec![origin],
                overridden: Vec::new(),
            };
            self.requests.insert(line.option.clone(), request);
            return Ok(());
        };
        if request.value == line.value {
            request.origins.push(origin);
            return Ok(());
        }
        if !line.overrides {
            return Err(MergeError {
                option: line.option.clone(),
                first_value: request.value.clone(),
                first: Box::new(request.origins[0].clone()),
                second_value: line.value.clone(),
                second: Box::new(origin),
            });
        }
        let lost = std::mem::replace(&mut request.origins, vec![origin]);
        let value = std::mem::replace(&mut request.value, line.value.clone());
        request
            .overridden
            .extend(lost.into_iter().map(|o| (value.clone(), o)));
        Ok(())
    }

    /// The text for the kernel's `KCONFIG_ALLCONFIG`, sorted by option: equal requests
    /// give equal text, whatever fragments they come from.
    pub fn to_config(&self) -> String {
        let mut text = String::new();
        for (option, request) in &self.requests {
            // Writing to a String cannot fail.
            let _ = match &request.value {
                Value::No => writeln!(text, "# {option} is not set"),
                value => writeln!(text, "{option}={value}"),
            };
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dotconfig::DotConfig;

    fn fragment(name: &str, layer: Layer, text: &str) -> Fragment {
        Fragment::parse(name, layer, text).unwrap()
    }

    #[test]
    fn a_contradiction_names_both_places() {
        let base = fragment("base.config", Layer::Base, "# messages\nCONFIG_PRINTK=y\n");
        let tiny = fragment(
            "tiny.config",
            Layer::Feature,
            "# small\n# CONFIG_PRINTK is not set\n",
        );
        let error = merge(&[tiny, base]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "CONFIG_PRINTK is asked to be on by base.config:2 (messages) \
             and off by tiny.config:2 (small)"
        );
    }

    #[test]
    fn an_override_wins_and_remembers_what_it_overrode() {
        let base = fragment("base.config", Layer::Base, "# messages\nCONFIG_PRINTK=y\n");
        let more = fragment(
            "more.config",
            Layer::Need,
            "# more messages\nCONFIG_PRINTK=y\n",
        );
        let tiny = fragment(
            "tiny.config",
            Layer::Feature,
            "# override: small\n# CONFIG_PRINTK is not set\n",
        );
        let merged = merge(&[tiny, base, more]).unwrap();
        let request = &merged.requests["CONFIG_PRINTK"];
        assert_eq!(request.value, Value::No);
        assert_eq!(request.origins.len(), 1);
        assert_eq!(request.overridden.len(), 2);
        assert_eq!(merged.to_config(), "# CONFIG_PRINTK is not set\n");
    }

    #[test]
    fn agreement_keeps_every_origin() {
        let a = fragment("a", Layer::Need, "CONFIG_NET=y # redis\n");
        let b = fragment("b", Layer::Need, "CONFIG_NET=y # port 80\n");
        let merged = merge(&[a, b]).unwrap();
        let origins = &merged.requests["CONFIG_NET"].origins;
        let names: Vec<_> = origins.iter().map(|o| o.fragment.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn a_persons_word_overrides_everything() {
        let base = fragment("base.config", Layer::Base, "# messages\nCONFIG_PRINTK=y\n");
        let user = Fragment::from_user(&[("CONFIG_PRINTK".into(), Value::No)]);
        let merged = merge(&[base, user]).unwrap();
        assert_eq!(merged.requests["CONFIG_PRINTK"].value, Value::No);
    }

    proptest! {
        #[test]
        fn what_is_merged_can_be_read_as_a_config(
            values in prop::collection::btree_map("CONFIG_[A-Z]{1,6}", "y|n|[1-9][0-9]{0,4}", 0..20),
        ) {
            let text: String = values.iter().map(|(o, v)| format!("{o}={v} # why\n")).collect();
            let merged = merge(&[fragment("a", Layer::Base, &text)]).unwrap();
            let dot = DotConfig::parse(&merged.to_config()).unwrap();
            for (option, value) in &values {
                prop_assert_eq!(dot.get(option).unwrap_or("n"), value);
            }
        }

        #[test]
        fn the_order_of_layers_counts_not_the_order_given(swap: bool) {
            let base = fragment("base", Layer::Base, "CONFIG_A=y # a\n");
            let feature = fragment("feature", Layer::Feature, "CONFIG_A=n # override: b\n");
            let given = if swap { [feature, base] } else { [base, feature] };
            prop_assert_eq!(&merge(&given).unwrap().requests["CONFIG_A"].value, &Value::No);
        }
    }
}
