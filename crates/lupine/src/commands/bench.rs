//! `lupine bench`: measures suites on real guests, and compares what was measured.

mod compare;
mod rows;
mod runs;

use std::collections::BTreeSet;
use std::time::Duration;

use lupine_bench::{Head, Input, Journal, Machine, Suite, Suites, Trial, VERSION, plugin};
use lupine_tool::Progress;
use lupine_vm::{Accelerator, Qemu, accelerator};
use miette::{Result, miette};

use self::rows::Rows;
use super::Context;
use crate::bench::{Bench, has_programs};
use crate::cli::BenchArgs;
use crate::pipeline::Pipeline;
use crate::printer;

pub use runs::read;

/// Measures suites, lists them, or compares two runs.
pub fn bench(context: &Context<'_>, args: &BenchArgs) -> Result<u8> {
    if let Some([a, b]) = args.compare.as_deref() {
        return compare::compare(a, b, args.format);
    }
    let all = Suites::builtin()?;
    if args.suites.is_empty() {
        return list(&all, args);
    }
    let suites = suites(&all, args)?;
    measure(context, args, &all, &suites)
}

fn list(all: &Suites, args: &BenchArgs) -> Result<u8> {
    let names = all.names();
    let suites: Result<Vec<&Suite>, _> = names.iter().map(|name| all.suite(name)).collect();
    let suites = suites?;
    if args.format.is_json() {
        let about = |suite: &&Suite| (suite.name.clone(), serde_json::json!(suite.about));
        printer::json(&suites.iter().map(about).collect::<serde_json::Map<_, _>>());
    } else {
        let row = |suite: &&Suite| vec![suite.name.clone(), suite.about.clone()];
        let rows: Vec<_> = suites.iter().map(row).collect();
        printer::line(&printer::table(&["SUITE", "MEASURES"], &rows));
    }
    Ok(0)
}

/// The suites that were asked for, with as many rounds and the rows that were asked for.
fn suites(all: &Suites, args: &BenchArgs) -> Result<Vec<Suite>> {
    for row in &args.rows {
        all.row(row)?;
    }
    let mut suites = Vec::new();
    for name in &args.suites {
        let mut suite = all.suite(name)?.clone();
        if suite.rounds > 1 {
            suite.rounds = args.runs.unwrap_or(suite.rounds);
        }
        if let (Some(own), Some(other)) = (suite.mem_mib, args.memory)
            && own != other
        {
            suite.mem_mib = Some(other);
            // Another suite, whose results are not to be mixed with its own.
            suite.key = format!("{} with {other} MiB", suite.key);
        }
        suite
            .rows
            .retain(|row| args.rows.is_empty() || args.rows.contains(row));
        if suite.rows.is_empty() {
            let known = all.suite(name)?.rows.join(", ");
            return Err(miette!(
                help = format!("it has: {known}"),
                "the suite {name} has none of the rows that were asked for"
            ));
        }
        suites.push(suite);
    }
    Ok(suites)
}

fn measure(context: &Context<'_>, args: &BenchArgs, all: &Suites, suites: &[Suite]) -> Result<u8> {
    let store = context.store()?;
    let accelerator = accelerator(&store, args.accel.into())?.kind;
    let mut journal = Journal::open(&args.output, head(context, accelerator)?)?;
    warn_of_programs(context, all, suites)?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    let rows = Rows::build(&pipeline, all, suites, args)?;
    rows.declare(&mut journal)?;
    let bench = Bench {
        store: &store,
        accelerator,
        plugin: plugin(&store)?,
        subjects: &rows.subjects,
        containers: &rows.containers,
        limit: args.timeout.map(Duration::from_secs),
    };
    for suite in suites {
        let mut input = Input::of_suite(suite);
        input.against = input.against.filter(|_| args.baselines.is_empty());
        journal.declare(input)?;
        let names = rows.of(suite);
        rows.declare_missing(suite, &mut journal)?;
        lupine_bench::run(suite, &names, &mut journal, &mut |trial| {
            context.reporter.step(&step(trial, suite));
            let measured = bench.measure(suite, trial);
            measured.map_err(|report| said(&report))
        })?;
        context.reporter.finish();
    }
    runs::show(&journal, args.format)
}

/// Says what is not installed before anything is built: by then somebody may have gone for lunch.
fn warn_of_programs(context: &Context<'_>, all: &Suites, suites: &[Suite]) -> Result<()> {
    let mut said = BTreeSet::new();
    for suite in suites {
        for name in &suite.rows {
            let row = all.row(name)?;
            let application = all.application(row)?;
            let mut kinds = suite.kinds.iter().filter(|_| !row.container);
            let missing = kinds.find_map(|kind| has_programs(application, *kind).err());
            let line = missing.map(|report| {
                let (suite, why) = (&suite.name, self::said(&report));
                format!(
                    "warning: {suite} will not measure {}: {why}",
                    row.application
                )
            });
            if let Some(line) = line.filter(|line| said.insert(line.clone())) {
                context.reporter.line(&line);
            }
        }
    }
    Ok(())
}

/// Where is measured; asked before anything is built, which is a load of our own.
fn head(context: &Context<'_>, accelerator: Accelerator) -> Result<Head> {
    let machine = Machine::of_host(&accelerator.to_string(), &Qemu.version()?);
    if let Some(load) = machine.noise() {
        context.reporter.line(&format!(
            "the machine is busy ({load:.1} for each processor): wall times will be noisy, instructions and sizes not"
        ));
    }
    Ok(Head {
        version: VERSION,
        machine,
    })
}

fn step(trial: &Trial<'_>, suite: &Suite) -> String {
    let Trial {
        suite: name, row, ..
    } = trial;
    match trial.round {
        None => format!("{name}: {row}, warming up"),
        Some(round) => format!("{name}: {row}, round {} of {}", round + 1, suite.rounds),
    }
}

/// An error, its causes and what to do about it.
fn said(report: &miette::Report) -> String {
    let causes: Vec<String> = report.chain().map(ToString::to_string).collect();
    let causes = causes.join(": ");
    match report.help() {
        Some(help) => format!("{causes} ({help})"),
        None => causes,
    }
}
