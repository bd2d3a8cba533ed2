//! What files of /proc, /sys and /dev have in common: the options of their file system, and names
//! that are made with a format.

use lupine_needs::map::Condition;

use super::entries::{Entries, Found};
use super::tree::{File, Tree};

/// The option behind everything in a directory.
const OWNERS: [(&str, &str); 2] = [("/proc", "CONFIG_PROC_FS"), ("/sys", "CONFIG_SYSFS")];

/// Adds a path that is registered at this offset of a file.
pub fn add(tree: &Tree, file: &File, at: usize, path: &str, into: &mut Entries) {
    add_if(tree, path, tree.condition(file, at), file.place(at), into);
}

/// Adds a path that is there under a condition, if its file system is.
pub fn add_if(tree: &Tree, path: &str, condition: Condition, at: String, into: &mut Entries) {
    let owner = OWNERS.iter().find(|(root, _)| path.starts_with(root));
    let own = owner.map(|(_, option)| tree.options.condition(option));
    let condition = Condition::all(own.into_iter().chain([condition]));
    into.add(Found::plain(format!("path:{path}"), condition, at));
}

/// A name that is made with a format: each `%...` is a `*`.
pub fn pattern(name: &str) -> String {
    let mut parts = name.split('%');
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic() && !"hlz".contains(c));
        made.push('*');
        made.push_str(end.map_or("", |end| &part[end + 1..]));
    }
    made
}
