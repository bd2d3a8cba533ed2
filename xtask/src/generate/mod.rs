//! `cargo xtask generate features`: the map from features of the kernel to options, read from
//! the kernel's source. What each rule knows stands in a file of its own.

mod cases;
mod corrections;
mod devices;
mod entries;
mod filesystems;
mod functions;
mod kbuild;
mod kconfig;
mod makefile;
mod numbers;
mod preprocessor;
mod proc;
mod simplify;
mod sockets;
mod sockopts;
mod structures;
mod stubs;
mod switches;
mod syscalls;
mod sysctl;
mod text;
mod tree;
mod unpack;

use std::path::{Path, PathBuf};

use entries::Entries;
use tree::Tree;

/// The series that kernels are built of; the corrections are for this one.
const SERIES: &str = "6.12";

/// What was asked for on the command line.
pub struct Request {
    /// An unpacked source; else the archive of Debian's package is unpacked.
    pub source: Option<PathBuf>,
    /// For example 6.12.
    pub series: String,
    /// Compare with the committed map instead of writing it.
    pub check: bool,
}

impl Request {
    /// Reads `[--source DIR] [--series SERIES] [--check]`.
    pub fn parse(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut request = Self {
            source: None,
            series: SERIES.into(),
            check: false,
        };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--source" => request.source = Some(args.next()?.into()),
                "--series" => request.series = args.next()?,
                "--check" => request.check = true,
                _ => return None,
            }
        }
        Some(request)
    }
}

/// Makes the map, and says on stderr what is in it.
pub fn run(root: &Path, request: &Request) -> Result<(), String> {
    let unpacked = match &request.source {
        Some(_) => None,
        None => Some(unpack::unpack(&request.series)?),
    };
    let own = unpacked.as_ref().map(unpack::Unpacked::path);
    let source = request.source.as_deref().or(own).unwrap_or(root);
    let tree = Tree::read(source)?;
    let entries = find(&tree)?;
    for line in entries.coverage().iter().chain(&entries.said) {
        eprintln!("{line}");
    }
    let text = entries.to_toml(&request.series);
    if request.series == SERIES {
        let corrections = crate::read(&root.join("kernel/map/corrections.toml"))?;
        corrections::check(&tree, &text, &corrections)?;
    }
    let path = root.join(format!("kernel/map/{}.toml", request.series));
    if request.check {
        return compare(&crate::read(&path)?, &text);
    }
    std::fs::write(&path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

fn find(tree: &Tree) -> Result<Entries, String> {
    let mut entries = Entries::default();
    let definitions = syscalls::definitions(tree);
    entries.note("options in Kconfig files", tree.options.count());
    syscalls::find(tree, &definitions, &mut entries)?;
    let numbers = numbers::Numbers::of(tree);
    let stubs = stubs::Stubs::of(tree);
    entries.note("functions that are stubs without an option", stubs.count());
    cases::Finder::new(tree, &numbers, &stubs).find(&definitions, &mut entries);
    sockopts::find(tree, &numbers, &stubs, &mut entries);
    sockets::find(tree, &numbers, &mut entries);
    filesystems::find(tree, &mut entries);
    proc::find(tree, &mut entries);
    sysctl::find(tree, &mut entries);
    devices::find(tree, &mut entries);
    Ok(entries)
}

/// Fails with the first lines that differ.
fn compare(committed: &str, made: &str) -> Result<(), String> {
    let lines = |text: &str| {
        text.lines()
            .map(String::from)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (old, new) = (lines(committed), lines(made));
    let gone = old.difference(&new).map(|line| format!("- {line}"));
    let added = new.difference(&old).map(|line| format!("+ {line}"));
    let differing: Vec<String> = gone.chain(added).collect();
    if differing.is_empty() {
        return Ok(());
    }
    let shown = differing
        .iter()
        .take(40)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    Err(format!(
        "the committed map differs in {} lines:\n{shown}",
        differing.len()
    ))
}

#[cfg(test)]
mod tests;
