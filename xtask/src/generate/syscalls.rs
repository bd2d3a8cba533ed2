//! System calls: the table, those that may be missing, and where each is defined.

use std::collections::{BTreeMap, BTreeSet};

use lupine_needs::map::Condition;

use super::entries::{Entries, Found};
use super::simplify::simplify;
use super::text::{calls, words};
use super::tree::{File, Tree};

/// The system calls of 64-bit programs.
const TABLE: &str = "arch/x86/entry/syscalls/syscall_64.tbl";
/// Names the system calls that may be missing.
const CONDITIONAL: &str = "kernel/sys_ni.c";

/// One definition of a system call.
pub struct Definition<'a> {
    /// Where.
    pub file: &'a File,
    /// Offset of the macro.
    pub at: usize,
    /// When it is compiled.
    pub condition: Condition,
    /// It does nothing but fail with ENOSYS.
    pub refuses: bool,
}

/// Definitions by the function's name, without `sys_`.
pub type Definitions<'a> = BTreeMap<String, Vec<Definition<'a>>>;

/// Macros that define a system call, by its number of parameters.
const MACROS: [&str; 7] = [
    "SYSCALL_DEFINE0",
    "SYSCALL_DEFINE1",
    "SYSCALL_DEFINE2",
    "SYSCALL_DEFINE3",
    "SYSCALL_DEFINE4",
    "SYSCALL_DEFINE5",
    "SYSCALL_DEFINE6",
];

/// Finds all `SYSCALL_DEFINEn(name, ...)`. Several may share one body, in branches of an `#if`.
pub fn definitions(tree: &Tree) -> Definitions<'_> {
    let mut found = Definitions::new();
    let defining = |file: &&File| file.path.ends_with(".c") && file.text.contains("SYSCALL_DEFINE");
    for file in tree.files().filter(defining) {
        for call in MACROS.iter().flat_map(|name| calls(&file.text, name)) {
            let Some(name) = call.arguments.first() else {
                continue;
            };
            let function = file
                .functions()
                .all
                .iter()
                .find(|function| function.at == call.at);
            let body = function.map_or("", |function| &file.text[function.body.clone()]);
            found
                .entry((*name).to_owned())
                .or_default()
                .push(Definition {
                    file,
                    at: call.at,
                    condition: tree.condition(file, call.at),
                    refuses: body.trim_end_matches('}').trim() == "return -ENOSYS;",
                });
        }
    }
    found
}

/// Adds the system calls of the table, and notes how many of them have a definition.
pub fn find(tree: &Tree, definitions: &Definitions<'_>, into: &mut Entries) -> Result<(), String> {
    let conditional = conditional(tree)?;
    let rows: Vec<_> = table(tree.other(TABLE)?).collect();
    let (mut wanted, mut mapped, mut missing) = (0, 0, Vec::new());
    for (name, function) in &rows {
        let Some(function) = function else { continue };
        let sites = definitions
            .get(*function)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let found = entry(name, function, sites);
        let counts = usize::from(conditional.contains(*function));
        wanted += counts;
        match found {
            Some(found) => {
                mapped += counts;
                into.add(found);
            }
            None => missing.push(*name),
        }
    }
    into.note("table entries", rows.len());
    into.note("conditional system calls in the table", wanted);
    into.note("conditional system calls that are mapped", mapped);
    into.say(format!(
        "system calls without a definition: {}",
        missing.join(" ")
    ));
    Ok(())
}

/// The entry of one system call; `None` when nothing that is compiled defines it.
fn entry(name: &str, function: &str, sites: &[Definition<'_>]) -> Option<Found> {
    let serving = || sites.iter().filter(|site| !site.refuses);
    let each = serving().map(|site| site.condition.clone());
    let condition = simplify(&Condition::any(each.collect::<Vec<_>>()));
    let site = serving().find(|site| site.condition != Condition::Never)?;
    Some(Found {
        feature: format!("syscall:{name}"),
        name: if function == name {
            String::new()
        } else {
            format!("sys_{function}")
        },
        stub: sites.iter().any(|site| site.refuses) && condition != Condition::Always,
        condition,
        at: site.file.place(site.at),
    })
}

/// Name and function of each row for 64-bit programs; a row may have no function.
fn table(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let abi = words.nth(1)?;
        let name = words.next().filter(|_| matches!(abi, "common" | "64"))?;
        Some((name, words.next().and_then(|f| f.strip_prefix("sys_"))))
    })
}

fn conditional(tree: &Tree) -> Result<BTreeSet<String>, String> {
    let file = tree
        .file(CONDITIONAL)
        .ok_or(format!("the source has no {CONDITIONAL}"))?;
    if words(&file.text, "COND_SYSCALL").next().is_none() {
        return Err(format!("{CONDITIONAL} names no system call"));
    }
    let all = calls(&file.text, "COND_SYSCALL");
    let names = all.filter_map(|call| call.arguments.first().map(|name| (*name).to_owned()));
    Ok(names.collect())
}
