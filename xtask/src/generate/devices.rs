//! Files of /dev and directories of /sys, by the names under which they are registered.

use lupine_needs::map::Condition;

use super::entries::Entries;
use super::paths::{add, add_if, pattern};
use super::structures::initialised;
use super::text::{calls, field, literal, trailing_name, words};
use super::tree::{File, Tree};

/// Directories of /sys that are variables everywhere.
const ROOTS: [(&str, &str); 7] = [
    ("NULL", "/sys"),
    ("kernel_kobj", "/sys/kernel"),
    ("mm_kobj", "/sys/kernel/mm"),
    ("fs_kobj", "/sys/fs"),
    ("power_kobj", "/sys/power"),
    ("firmware_kobj", "/sys/firmware"),
    ("hypervisor_kobj", "/sys/hypervisor"),
];

/// Adds them.
pub fn find(tree: &Tree, into: &mut Entries) {
    for file in tree.files().filter(|file| file.path.ends_with(".c")) {
        devices(tree, file, into);
        classes(tree, file, into);
        objects(tree, file, into);
    }
    let at = "fs/sysfs/mount.c:1".into();
    add_if(tree, "/sys", Condition::Always, at, into);
}

fn devices(tree: &Tree, file: &File, into: &mut Entries) {
    let mut named = Vec::new();
    for each in initialised(&file.text, "miscdevice") {
        let name = field(each.body, "nodename").or_else(|| field(each.body, "name"));
        named.extend(
            name.and_then(|name| tree.text_of(file, name))
                .map(|name| (each.at, name)),
        );
    }
    for call in calls(&file.text, "device_create") {
        let name = call
            .arguments
            .get(4)
            .and_then(|name| tree.text_of(file, name));
        named.extend(name.map(|name| (call.at, pattern(&name))));
    }
    // /dev/null and its like: rows of a name and its operations.
    if file.path == "drivers/char/mem.c" {
        for at in words(&file.text, "devlist") {
            for (row, name) in memory_devices(&file.text, at) {
                named.push((row, name));
            }
        }
    }
    for (at, name) in named {
        // `!` stands for a slash in names of devices.
        let path = format!("/dev/{}", name.replace('!', "/"));
        // A name that is computed from its first letter to its last would be any file's.
        if !name.contains([' ', '"']) && !name.trim_matches('*').is_empty() {
            add(tree, file, at, &path, into);
        }
    }
}

/// Rows `[3] = { "null", ...}` of the array whose name stands at `at`.
fn memory_devices(text: &str, at: usize) -> Vec<(usize, String)> {
    let rest = &text[at..];
    let Some(open) = rest.find('{').filter(|open| rest[..*open].contains("[] =")) else {
        return Vec::new();
    };
    let Some((body, _)) = super::text::bracketed(rest, open) else {
        return Vec::new();
    };
    let quoted = body.match_indices("{ \"").filter_map(|(start, _)| {
        let name = body[start + 3..].split('"').next()?;
        Some((at + open + 1 + start, name.to_owned()))
    });
    quoted.collect()
}

/// `/sys/class/NAME`, `/sys/bus/NAME`, `/sys/devices/system/NAME`.
fn classes(tree: &Tree, file: &File, into: &mut Entries) {
    let mut found = Vec::new();
    for (kind, directory) in [("class", "/sys/class"), ("bus_type", "/sys/bus")] {
        for each in initialised(&file.text, kind) {
            let Some(name) = field(each.body, "name").and_then(|name| tree.text_of(file, name))
            else {
                continue;
            };
            let register = format!("subsys_system_register(&{}", each.name);
            if file.text.contains(&register) {
                found.push((each.at, format!("/sys/devices/system/{name}")));
            }
            found.push((each.at, format!("{directory}/{name}")));
        }
    }
    for call in calls(&file.text, "class_create") {
        // Before 6.4 the module came first.
        let name = call.arguments.iter().find_map(|argument| literal(argument));
        found.extend(name.map(|name| (call.at, format!("/sys/class/{name}"))));
    }
    for (at, path) in found {
        add(tree, file, at, &path, into);
    }
}

/// Directories that are made below a known one.
fn objects(tree: &Tree, file: &File, into: &mut Entries) {
    for call in calls(&file.text, "kobject_create_and_add") {
        let arguments = (call.arguments.first(), call.arguments.get(1));
        let (Some(name), Some(parent)) = arguments else {
            continue;
        };
        place(tree, file, call.at, name, parent, into);
    }
    for call in calls(&file.text, "sysfs_create_mount_point") {
        let arguments = (call.arguments.first(), call.arguments.get(1));
        let (Some(parent), Some(name)) = arguments else {
            continue;
        };
        place(tree, file, call.at, name, parent, into);
    }
    for call in calls(&file.text, "kset_create_and_add") {
        let arguments = (call.arguments.first(), call.arguments.get(2));
        let (Some(name), Some(parent)) = arguments else {
            continue;
        };
        place(tree, file, call.at, name, parent, into);
    }
    for call in ["KERNEL_ATTR_RO", "KERNEL_ATTR_RW"]
        .iter()
        .flat_map(|name| calls(&file.text, name))
    {
        let Some(name) = call.arguments.first().filter(|name| !name.starts_with('_')) else {
            continue;
        };
        add(tree, file, call.at, &format!("/sys/kernel/{name}"), into);
    }
}

fn place(tree: &Tree, file: &File, at: usize, name: &str, parent: &str, into: &mut Entries) {
    let root = ROOTS
        .iter()
        .find(|(variable, _)| *variable == trailing_name(parent));
    match (tree.text_of(file, name), root) {
        (Some(name), Some((_, root))) => {
            add(tree, file, at, &format!("{root}/{name}"), into);
        }
        _ => into.skipped += 1,
    }
}
