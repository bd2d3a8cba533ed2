//! What texts name: files that only some kernels have, and file systems in scripts.

use super::View;
use super::rules::is_name;
use crate::closure::Loaded;
use crate::code::Kind;
use crate::elf::{Elf, Text};
use crate::report::{Evidence, Scan};

/// Directories that the kernel fills.
const KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Adds the paths that stand in one file's data.
pub(crate) fn texts(view: &View, scan: &mut Scan) {
    let Some(elf) = &view.loaded.elf else {
        return;
    };
    let ends = if elf.go { ends(view, elf) } else { Vec::new() };
    for mut name in elf.names() {
        if elf.go && !cut(&mut name, &ends) {
            continue;
        }
        let Some(path) = kernel_path(&name.text) else {
            continue;
        };
        let reached = view.reach.data(view.file, name.address);
        let evidence = view.evidence(name.address, reached, format!("the text {}", name.text));
        scan.add(format!("path:{path}"), evidence);
    }
}

/// Where Go's strings start, and so where those before them end: what code or data points at.
fn ends(view: &View, elf: &Elf) -> Vec<u64> {
    let taken = view.code.refs.iter().filter(|r| r.kind == Kind::Address);
    let mut ends: Vec<u64> = taken.map(|reference| reference.to).collect();
    ends.extend(elf.pointers.iter().map(|pointer| pointer.1));
    for region in &elf.data {
        let words = elf.bytes[region.range.clone()].chunks_exact(8);
        let words = words.filter_map(|word| word.try_into().ok().map(u64::from_le_bytes));
        ends.extend(words.filter(|word| elf.holds(*word)));
    }
    ends.sort_unstable();
    ends
}

/// Cuts a text off where the next one starts; whether it is one that something points at.
fn cut(name: &mut Text, ends: &[u64]) -> bool {
    let at = ends.partition_point(|end| *end <= name.address);
    if let Some(end) = ends.get(at) {
        let length = usize::try_from(end - name.address).unwrap_or(usize::MAX);
        name.text.truncate(length);
    }
    at.checked_sub(1).is_some_and(|at| ends[at] == name.address)
}

/// Adds what a script's text names.
pub(crate) fn script(loaded: &Loaded, scan: &mut Scan) {
    let Some(text) = &loaded.text else {
        return;
    };
    let evidence = |what: String| Evidence {
        unreached: false,
        file: loaded.member.path.clone(),
        address: None,
        what,
    };
    if text.starts_with("#!") {
        scan.add("binfmt:script".into(), evidence("starts with #!".into()));
    }
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    for line in lines {
        let words: Vec<&str> = line
            .split([' ', '\t', ';', '"', '\'', '<', '>', '=', '(', ')', '`'])
            .collect();
        for path in words.iter().filter_map(|word| kernel_path(word)) {
            scan.add(
                format!("path:{path}"),
                evidence("named in the script".into()),
            );
        }
        let mounts = words.contains(&"mount");
        for pair in words.windows(2).filter(|pair| mounts && pair[0] == "-t") {
            for name in pair[1].split(',').filter(|name| is_name(name)) {
                scan.add(
                    format!("fs:{name}"),
                    evidence("mount -t in the script".into()),
                );
            }
        }
    }
}

/// A text as a path of the kernel's own file systems: process numbers, `self` and holes of formats
/// are `*`.
fn kernel_path(text: &str) -> Option<String> {
    let root = KERNEL.iter().find(|root| {
        let rest = text.strip_prefix(**root);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })?;
    // A path ends where a list of paths goes on.
    let text = text.split([':', ',', '=', '[', ']', '{', '}']).next()?;
    let parts = text.split('/').filter(|part| !part.is_empty());
    let parts: Vec<&str> = parts.map(|part| component(part, root)).collect();
    Some(format!("/{}", parts.join("/")))
}

fn component<'t>(part: &'t str, root: &str) -> &'t str {
    let process = root == "/proc"
        && (part == "self" || part == "thread-self" || part.bytes().all(|b| b.is_ascii_digit()));
    if process || part.contains(['%', '*']) {
        "*"
    } else {
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_numbers_are_stars() {
        for text in [
            "/proc/self/maps",
            "/proc/%d/maps",
            "/proc/12/maps",
            "/proc//thread-self/maps",
        ] {
            assert_eq!(kernel_path(text).unwrap(), "/proc/*/maps", "{text}");
        }
        assert_eq!(kernel_path("/sys/kernel/mm").unwrap(), "/sys/kernel/mm");
        assert!(kernel_path("/system").is_none() && kernel_path("/usr/proc").is_none());
    }
}
