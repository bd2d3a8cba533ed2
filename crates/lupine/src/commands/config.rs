//! `lupine config`: the resolved config, with reasons and differences.

use std::path::Path;

use lupine_kconfig::{
    Difference, DotConfig, Explanation, Merged, Origin, Reason, Symbols, explain,
};
use lupine_needs::Needs;
use miette::{Result, miette};
use serde_json::{Value, json};

use super::Context;
use crate::cli::{BuildOptions, ConfigArgs, Output, Target};
use crate::missing::dot_config as dot_config_in;
use crate::pipeline::{Pipeline, Prepared};
use crate::printer;

/// Shows a kernel configuration.
pub fn config(context: &Context<'_>, args: &ConfigArgs) -> Result<u8> {
    let (target, command) = args.target.split();
    if let Some(other) = &args.diff {
        let left = dot_config(context, target, command, &args.options)?;
        let right = dot_config(context, other, &[], &args.options)?;
        context.reporter.finish();
        show_differences(&lupine_kconfig::diff(&left, &right), args.format.is_json());
        return Ok(0);
    }
    if is_finished(target) {
        return show_finished(target, args);
    }
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    let prepared = pipeline.prepare(target, command, &args.options)?;
    let resolved = pipeline.resolve(&prepared, &args.options)?;
    let symbols = lupine_kernel::symbols(&store, &resolved.source)?;
    context.reporter.finish();
    let reasons = Reasons {
        prepared: &prepared,
        dot: &resolved.config,
        symbols: &symbols,
    };
    match &args.explain {
        Some(option) => reasons.explain_one(option, args.format.is_json())?,
        None => reasons.explain_all(args.format.is_json()),
    }
    Ok(0)
}

/// Why an image's kernel has an option, or has it not.
pub fn explain_image(
    context: &Context<'_>,
    image: &str,
    option: &str,
    options: &BuildOptions,
    format: Output,
) -> Result<u8> {
    let args = ConfigArgs {
        options: options.clone(),
        explain: Some(option.to_owned()),
        diff: None,
        format,
        target: Target {
            image: image.to_owned(),
            command: Vec::new(),
        },
    };
    config(context, &args)
}

/// A `.config` file or a bundle: there is a config, and no stage to ask for reasons.
fn is_finished(target: &str) -> bool {
    Path::new(target).is_file() || lupine_bundle::is_bundle(Path::new(target))
}

fn show_finished(target: &str, args: &ConfigArgs) -> Result<u8> {
    let dot = read_finished(target)?;
    if let Some(option) = &args.explain {
        return Err(miette!(
            help = format!(
                "ask for the image that it was made from: lupine config --explain {option} IMAGE"
            ),
            "{target} says what is set, and not why"
        ));
    }
    if args.format.is_json() {
        let options: serde_json::Map<_, _> = dot
            .iter()
            .map(|(option, value)| (option.to_owned(), json!(value)))
            .collect();
        printer::json(&options);
    } else {
        for (option, value) in dot.iter() {
            printer::line(&format!("{option}={value}"));
        }
    }
    Ok(0)
}

fn read_finished(target: &str) -> Result<DotConfig> {
    let path = Path::new(target);
    let file = if lupine_bundle::is_bundle(path) {
        let bundle = lupine_bundle::open(path)?;
        bundle.path_of(&bundle.manifest.kernel.config)
    } else {
        path.to_owned()
    };
    dot_config_in(&file)
}

fn dot_config(
    context: &Context<'_>,
    target: &str,
    command: &[String],
    options: &BuildOptions,
) -> Result<DotConfig> {
    if is_finished(target) {
        return read_finished(target);
    }
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    let prepared = pipeline.prepare(target, command, options)?;
    Ok(pipeline.resolve(&prepared, options)?.config)
}

fn show_differences(differences: &[Difference], as_json: bool) {
    if as_json {
        printer::json(&differences);
        return;
    }
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "off".into());
    for difference in differences {
        printer::line(&format!(
            "{}: {} -> {}",
            difference.option,
            value(&difference.left),
            value(&difference.right)
        ));
    }
}

/// What reasons are found in.
struct Reasons<'a> {
    prepared: &'a Prepared,
    dot: &'a DotConfig,
    symbols: &'a Symbols,
}

impl Reasons<'_> {
    fn of(&self, option: &str) -> Explanation {
        let merged: &Merged = &self.prepared.merged;
        explain(option, merged, self.dot, Some(self.symbols))
    }

    fn explain_one(&self, option: &str, as_json: bool) -> Result<()> {
        let explanation = self.of(option);
        let bare = option.strip_prefix("CONFIG_").unwrap_or(option);
        if !self.symbols.symbols.contains_key(bare) {
            return Err(miette!(
                help = "options are written as in the kernel's Kconfig files, for example CONFIG_EPOLL",
                "this kernel's source has no option {option}"
            ));
        }
        if as_json {
            printer::json(&self.to_json(&explanation));
            return Ok(());
        }
        printer::line(&explanation.to_string());
        for evidence in self.evidence(&explanation) {
            printer::line(&format!("  evidence: {evidence}"));
        }
        Ok(())
    }

    fn explain_all(&self, as_json: bool) {
        let all = self.dot.iter().map(|(option, _)| self.of(option));
        if as_json {
            printer::json(&all.map(|one| self.to_json(&one)).collect::<Vec<_>>());
            return;
        }
        for explanation in all {
            let value = explanation.value.as_deref().unwrap_or("n");
            let reason = match explanation.reasons.first() {
                Some(reason) => reason.to_string(),
                None => "its own default".into(),
            };
            printer::line(&format!(
                "{}={value}  # {}",
                explanation.option,
                one_line(&reason)
            ));
        }
    }

    fn to_json(&self, explanation: &Explanation) -> Value {
        let mut value = serde_json::to_value(explanation).unwrap_or_default();
        value["evidence"] = json!(self.evidence(explanation));
        value
    }

    /// Why the needs behind an option's fragment lines are needs.
    fn evidence(&self, explanation: &Explanation) -> Vec<String> {
        let mut all: Vec<String> = explanation
            .reasons
            .iter()
            .flat_map(origins)
            .flat_map(|origin| evidence_of(&self.prepared.needs, origin))
            .collect();
        all.dedup();
        all
    }
}

fn origins(reason: &Reason) -> &[Origin] {
    match reason {
        Reason::Asked(origins) | Reason::Selected { asked: origins, .. } => origins,
        Reason::Overridden(_, origin) => std::slice::from_ref(origin),
        _ => &[],
    }
}

fn evidence_of(needs: &Needs, origin: &Origin) -> Vec<String> {
    let feature = origin
        .fragment
        .rsplit(['/', ' '])
        .next()
        .unwrap_or_default();
    let need = needs
        .get(feature)
        .filter(|_| origin.layer == lupine_kconfig::Layer::Need);
    need.into_iter()
        .flat_map(|need| &need.evidence)
        .map(|evidence| format!("{feature}: {}", evidence.text))
        .collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
