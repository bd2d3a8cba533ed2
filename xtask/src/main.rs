//! Developer tasks: `cargo xtask tidy` checks what ARCHITECTURE.md promises and
//! lists what is over the soft budgets; `cargo xtask generate features` makes the map of
//! features (`crates/needs/map/`),
//! `cargo xtask oracle` compares it with a kernel that was built, and `cargo xtask suite` runs a
//! suite of applications.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a program for a terminal"
)]

mod budgets;
mod dependencies;
mod edges;
mod generate;
mod oracle;
mod sources;
mod suite;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask tidy\n       cargo xtask generate features [--source DIR] [--series 6.12] [--check]\n       cargo xtask oracle SYSTEM_MAP CONFIG\n       cargo xtask suite FILE [APP...] [--static | --minimize] [--again] [--show] [--on FLAGS] [--out DIR] [--lupine FILE]";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match (args.next().as_deref(), args.next()) {
        (Some("tidy"), None) => tidy(),
        (Some("generate"), Some(what)) if what == "features" => generate(args),
        (Some("oracle"), Some(system_map)) => match args.next() {
            Some(config) => told(oracle::run(Path::new(&system_map), Path::new(&config))),
            None => usage(),
        },
        (Some("suite"), Some(file)) => {
            match suite::Request::parse(std::iter::once(file).chain(args)) {
                Some(request) => told(suite::run(&request)),
                None => usage(),
            }
        }
        _ => usage(),
    }
}

fn generate(args: impl Iterator<Item = String>) -> ExitCode {
    match generate::Request::parse(args) {
        Some(request) => told(generate::run(root(), &request)),
        None => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

/// Prints an error, if there is one.
fn told(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's top directory.
fn root() -> &'static Path {
    let manifest_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest_dir.parent().unwrap_or(manifest_dir)
}

/// Prints what is over budget, then what breaks an invariant; only the latter fails.
fn tidy() -> ExitCode {
    match check(root()) {
        Ok((over_budget, broken)) => {
            over_budget
                .iter()
                .for_each(|line| println!("over budget: {line}"));
            broken.iter().for_each(|line| eprintln!("error: {line}"));
            let both = (over_budget.len(), broken.len());
            println!(
                "tidy: {} over the soft budgets, {} broken invariants",
                both.0, both.1
            );
            if broken.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is over budget and what is broken, in the workspace at `root`.
fn check(root: &Path) -> Result<(Vec<String>, Vec<String>), String> {
    let files = sources::read_all(root)?;
    let mut broken = edges::check(root)?;
    broken.extend(dependencies::check(root)?);
    broken.extend(sources::check(&files));
    Ok((budgets::check(&files), broken))
}

/// Reads a file, with its name in the error.
fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_repository_is_tidy() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let (_, broken) = check(root).unwrap();
        assert_eq!(broken, [""; 0]);
    }
}
