//! What is compiled into one kernel.

use std::collections::{BTreeMap, BTreeSet};

use lupine_needs::map::syscall_symbols;

/// What is compiled into one kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kernel {
    /// Its version, for example `6.12.117`.
    pub version: String,
    /// Functions by name, each with the number of places that define one of that name.
    pub functions: BTreeMap<String, usize>,
    /// System calls, by the function behind them (`newfstat`), that do not just fail.
    pub syscalls: BTreeSet<String>,
    /// Source files by their paths in the kernel's source; `None` where nobody wrote them down.
    pub files: Option<BTreeSet<String>>,
}

impl Kernel {
    /// Reads a kernel's `System.map` and the list of its source files, a line each.
    pub fn parse(version: &str, system_map: &str, files: Option<&str>) -> Self {
        let mut kernel = Self {
            version: version.into(),
            files: files.map(|text| text.lines().map(str::to_owned).collect()),
            ..Self::default()
        };
        for name in system_map.lines().filter_map(function) {
            *kernel.functions.entry(name.into()).or_default() += 1;
        }
        // The function behind all system calls that do not exist is none itself.
        let strong = syscall_symbols(system_map)
            .filter(|(name, is_strong)| *is_strong && *name != "ni_syscall");
        kernel.syscalls = strong.map(|(name, _)| name.to_owned()).collect();
        kernel
    }
}

/// The function that a line of `System.map` defines: `ADDRESS TYPE NAME`.
fn function(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let (_, kind, name) = (words.next()?, words.next()?, words.next()?);
    // Padding before functions, and stubs of system calls that are not there.
    let nothing = name.starts_with("__pfx_") || name.starts_with("__cfi_");
    let stub = kind.eq_ignore_ascii_case("w") && is_entry(name);
    let is_text = matches!(kind, "T" | "t" | "W" | "w");
    if !is_text || nothing || stub {
        return None;
    }
    // `f.isra.0` is f; `f.cold` and `f.part.0` are pieces of an f that is there as well.
    match name.split_once('.') {
        None => Some(name),
        Some(("", _)) => None,
        Some((_, rest)) if rest.starts_with("cold") || rest.starts_with("part.") => None,
        Some((name, _)) => Some(name),
    }
}

/// Whether a symbol is where a system call enters.
fn is_entry(name: &str) -> bool {
    let starts = ["__x64_sys_", "__ia32_sys_", "__ia32_compat_sys_"];
    starts.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
ffffffff81000000 T _stext
ffffffff81000010 t helper
ffffffff81000020 t helper
ffffffff81000030 t helper.cold
ffffffff81000040 t one.isra.0
ffffffff81000050 t __pfx_one
ffffffff81000060 T __x64_sys_read
ffffffff81000065 T __x64_sys_ni_syscall
ffffffff81000070 W __x64_sys_bpf
ffffffff81000080 W __ia32_sys_bpf
ffffffff81000090 D table
";

    #[test]
    fn functions_are_counted_by_name() {
        let kernel = Kernel::parse("6.12.1", MAP, Some("b.c\na.c\n"));
        let functions: Vec<_> = kernel.functions.iter().map(|(f, n)| (&f[..], *n)).collect();
        let wanted = [
            ("__x64_sys_ni_syscall", 1),
            ("__x64_sys_read", 1),
            ("_stext", 1),
            ("helper", 2),
            ("one", 1),
        ];
        assert_eq!(functions, wanted);
        assert_eq!(kernel.syscalls, BTreeSet::from(["read".to_owned()]));
        assert_eq!(kernel.files.unwrap().len(), 2);
    }

    #[test]
    fn damage_is_left_out() {
        let kernel = Kernel::parse("", "x\n\n1 T\n1 T .Lx\n\u{1} \u{2} \u{3}", None);
        assert!(kernel.functions.is_empty() && kernel.files.is_none());
    }
}
