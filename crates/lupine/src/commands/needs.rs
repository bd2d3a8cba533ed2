//! `lupine needs`: what an image needs of a kernel.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use lupine_needs::map::Map;
use lupine_needs::{Lookup, Need, State, Tables, needs_of};
use miette::{Result, miette};
use serde_json::{Value, json};

use super::Context;
use crate::cli::{NeedsArgs, Part, Trying};
use crate::discovery::{Answer, Discovery, Question, Reachable, reachable};
use crate::manifest::Manifest;
use crate::pipeline::{Pipeline, Prepared};
use crate::printer;
use crate::progress::duration;
use crate::shares;

/// Shows needs, or finds them out.
pub fn needs(context: &Context<'_>, args: &NeedsArgs) -> Result<u8> {
    if args.run {
        return run(context, &args.trying);
    }
    let trying = &args.trying;
    if trying.check.is_some() || trying.workload.is_some() || trying.output.is_some() {
        return Err(miette!(
            help = "add --run",
            "--check, --workload and --output are for an application that is run"
        ));
    }
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    let (image, command) = trying.target.split();
    let prepared = pipeline.prepare(image, command, &trying.build)?;
    let reachable = reachable(&prepared);
    let all = with_reachable(&prepared, &reachable)?;
    context.reporter.finish();
    if trying.format.is_json() {
        printer::json(&json!({
            "image": image,
            "digest": prepared.image.digest,
            "needs": all.iter().map(of_need).collect::<Vec<_>>(),
            "scan": of_scan(&reachable),
        }));
        return Ok(0);
    }
    show(&all);
    printer::line(&format!(
        "\n{} files can be loaded; in their code {} system calls have a number that could not be told",
        reachable.files, reachable.unknown
    ));
    for warning in &reachable.warnings {
        context.reporter.line(&format!("warning: {warning}"));
    }
    Ok(0)
}

fn of_scan(reachable: &Reachable) -> Value {
    json!({
        "files": reachable.files,
        "unknown": reachable.unknown,
        "warnings": reachable.warnings,
    })
}

/// The needs, and what only the code says.
fn with_reachable(prepared: &Prepared, reachable: &Reachable) -> Result<Vec<Need>> {
    let (tables, map) = (Tables::builtin()?, Map::builtin()?);
    let lookup = Lookup {
        tables: &tables,
        map: &map,
    };
    let mut all = prepared.needs.needs.clone();
    let known: BTreeSet<String> = all
        .iter()
        .flat_map(|need| need.options.iter().map(|s| s.option.clone()))
        .collect();
    let more = needs_of(lookup, &reachable.asked);
    let new = |need: &Need| need.options.iter().any(|s| !known.contains(&s.option));
    all.extend(more.into_iter().filter(new));
    Ok(all)
}

fn run(context: &Context<'_>, trying: &Trying) -> Result<u8> {
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    shares::check(&trying.app.volume)?;
    let question = question(trying, Duration::ZERO);
    let mut discovery = Discovery::new(&pipeline, &question)?;
    let (_, answer) = discovery.answer()?;
    keep(&pipeline, &discovery, &answer, trying)
}

/// What the flags ask.
pub fn question(trying: &Trying, budget: Duration) -> Question<'_> {
    let (image, command) = trying.target.split();
    let mut build = trying.build.clone();
    if !trying.app.volume.is_empty() {
        build.with.push(Part::Volumes);
    }
    Question {
        image,
        command,
        build,
        app: &trying.app,
        workload: trying.workload.clone(),
        check: trying.check.clone(),
        limit: trying.timeout.into(),
        budget,
    }
}

/// Keeps what was found out, and shows it.
pub fn keep(
    pipeline: &Pipeline<'_>,
    discovery: &Discovery<'_>,
    answer: &Answer,
    trying: &Trying,
) -> Result<u8> {
    let manifest = discovery.manifest(answer);
    let place = pipeline.saved.keep(&discovery.key(), &manifest)?;
    if let Some(file) = &trying.output {
        lupine_store::write_atomically(file, manifest.to_toml().as_bytes())?;
    }
    let place = trying.output.as_deref().unwrap_or(&place);
    pipeline.reporter.finish();
    if trying.format.is_json() {
        printer::json(&to_json(answer, &manifest, place));
        return Ok(0);
    }
    show(&answer.needs);
    pipeline.reporter.line(&format!(
        "{} runs on {} kernels of its own, in {}; kept in {}",
        answer.trials,
        answer.kernels,
        duration(answer.took),
        place.display()
    ));
    Ok(0)
}

fn to_json(answer: &Answer, manifest: &Manifest, place: &Path) -> Value {
    json!({
        "image": manifest.image.reference,
        "digest": manifest.image.digest,
        "needs": answer.needs.iter().map(of_need).collect::<Vec<_>>(),
        "works": answer.goal.describe(),
        "ports": answer.ports,
        "kernel": manifest.kernel,
        "rounds": answer.rounds,
        "kernels": answer.kernels,
        "runs": answer.trials,
        "seconds": answer.took.as_secs_f64(),
        "manifest": place,
    })
}

fn of_need(need: &Need) -> Value {
    json!({
        "feature": need.feature,
        "options": need.options.iter().map(|s| &s.option).collect::<Vec<_>>(),
        "state": need.state,
        "evidence": need.evidence,
    })
}

fn show(needs: &[Need]) {
    let mut sorted: Vec<&Need> = needs.iter().collect();
    sorted.sort_by_key(|need| need.state);
    let row = |need: &&Need| {
        let options = need.options.iter().map(|s| bare(&s.option));
        let evidence = need.evidence.first().map(|e| short(&e.text));
        vec![
            need.feature.clone(),
            name(need.state).to_owned(),
            options.collect::<Vec<_>>().join(" "),
            evidence.unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = sorted.iter().map(row).collect();
    let header = ["FEATURE", "STATE", "OPTIONS", "EVIDENCE"];
    printer::line(&printer::table(&header, &rows));
}

/// As much of a reason as a line holds; the manifest and JSON have all of it.
fn short(text: &str) -> String {
    const SHOWN: usize = 100;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}...", &text[..at]),
    }
}

fn bare(option: &str) -> &str {
    option.strip_prefix("CONFIG_").unwrap_or(option)
}

/// A state as people read it.
fn name(state: State) -> &'static str {
    match state {
        State::Required => "required",
        State::Declared => "declared",
        State::Used => "used",
        State::Assumed => "assumed",
        State::Shared => "shared",
        State::Optional => "optional",
        State::Unused => "unused",
    }
}
