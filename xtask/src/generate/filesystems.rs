//! File systems and formats of programs.

use super::entries::{Entries, Found};
use super::structures::initialised;
use super::text::field;
use super::tree::Tree;

/// 32-bit programs: this file is the other one again, with other names.
const COMPAT: &str = "fs/compat_binfmt_elf.c";

/// Adds them.
pub fn find(tree: &Tree, into: &mut Entries) {
    for file in tree.files().filter(|file| file.path.ends_with(".c")) {
        for each in initialised(&file.text, "file_system_type") {
            let name = field(each.body, "name").and_then(|name| tree.text_of(file, name));
            // A test's type has a name with blanks.
            if let Some(name) = name.filter(|name| !name.contains(' ')) {
                let condition = tree.condition(file, each.at);
                let at = file.place(each.at);
                into.add(Found::plain(format!("fs:{name}"), condition, at));
            }
        }
        for each in initialised(&file.text, "linux_binfmt") {
            let name = each.name.strip_suffix("_format").unwrap_or(each.name);
            // The compatible one includes this file, so it must be asked without that.
            let condition = match name {
                "elf" => tree.named(file),
                _ => tree.condition(file, each.at),
            };
            let at = file.place(each.at);
            into.add(Found::plain(format!("binfmt:{name}"), condition, at));
        }
    }
    if let Some(file) = tree.file(COMPAT) {
        let at = format!("{COMPAT}:1");
        into.add(Found::plain("binfmt:elf32".into(), tree.compiled(file), at));
    }
}
