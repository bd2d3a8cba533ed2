//! `lupine inspect`.

use std::path::Path;

use lupine_image::Image;
use miette::{IntoDiagnostic, Result, miette};
use serde_json::{Value, json};

use super::ps::to_json;
use super::{Context, for_each};
use crate::cli::{FetchOptions, InspectArgs, OutputFormat, PullPolicy};
use crate::pipeline::Pipeline;
use crate::printer;
use crate::state::{Found, State, StateError};

/// Shows everything about guests, bundles and images.
pub fn inspect(context: &Context<'_>, args: &InspectArgs) -> Result<u8> {
    let state = context.state()?;
    for_each(&args.names, |name| {
        let value = facts(context, &state, name)?;
        match args.format {
            OutputFormat::Json => printer::json(&value),
            OutputFormat::Text => {
                let mut lines = Vec::new();
                flatten("", &value, &mut lines);
                printer::line(&lines.join("\n"));
            }
        }
        Ok(())
    })
}

/// A guest's name is looked for first, then a bundle's directory, then an image.
fn facts(context: &Context<'_>, state: &State, name: &str) -> Result<Value> {
    match state.find(name) {
        Ok(found) => return Ok(guest(&found)),
        Err(StateError::NoSuchGuest { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if lupine_bundle::is_bundle(Path::new(name)) {
        let bundle = lupine_bundle::open(Path::new(name))?;
        let mut value = serde_json::to_value(&bundle.manifest).into_diagnostic()?;
        value["dir"] = json!(std::path::absolute(&bundle.dir).unwrap_or(bundle.dir));
        return Ok(value);
    }
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    let fetch = FetchOptions {
        platform: None,
        pull: PullPolicy::Never,
    };
    match pipeline.load(name, &fetch) {
        Ok(image) => image_facts(&image),
        Err(report) => Err(miette!(
            help = format!(
                "lupine ps -a lists guests, lupine images lists images; to load one: lupine pull {name}"
            ),
            "{name} is no guest, no bundle and no loaded image: {report}"
        )),
    }
}

fn guest(found: &Found) -> Value {
    let mut value = to_json(found);
    if let (true, Ok(record)) = (found.live, &found.record)
        && let Some(kib) = record.vmm_pid.and_then(peak_rss_kib)
    {
        value["stats"]["memory"]["vmm_rss_kib"] = json!(kib);
    }
    value
}

/// Greatest resident size that a process has had.
fn peak_rss_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn image_facts(image: &Image) -> Result<Value> {
    let layers: Vec<_> = image
        .layers
        .iter()
        .map(|layer| {
            json!({
                "digest": layer.digest,
                "media_type": layer.media_type,
                "bytes": layer.bytes,
            })
        })
        .collect();
    Ok(json!({
        "reference": image.reference,
        "digest": image.digest,
        "layers": layers,
        "config": serde_json::to_value(&image.config).into_diagnostic()?,
    }))
}

/// One `path: value` line for each leaf.
fn flatten(path: &str, value: &Value, lines: &mut Vec<String>) {
    let below = |key: &str| match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    };
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (key, member) in members {
                flatten(&below(key), member, lines);
            }
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let words: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            if !words.is_empty() {
                lines.push(format!("{path}: {}", words.join(" ")));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&below(&index.to_string()), item, lines);
            }
        }
        Value::String(text) => lines.push(format!("{path}: {text}")),
        other => lines.push(format!("{path}: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Record;

    #[test]
    fn facts_read_as_lines() {
        let mut lines = Vec::new();
        let record = serde_json::to_value(Record {
            command: vec!["sh".into(), "-c".into(), "x".into()],
            created_ms: 1,
            monitor_pid: Some(7),
            ..Record::new("calm_fox")
        })
        .unwrap();
        flatten("", &record, &mut lines);
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn this_process_has_a_resident_size() {
        assert!(peak_rss_kib(std::process::id()).unwrap() > 0);
    }
}
