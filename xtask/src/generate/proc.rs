//! Files of /proc: those that are registered, and the tables of each process.

use std::collections::BTreeMap;

use lupine_needs::map::Condition;

use super::entries::Entries;
use super::paths::{add, add_if, pattern};
use super::structures::initialised;
use super::text::{call_at, calls, field, leading_name, literal, trailing_name, words};
use super::tree::{File, Tree};

/// The tables of a process and of a thread, and the directory that each fills.
const TABLES: [(&str, &str); 3] = [
    ("tgid_base_stuff", "/proc/*"),
    ("tid_base_stuff", "/proc/*/task/*"),
    ("attr_dir_stuff", "/proc/*/attr"),
];
/// Directories that are kept in fields of the network namespace.
const KNOWN: [(&str, &str); 4] = [
    ("proc_net", "/proc/net"),
    ("proc_net_stat", "/proc/net/stat"),
    ("proc_netfilter", "/proc/net/netfilter"),
    ("proc_root_driver", "/proc/driver"),
];
/// How many directories may lie within each other.
const DEEPEST: usize = 5;

/// Adds what lies below /proc, but for /proc/sys.
pub fn find(tree: &Tree, into: &mut Entries) {
    let directories = Directories::of(tree);
    for file in tree.files().filter(|file| file.path.ends_with(".c")) {
        registered(tree, file, &directories, into);
    }
    if let Some(file) = tree.file("fs/proc/base.c") {
        tables(tree, file, into);
    }
    namespaces(tree, into);
    system_v(tree, into);
    let at = "fs/proc/root.c:1".into();
    add_if(tree, "/proc", Condition::Always, at, into);
}

/// `proc_create*("name", mode, parent, ...)`, `proc_mkdir*("name", ..., parent)`.
fn registered(tree: &Tree, file: &File, directories: &Directories, into: &mut Entries) {
    let mut skipped = 0;
    for call in registrations(tree, file) {
        let Some(name) = call.name else {
            skipped += usize::from(!call.argument.is_empty() && call.argument != "name");
            continue;
        };
        match directories.path(file, call.parent, 0) {
            Some(parent) => {
                let path = format!("{parent}/{}", pattern(&name));
                add(tree, file, call.at, &path, into);
            }
            None => skipped += 1,
        }
    }
    into.skipped += skipped;
}

struct Registration<'a> {
    at: usize,
    argument: &'a str,
    name: Option<String>,
    parent: &'a str,
    /// The variable that is set to what the call returns.
    variable: &'a str,
}

fn registrations<'a>(tree: &Tree, file: &'a File) -> Vec<Registration<'a>> {
    let text = &file.text;
    let found = text.match_indices("proc_").filter_map(|(at, _)| {
        let function = leading_name(&text[at..]);
        let makes = [
            "proc_create",
            "proc_mkdir",
            "proc_symlink",
            "proc_net_mkdir",
        ];
        let known = makes.iter().any(|start| function.starts_with(start));
        if !known || !trailing_name(&text[..at]).is_empty() {
            return None;
        }
        let call = call_at(text, at, function.len())?;
        let (name, parent) = match function {
            "proc_mkdir" | "proc_symlink" => (0, 1),
            "proc_net_mkdir" => (1, 2),
            _ => (0, 2),
        };
        let argument = |at: usize| call.arguments.get(at).copied().unwrap_or_default();
        let before = text[..at].trim_end();
        let assigned = before
            .strip_suffix('=')
            .filter(|b| !b.ends_with(['=', '!', '<', '>']));
        Some(Registration {
            at,
            argument: argument(name),
            name: tree.text_of(file, argument(name)),
            parent: argument(parent),
            variable: assigned
                .map(|b| trailing_name(b.trim_end()))
                .unwrap_or_default(),
        })
    });
    found.collect()
}

/// Directories by the variable that holds them; those of other files only where just one
/// file has such a variable.
struct Directories {
    own: BTreeMap<(String, String), (String, String)>,
    shared: BTreeMap<String, Vec<(String, String, String)>>,
}

impl Directories {
    fn of(tree: &Tree) -> Self {
        let mut directories = Self {
            own: BTreeMap::new(),
            shared: BTreeMap::new(),
        };
        for file in tree.files().filter(|file| file.path.ends_with(".c")) {
            for call in registrations(tree, file) {
                let Some(name) = call.name.filter(|_| !call.variable.is_empty()) else {
                    continue;
                };
                let key = (file.path.clone(), call.variable.to_owned());
                let value = (name.clone(), call.parent.to_owned());
                directories.own.entry(key).or_insert(value);
                let row = (file.path.clone(), name, call.parent.to_owned());
                directories
                    .shared
                    .entry(call.variable.into())
                    .or_default()
                    .push(row);
            }
        }
        directories
    }

    fn path(&self, file: &File, parent: &str, depth: usize) -> Option<String> {
        self.resolved(&file.path, parent, depth)
    }

    fn resolved(&self, file: &str, parent: &str, depth: usize) -> Option<String> {
        if parent == "NULL" {
            return Some("/proc".into());
        }
        let variable = trailing_name(parent);
        if depth > DEEPEST || variable.is_empty() {
            return None;
        }
        let key = (file.to_owned(), variable.to_owned());
        if let Some((name, above)) = self.own.get(&key) {
            let above = self.resolved(file, above, depth + 1)?;
            return Some(format!("{above}/{}", pattern(name)));
        }
        if let Some((_, path)) = KNOWN.iter().find(|(known, _)| *known == variable) {
            return Some((*path).into());
        }
        match self.shared.get(variable)?.as_slice() {
            [(file, name, above)] => {
                let above = self.resolved(file, above, depth + 1)?;
                Some(format!("{above}/{}", pattern(name)))
            }
            _ => None,
        }
    }
}

/// Rows such as `REG("environ", ...)`: in fs/proc/base.c they are registered by no call.
fn tables(tree: &Tree, file: &File, into: &mut Entries) {
    for table in initialised(&file.text, "pid_entry") {
        let Some((_, directory)) = TABLES.iter().find(|(name, _)| *name == table.name) else {
            continue;
        };
        let rows = table.body.match_indices('(').filter_map(|(open, _)| {
            let name = trailing_name(&table.body[..open]);
            let call = call_at(table.body, open - name.len(), name.len())?;
            // ATTR(directory, "current", ...): of a security module, or of none.
            let shown = match name {
                "ATTR" => call
                    .arguments
                    .get(1)
                    .filter(|_| !call.arguments[0].starts_with('"')),
                "" => None,
                _ => call.arguments.first(),
            };
            Some((table.body_at + call.at, literal(shown?)?))
        });
        for (at, name) in rows {
            add(tree, file, at, &format!("{directory}/{name}"), into);
        }
    }
}

/// Tables of System V IPC, which has a function of its own for them.
fn system_v(tree: &Tree, into: &mut Entries) {
    for file in tree.files().filter(|file| file.path.starts_with("ipc/")) {
        for call in calls(&file.text, "ipc_init_proc_interface") {
            let Some(name) = call.arguments.first().and_then(|name| literal(name)) else {
                continue;
            };
            add(tree, file, call.at, &format!("/proc/{name}"), into);
        }
    }
}

/// Links in /proc/*/ns: a table of operations, each with its name.
fn namespaces(tree: &Tree, into: &mut Entries) {
    let Some(file) = tree.file("fs/proc/namespaces.c") else {
        return;
    };
    let mut names = BTreeMap::new();
    for other in tree.files().filter(|file| file.path.ends_with(".c")) {
        for each in initialised(&other.text, "proc_ns_operations") {
            names.extend(
                field(each.body, "name")
                    .and_then(literal)
                    .map(|n| (each.name, n)),
            );
        }
    }
    for (name, shown) in names {
        for at in words(&file.text, name).filter(|at| file.text[..*at].ends_with('&')) {
            add(tree, file, at, &format!("/proc/*/ns/{shown}"), into);
        }
    }
}
