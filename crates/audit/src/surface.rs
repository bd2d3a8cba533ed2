//! How much there is to attack, and how it differs from another kernel.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::Kernel;

/// How much is compiled into a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Surface {
    /// Functions.
    pub functions: usize,
    /// Source files; `None` where nobody wrote them down.
    pub files: Option<usize>,
    /// System calls that do not just fail.
    pub syscalls: usize,
}

impl Surface {
    /// The numbers of a kernel.
    pub fn of(kernel: &Kernel) -> Self {
        Self {
            functions: kernel.functions.values().sum(),
            files: kernel.files.as_ref().map(BTreeSet::len),
            syscalls: kernel.syscalls.len(),
        }
    }
}

/// How a kernel differs from its baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The baseline's version.
    pub version: String,
    /// The baseline's numbers.
    pub baseline: Surface,
    /// Functions; a name of which one kernel has more counts as often as it has more.
    pub functions: Change,
    /// Source files; `None` where one of the two has no list.
    pub files: Option<Change>,
    /// System calls.
    pub syscalls: Change,
}

/// What one kernel has and the other has not, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Only in the baseline.
    pub gone: Vec<String>,
    /// Only in the kernel.
    pub added: Vec<String>,
}

/// Compares a kernel with a baseline.
pub fn compare(kernel: &Kernel, baseline: &Kernel) -> Comparison {
    let files = kernel.files.as_ref().zip(baseline.files.as_ref());
    let sets = |own: &BTreeSet<String>, other: &BTreeSet<String>| Change {
        gone: other.difference(own).cloned().collect(),
        added: own.difference(other).cloned().collect(),
    };
    Comparison {
        version: baseline.version.clone(),
        baseline: Surface::of(baseline),
        functions: Change {
            gone: more(&baseline.functions, &kernel.functions),
            added: more(&kernel.functions, &baseline.functions),
        },
        files: files.map(|(own, other)| sets(own, other)),
        syscalls: sets(&kernel.syscalls, &baseline.syscalls),
    }
}

/// Names of which the first has more than the second, as often as it has more.
fn more(first: &BTreeMap<String, usize>, second: &BTreeMap<String, usize>) -> Vec<String> {
    let surplus = |(name, count): (&String, &usize)| {
        let other = second.get(name).copied().unwrap_or_default();
        std::iter::repeat_n(name.clone(), count.saturating_sub(other))
    };
    first.iter().flat_map(surplus).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_are_told() {
        let own = Kernel::parse("1", "0 T a\n1 t b\n2 T __x64_sys_read\n", Some("a.c\n"));
        let map = "0 T a\n1 t b\n2 t b\n3 T c\n4 T __x64_sys_bpf\n";
        let other = Kernel::parse("2", map, Some("a.c\nb.c\n"));
        let comparison = compare(&own, &other);
        assert_eq!(comparison.functions.gone, ["__x64_sys_bpf", "b", "c"]);
        assert_eq!(comparison.functions.added, ["__x64_sys_read"]);
        assert_eq!(comparison.files.unwrap().gone, ["b.c"]);
        assert_eq!(comparison.syscalls.gone, ["bpf"]);
        assert_eq!(comparison.baseline.functions, 5);
    }

    #[test]
    fn without_a_list_files_are_not_compared() {
        let (own, other) = (
            Kernel::parse("1", "", None),
            Kernel::parse("1", "", Some("")),
        );
        assert_eq!(compare(&own, &other).files, None);
        assert_eq!(Surface::of(&own).files, None);
    }
}
