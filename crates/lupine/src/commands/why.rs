//! `lupine why`: which features a guest was refused, and what gives them to it.

use std::collections::BTreeSet;

use lupine_needs::map::Map;
use miette::{Result, miette};
use serde_json::json;

use super::Context;
use super::config::explain_image;
use crate::cli::WhyArgs;
use crate::missing::{CALLS, Missing, config_of, missing};
use crate::state::{Found, read_refusals};
use crate::{cli, printer};

/// Explains a guest's refusals, or an option of an image.
pub fn why(context: &Context<'_>, args: &WhyArgs) -> Result<u8> {
    if let Some(option) = &args.option {
        return explain_image(context, &args.name, option, &args.options, args.format);
    }
    let found = context.state()?.find(&args.name).map_err(|error| {
        miette!(
            help =
                "lupine ps -a lists the guests there are; for an image: lupine why IMAGE CONFIG_X",
            "{error}"
        )
    })?;
    guest(&found, args.format)
}

fn guest(found: &Found, format: cli::Output) -> Result<u8> {
    let record = found.record()?;
    let kernel = record.failed_kernel.as_ref();
    let config = config_of(kernel.unwrap_or(&record.stats.kernel.path))?;
    let lines = read_refusals(&found.dir.path)?;
    let all = missing(&Map::builtin()?, &config, &lines);
    if format.is_json() {
        printer::json(&json!({
            "guest": found.dir.name,
            "image": record.image,
            "kernel": record.stats.kernel.key,
            "failed_kernel": record.failed_kernel,
            "missing": all,
            "mend": mend(&record.image, &all),
        }));
        return Ok(0);
    }
    if all.is_empty() {
        printer::line(&format!(
            "{} was refused nothing that its kernel lacks",
            found.dir.name
        ));
        return Ok(0);
    }
    let row = |one: &Missing| {
        vec![
            one.feature.clone(),
            one.options.join(" "),
            one.error.clone(),
            format!("{} ({})", one.process, one.pid),
            String::from(if one.probe { "only looked for" } else { "" }),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let header = ["FEATURE", "MISSING", "ERROR", "PROCESS", ""];
    printer::line(&printer::table(&header, &rows));
    if record.failed_kernel.is_some() {
        printer::line("\nit failed on that kernel, and was started again on the general one");
    }
    printer::line(&match mend(&record.image, &all) {
        Some(command) => format!("\nto mend all: {command}"),
        None => "\nnothing has to be mended".into(),
    });
    Ok(0)
}

/// The one command that mends it, if anything is to be mended.
fn mend(image: &str, all: &[Missing]) -> Option<String> {
    let wanted = all.iter().filter(|one| !one.probe);
    let options: BTreeSet<&String> = wanted.flat_map(|one| &one.options).collect();
    let flags: String = options.iter().map(|o| flag(o)).collect();
    (!options.is_empty()).then(|| format!("lupine run {flags}{image}"))
}

fn flag(option: &str) -> String {
    match option {
        CALLS => format!("--option '{CALLS}=\"\"' "),
        _ => format!("--option {option}=y "),
    }
}
