//! `cargo xtask generate features`: the map from features of the kernel to options, read from
//! the kernel's source. What each rule knows stands in a file of its own.

mod cases;
mod corrections;
mod devices;
mod entries;
mod files;
mod filesystems;
mod functions;
mod kbuild;
mod kconfig;
mod makefile;
mod numbers;
mod paths;
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
/// Where maps lie: a directory for each series, and the corrections.
const MAP: &str = "crates/needs/map";

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
    let files = files::of(&entries, &request.series);
    let map = root.join(MAP);
    if request.series == SERIES {
        let text: String = files.iter().map(|file| file.text.as_str()).collect();
        let corrected = crate::read(&map.join("corrections.toml"))?;
        corrections::check(&tree, &text, &corrected)?;
    }
    let dir = map.join(&request.series);
    match request.check {
        true => files::check(&dir, &files),
        false => files::write(&dir, &files),
    }
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

#[cfg(test)]
mod tests;
