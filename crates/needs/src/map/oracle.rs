//! The map against a kernel that was built: which system calls its symbol table has.
//!
//! The linker keeps a weak `__x64_sys_NAME` that only fails where no object defines the strong
//! one, so a `System.map` (or `nm vmlinux`) tells what the configuration really left.

use std::collections::{BTreeMap, BTreeSet};

use super::{Condition, Feature, Map};

/// What a symbol table and the map say about one kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// System calls that both agree on and that are there.
    pub present: BTreeSet<String>,
    /// System calls that both agree on and that are not there.
    pub absent: BTreeSet<String>,
    /// System calls that they do not agree on.
    pub disagreements: Vec<Disagreement>,
    /// Symbols of no system call of the map: other names for the same function, or calls
    /// that only 32-bit programs have.
    pub unknown: BTreeSet<String>,
}

/// A system call on which the map is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// Its name.
    pub syscall: String,
    /// Whether the kernel has it.
    pub present: bool,
    /// What the map says.
    pub condition: String,
}

/// Compares a kernel's `System.map` with the map, for the configuration it was built from.
pub fn compare(map: &Map, system_map: &str, config: &str) -> Verdict {
    let on = options_on(config);
    let by_function = functions(map);
    let mut verdict = Verdict::default();
    for (function, present) in syscall_symbols(system_map) {
        let Some(syscalls) = by_function.get(function) else {
            verdict.unknown.insert(function.into());
            continue;
        };
        for (syscall, condition, stub) in syscalls {
            let expected = *stub || condition.holds(&|name| on.contains(name));
            match (expected == present, present) {
                (true, true) => verdict.present.insert((*syscall).into()),
                (true, false) => verdict.absent.insert((*syscall).into()),
                (false, _) => {
                    verdict.disagreements.push(Disagreement {
                        syscall: (*syscall).into(),
                        present,
                        condition: condition.to_string(),
                    });
                    false
                }
            };
        }
    }
    verdict
}

/// The options that a `.config` has as y or m.
fn options_on(config: &str) -> BTreeSet<&str> {
    let set = config.lines().filter_map(|line| line.split_once('='));
    set.filter(|(_, value)| matches!(*value, "y" | "m"))
        .map(|(name, _)| name)
        .collect()
}

/// The functions behind system calls in a `System.map`: of `__x64_sys_NAME` the NAME, and
/// whether the symbol is strong. A weak one only fails.
pub fn syscall_symbols(system_map: &str) -> impl Iterator<Item = (&str, bool)> {
    system_map.lines().filter_map(|line| {
        let mut words = line.split_whitespace().rev();
        let name = words.next()?.strip_prefix("__x64_sys_")?;
        match words.next()? {
            "T" | "t" => Some((name, true)),
            "W" | "w" => Some((name, false)),
            _ => None,
        }
    })
}

/// System calls by the function that is behind them: its name stands in the entry where it
/// is not that of the system call.
fn functions(map: &Map) -> BTreeMap<&str, Vec<(&str, &Condition, bool)>> {
    let mut functions: BTreeMap<&str, Vec<(&str, &Condition, bool)>> = BTreeMap::new();
    for entry in map.entries() {
        if let Feature::Syscall(name) = &entry.feature {
            let function = entry.name.strip_prefix("sys_").unwrap_or(name);
            let row = (name.as_str(), &entry.condition, entry.stub);
            functions.entry(function).or_default().push(row);
        }
    }
    functions
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = r#"
    "syscall:epoll_ctl" = { if = "CONFIG_EPOLL" }
    "syscall:fstat" = { name = "sys_newfstat", if = "" }
    "syscall:iopl" = { if = "CONFIG_IOPL", stub = true }
    "#;

    fn map() -> Map {
        Map::parse(MAP, "").unwrap()
    }

    #[test]
    fn weak_symbols_are_absent() {
        let text = "ff1 W __x64_sys_epoll_ctl\nff2 T __x64_sys_newfstat\nff3 T __x64_sys_iopl\nff4 T __x64_sys_fstat\n";
        let verdict = compare(&map(), text, "CONFIG_A=y\n");
        assert!(verdict.disagreements.is_empty(), "{verdict:?}");
        assert_eq!(
            verdict.present,
            BTreeSet::from(["fstat".into(), "iopl".into()])
        );
        assert_eq!(verdict.absent, BTreeSet::from(["epoll_ctl".into()]));
        assert_eq!(verdict.unknown, BTreeSet::from(["fstat".into()]));
    }

    #[test]
    fn a_wrong_map_is_noticed_in_both_directions() {
        let on = compare(&map(), "1 W __x64_sys_epoll_ctl", "CONFIG_EPOLL=m\n");
        assert!(!on.disagreements[0].present);
        let off = compare(
            &map(),
            "1 t __x64_sys_epoll_ctl",
            "# CONFIG_EPOLL is not set\n",
        );
        assert!(off.disagreements[0].present);
    }
}
