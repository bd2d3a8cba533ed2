//! Address families, protocols and netlink.

use super::entries::{Entries, Found};
use super::numbers::Numbers;
use super::structures::{Initialised, elements, initialised};
use super::text::{calls, field, words};
use super::tree::{File, Tree};

const INET: u32 = 2;
const INET6: u32 = 10;

/// Adds what a socket can be made of.
pub fn find(tree: &Tree, numbers: &Numbers, into: &mut Entries) {
    for file in tree.files().filter(|file| file.path.ends_with(".c")) {
        families(tree, numbers, file, into);
        netlink(tree, numbers, file, into);
        for each in initialised(&file.text, "inet_protosw") {
            protocols(tree, numbers, file, &each, into);
        }
    }
}

fn families(tree: &Tree, numbers: &Numbers, file: &File, into: &mut Entries) {
    for each in initialised(&file.text, "net_proto_family") {
        let Some(name) = field(each.body, "family") else {
            continue;
        };
        let Some(number) = numbers.value(name) else {
            into.say(format!("{}: no number for {name}", file.place(each.at)));
            continue;
        };
        into.add(Found {
            feature: format!("family:{number}"),
            name: name.replacen("PF_", "AF_", 1),
            condition: tree.condition(file, each.at),
            at: file.place(each.at),
            stub: false,
        });
    }
}

fn netlink(tree: &Tree, numbers: &Numbers, file: &File, into: &mut Entries) {
    for call in calls(&file.text, "netlink_kernel_create") {
        let Some(name) = call
            .arguments
            .get(1)
            .filter(|name| name.starts_with("NETLINK_"))
        else {
            continue;
        };
        let Some(number) = numbers.value(name) else {
            continue;
        };
        into.add(Found {
            feature: format!("netlink:{number}"),
            name: (*name).into(),
            condition: tree.condition(file, call.at),
            at: file.place(call.at),
            stub: false,
        });
    }
}

fn protocols(
    tree: &Tree,
    numbers: &Numbers,
    file: &File,
    each: &Initialised<'_>,
    into: &mut Entries,
) {
    let rows = match each.is_array {
        true => elements(each),
        false => vec![(each.at, each.body.to_owned())],
    };
    let family = family_of(file, each.name);
    for (at, body) in rows {
        let (kind, protocol) = (field(&body, "type"), field(&body, "protocol"));
        let number = |text: Option<&str>| text.and_then(|text| numbers.value(text));
        let (Some(kind_number), Some(number)) = (number(kind), number(protocol)) else {
            into.say(format!("{}: a protocol without numbers", file.place(at)));
            continue;
        };
        into.add(Found {
            feature: format!("protocol:{family}:{kind_number}:{number}"),
            name: format!("{} {}", kind.unwrap_or(""), protocol.unwrap_or("")),
            condition: tree.condition(file, at),
            at: file.place(at),
            stub: false,
        });
    }
}

/// The family that a protocol is registered for: by the function that takes it, or, where
/// that takes an element of an array, by the directory.
fn family_of(file: &File, name: &str) -> u32 {
    let takes = |function: &str| {
        let mut all = calls(&file.text, function);
        all.any(|call| {
            call.arguments
                .iter()
                .any(|argument| words(argument, name).next().is_some())
        })
    };
    let in_ipv6 = file.path.contains("/ipv6/") && !takes("inet_register_protosw");
    if in_ipv6 || takes("inet6_register_protosw") {
        INET6
    } else {
        INET
    }
}
