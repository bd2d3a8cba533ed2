//! Files of /proc/sys: tables, each with the directory that it is registered in.

use std::collections::BTreeMap;

use lupine_needs::map::Condition;

use super::entries::{Entries, Found};
use super::paths::pattern;
use super::structures::{elements, initialised};
use super::text::{calls, field, leading_name, literal, trailing_name, words};
use super::tree::{File, Tree};

/// Functions that register a table, with the places of the directory and of the table.
const REGISTER: [(&str, usize, usize); 8] = [
    ("register_sysctl", 0, 1),
    ("register_sysctl_sz", 0, 1),
    ("register_sysctl_init", 0, 1),
    ("__register_sysctl_table", 1, 2),
    ("register_net_sysctl", 1, 2),
    ("register_net_sysctl_sz", 1, 2),
    ("register_sysctl_mount_point", 0, 99),
    ("DECLARE_SYSCTL_BASE", 0, 1),
];

/// Adds what lies below /proc/sys.
pub fn find(tree: &Tree, into: &mut Entries) {
    for file in tree.files().filter(|file| file.path.ends_with(".c")) {
        for (function, directory, table) in REGISTER {
            for call in calls(&file.text, function) {
                let argument = |at: usize| call.arguments.get(at).copied().unwrap_or_default();
                let Some(directory) = directory_of(tree, file, call.at, argument(directory)) else {
                    into.skipped += usize::from(!argument(directory).contains("char "));
                    continue;
                };
                let at = (call.at, tree.condition(file, call.at));
                add(tree, into, &directory, &at.1, file.place(at.0));
                rows(tree, file, &directory, argument(table), &at.1, into);
            }
        }
    }
    add(
        tree,
        into,
        "",
        &Condition::Always,
        "fs/proc/proc_sysctl.c:1".into(),
    );
}

fn add(tree: &Tree, into: &mut Entries, below: &str, condition: &Condition, at: String) {
    let own = ["CONFIG_PROC_FS", "CONFIG_PROC_SYSCTL"].map(|name| tree.options.condition(name));
    // PROC_SYSCTL selects SYSCTL, which many tables ask for.
    let other = tree.options.given("PROC_SYSCTL", condition);
    let condition = Condition::all(own.into_iter().chain([other]));
    let path = format!("/proc/sys/{below}");
    let feature = format!("path:{}", path.trim_end_matches('/'));
    into.add(Found::plain(feature, condition, at));
}

/// The entries of the table that a variable stands for.
fn rows(
    tree: &Tree,
    file: &File,
    directory: &str,
    table: &str,
    condition: &Condition,
    into: &mut Entries,
) {
    let names = sources(file, trailing_name(table));
    let tables: Vec<_> = initialised(&file.text, "ctl_table")
        .filter(|each| names.iter().any(|name| name == each.name))
        .collect();
    let mut found = false;
    for (at, row) in tables.iter().flat_map(elements) {
        let Some(name) = field(&row, "procname").and_then(|name| tree.text_of(file, name)) else {
            continue;
        };
        found = true;
        let own = tree.condition(file, at);
        let both = Condition::all([own, condition.clone()]);
        add(
            tree,
            into,
            &format!("{directory}/{name}"),
            &both,
            file.place(at),
        );
    }
    if !found && table.len() > 1 {
        into.skipped += 1;
    }
}

/// The variable and those that it was copied from in the same file.
fn sources(file: &File, variable: &str) -> Vec<String> {
    let mut names = vec![variable.to_owned()];
    for at in words(&file.text, variable) {
        let rest = file.text[at + variable.len()..].trim_start();
        let Some(value) = rest.strip_prefix('=').map(str::trim_start) else {
            continue;
        };
        // `kmemdup(table, size, flags)` or `table`, with or without `&`.
        let copied = value
            .strip_prefix("kmemdup")
            .and_then(|rest| rest.split_once('('));
        let source = copied.map_or(value, |(_, arguments)| arguments);
        let source = leading_name(source.trim_start_matches('&'));
        names.push(source.to_owned());
    }
    names.retain(|name| !name.is_empty() && name != "NULL");
    names
}

/// A directory: text, the macro of a text, or what was printed into a variable before.
fn directory_of(tree: &Tree, file: &File, at: usize, argument: &str) -> Option<String> {
    if let Some(text) = tree.text_of(file, argument) {
        return Some(text.trim_end_matches('/').into());
    }
    if argument.is_empty() || argument.contains(['(', ' ']) {
        return None;
    }
    // DECLARE_SYSCTL_BASE(kernel, table) names the directory without quotes.
    if file.text[at..].starts_with("DECLARE") {
        return Some(argument.into());
    }
    let function = file.function_at(at)?;
    let body = &file.text[function.body.clone()];
    let printed: BTreeMap<&str, String> = ["snprintf", "sprintf"]
        .into_iter()
        .flat_map(|name| calls(body, name))
        .filter_map(|call| {
            let format = call.arguments.iter().find_map(|a| literal(a))?;
            Some((*call.arguments.first()?, pattern(&format)))
        })
        .collect();
    printed.get(argument).cloned()
}
