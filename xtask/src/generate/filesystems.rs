//! File systems and formats of programs.

use super::entries::{Entries, Found};
use super::structures::initialised;
use super::text::{field, literal};
use super::tree::Tree;

/// 32-bit programs: this file is the other one again, with other names.
const COMPAT: &str = "fs/compat_binfmt_elf.c";

/// Adds them.
pub fn find(tree: &Tree, into: &mut Entries) {
    for file in tree.files().filter(|file| file.path.ends_with(".c")) {
        for each in initialised(&file.text, "file_system_type") {
            let Some(name) = field(each.body, "name").and_then(literal) else {
                continue;
            };
            into.add(Found {
                feature: format!("fs:{name}"),
                name: String::new(),
                condition: tree.condition(file, each.at),
                at: file.place(each.at),
                stub: false,
            });
        }
        for each in initialised(&file.text, "linux_binfmt") {
            let name = each.name.strip_suffix("_format").unwrap_or(each.name);
            // The compatible one includes this file, so it must be asked without that.
            let condition = if name == "elf" {
                tree.named(file)
            } else {
                tree.condition(file, each.at)
            };
            into.add(Found {
                feature: format!("binfmt:{name}"),
                name: String::new(),
                condition,
                at: file.place(each.at),
                stub: false,
            });
        }
    }
    if let Some(file) = tree.file(COMPAT) {
        into.add(Found {
            feature: "binfmt:elf32".into(),
            name: String::new(),
            condition: tree.compiled(file),
            at: format!("{COMPAT}:1"),
            stub: false,
        });
    }
}
