//! The map as files: one for each group of features, an entry on a line. Written one after the
//! other they are one TOML document, too.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use lupine_needs::map::Feature;

use super::entries::{Entries, Found};

/// The groups, and what is in each.
const GROUPS: [(&str, &str); 5] = [
    (
        "calls",
        "system calls, their arguments, formats of programs",
    ),
    ("sockets", "families, protocols, netlink, socket options"),
    ("proc", "files below /proc, but for /proc/sys"),
    ("sysctl", "files below /proc/sys"),
    ("devices", "files below /sys and /dev, file systems"),
];
/// The file whose head has the numbers of all of them.
const FIRST: &str = GROUPS[0].0;

/// One file of the map.
pub struct MapFile {
    /// Its name in the series' directory.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// The files of a series' map.
pub fn of(entries: &Entries, series: &str) -> Vec<MapFile> {
    let file = |(group, what): &(&str, &str)| {
        let mut text = head(entries, series, group, what);
        let own = entries
            .found()
            .filter(|(feature, _)| group_of(feature) == *group);
        for (feature, found) in own {
            line(&mut text, feature, found);
        }
        MapFile {
            name: format!("{group}.toml"),
            text,
        }
    };
    GROUPS.iter().map(file).collect()
}

fn group_of(feature: &Feature) -> &'static str {
    match feature {
        Feature::Syscall(_)
        | Feature::Case { .. }
        | Feature::Flag { .. }
        | Feature::BinaryFormat(_) => "calls",
        Feature::Family(_)
        | Feature::Protocol { .. }
        | Feature::Netlink(_)
        | Feature::SocketOption { .. } => "sockets",
        Feature::Path(path) if is_below(path, "/proc/sys") => "sysctl",
        Feature::Path(path) if is_below(path, "/proc") => "proc",
        Feature::Path(_) | Feature::FileSystem(_) => "devices",
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    let rest = path.strip_prefix(directory);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn head(entries: &Entries, series: &str, group: &str, what: &str) -> String {
    let mut text = format!(
        "# Linux {series}: {what}, and the options behind them.\n\
         # Read from its source by: cargo xtask generate features. Do not edit: see corrections.toml.\n"
    );
    if group == FIRST {
        text.push_str("#\n# The whole map:\n");
        for line in entries.coverage() {
            let _ = writeln!(text, "# {line}");
        }
    }
    text.push('\n');
    text
}

fn line(text: &mut String, feature: &Feature, found: &Found) {
    let _ = write!(text, "\"{feature}\" = {{ ");
    if !found.name.is_empty() {
        let _ = write!(text, "name = \"{}\", ", found.name);
    }
    let _ = write!(text, "if = \"{}\", ", found.condition);
    if found.stub {
        text.push_str("stub = true, ");
    }
    let _ = writeln!(text, "at = \"{}\" }}", found.at);
}

/// Puts the files where they belong; says which could not be written.
pub fn write(dir: &Path, files: &[MapFile]) -> Result<(), String> {
    std::fs::create_dir_all(dir).map_err(|e| format!("cannot make {}: {e}", dir.display()))?;
    for file in files {
        let path = dir.join(&file.name);
        std::fs::write(&path, &file.text)
            .map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    }
    Ok(())
}

/// Fails with the first lines that differ from the files that lie there.
pub fn check(dir: &Path, files: &[MapFile]) -> Result<(), String> {
    let mut differing = Vec::new();
    for file in files {
        let committed = crate::read(&dir.join(&file.name))?;
        differing.extend(differences(&committed, &file.text));
    }
    if differing.is_empty() {
        return Ok(());
    }
    let shown: Vec<&str> = differing.iter().take(40).map(String::as_str).collect();
    Err(format!(
        "the committed map differs in {} lines:\n{}",
        differing.len(),
        shown.join("\n")
    ))
}

fn differences(committed: &str, made: &str) -> Vec<String> {
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (committed.lines().collect(), made.lines().collect());
    let gone = old.difference(&new).map(|line| format!("- {line}"));
    let added = new.difference(&old).map(|line| format!("+ {line}"));
    gone.chain(added).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_file() {
        for (feature, group) in [
            ("syscall:read", "calls"),
            ("case:fcntl:1:0", "calls"),
            ("flag:mmap:3:0x21", "calls"),
            ("binfmt:elf", "calls"),
            ("family:1", "sockets"),
            ("protocol:2:1:6", "sockets"),
            ("netlink:0", "sockets"),
            ("sockopt:6:1", "sockets"),
            ("path:/proc", "proc"),
            ("path:/proc/sysvipc", "proc"),
            ("path:/proc/sys", "sysctl"),
            ("path:/proc/sys/vm/a", "sysctl"),
            ("path:/sys/fs", "devices"),
            ("path:/dev/null", "devices"),
            ("fs:tmpfs", "devices"),
        ] {
            assert_eq!(group_of(&feature.parse().unwrap()), group, "{feature}");
        }
    }

    #[test]
    fn a_map_that_differs_is_told_line_by_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = |text: &str| {
            vec![MapFile {
                name: "calls.toml".into(),
                text: text.into(),
            }]
        };
        assert!(
            check(dir.path(), &file("a\n"))
                .unwrap_err()
                .contains("calls.toml")
        );
        write(dir.path(), &file("a\nb\n")).unwrap();
        assert!(check(dir.path(), &file("b\na\n")).is_ok());
        let error = check(dir.path(), &file("a\nc\n")).unwrap_err();
        assert!(error.contains("2 lines") && error.contains("- b") && error.contains("+ c"));
    }
}
