//! Which system calls a kernel for one image has to have, where others are left out.

use std::collections::BTreeSet;
use std::io;

use lupine_init::{INIT, INIT_PATH};
use lupine_needs::map::Feature;
use lupine_needs::{Evidence, Need, Needs, Setting, Source, State};
use lupine_scan::{Breadth, Entry, EntryKind, Files, Start};

use super::Prepared;
use crate::missing::CALLS;

/// The kernel has a process make the first two, and code that the kernel maps (the vDSO) the others.
const BY_THE_KERNEL: [&str; 5] = [
    "restart_syscall",
    "rt_sigreturn",
    "clock_getres",
    "clock_gettime",
    "gettimeofday",
];

/// The need's feature. It is found anew for each kernel, and kept in no manifest.
pub const SYSTEM_CALLS: &str = "system-calls";

/// The need for all calls that code of the image can reach, and of PID 1 if there will be one, or that `needs` name.
pub fn need(prepared: &Prepared, needs: &Needs, has_init: bool) -> Need {
    let scan = prepared.scan();
    let reached = scan.syscalls(Breadth::Reach);
    let count = reached.len();
    let of_init = if has_init { init() } else { Vec::new() };
    let named = needs.built().filter_map(|need| call(&need.feature));
    let all: BTreeSet<String> = reached
        .into_iter()
        .map(str::to_owned)
        .chain(of_init)
        .chain(BY_THE_KERNEL.map(str::to_owned))
        .chain(named)
        .collect();
    let all: Vec<String> = all.into_iter().collect();
    let setting = Setting {
        option: CALLS.into(),
        value: format!("\"{}\"", all.join(" ")),
        why: "no other system call is in the kernel".into(),
    };
    let text = format!(
        "code in {} files of the image can reach {count} system calls; with PID 1's and the kernel's own {}",
        scan.closure.len(),
        all.len()
    );
    Need {
        feature: SYSTEM_CALLS.into(),
        options: vec![setting],
        state: State::Declared,
        evidence: vec![Evidence {
            source: Source::Scan,
            text,
        }],
    }
}

fn call(feature: &str) -> Option<String> {
    match feature.parse() {
        Ok(Feature::Syscall(name)) => Some(name),
        _ => None,
    }
}

/// All calls in the code of PID 1.
fn init() -> Vec<String> {
    let start = Start {
        argv: vec![INIT_PATH.into()],
        ..Start::default()
    };
    let scan = lupine_scan::scan(&Init, &start);
    let calls = scan.syscalls(Breadth::Whole).into_iter();
    calls.map(str::to_owned).collect()
}

/// A root file system that holds PID 1 alone.
struct Init;

impl Files for Init {
    fn resolve(&self, path: &str) -> Option<Entry> {
        (path == INIT_PATH).then(|| Entry {
            path: path.into(),
            kind: EntryKind::File {
                bytes: INIT.len() as u64,
                executable: true,
            },
        })
    }

    fn read(&self, path: &str, max: u64) -> io::Result<Vec<u8>> {
        if path != INIT_PATH {
            return Err(io::ErrorKind::NotFound.into());
        }
        let bytes = INIT.iter().copied();
        Ok(bytes
            .take(usize::try_from(max).unwrap_or(usize::MAX))
            .collect())
    }

    fn list(&self, _path: &str) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_of_pid_1_are_found_in_its_code() {
        let calls = init();
        for call in ["execve", "mount", "reboot", "wait4", "ioperm"] {
            assert!(calls.iter().any(|name| name == call), "{call}: {calls:?}");
        }
        assert!(calls.len() < 100, "{calls:?}");
    }

    #[test]
    fn needs_name_calls() {
        assert_eq!(call("syscall:flock"), Some("flock".into()));
        assert_eq!(call("case:fcntl:1:1033"), None);
        assert_eq!(call("inet"), None);
    }
}
