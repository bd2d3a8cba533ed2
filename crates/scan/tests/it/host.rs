//! Real programs of the host: all of them from packages.txt.

use std::path::PathBuf;

use lupine_scan::{Breadth, scan};

use super::memory::start;
use super::root::Root;

fn host() -> Root {
    Root(PathBuf::from("/"))
}

#[test]
fn a_static_program() {
    let scan = scan(&host(), &start("busybox"));
    let calls = scan.syscalls(Breadth::Reach);
    for call in [
        "read", "write", "openat", "socket", "mount", "reboot", "execve", "wait4", "ioctl",
        "umount2",
    ] {
        assert!(calls.contains(&call), "{call}");
    }
    for feature in [
        "family:1",
        "family:2",
        "path:/proc/mounts",
        "path:/dev/null",
    ] {
        assert!(scan.features.contains_key(feature), "{feature}");
    }
    let unknown = scan
        .unknown
        .iter()
        .filter(|unknown| unknown.file.ends_with("/busybox"));
    assert!(unknown.count() < 20);
}

#[test]
fn a_dynamic_program_and_its_c_library() {
    let scan = scan(&host(), &start("/usr/bin/jq"));
    let names: Vec<&str> = scan
        .closure
        .iter()
        .map(|member| member.path.rsplit('/').next().unwrap())
        .collect();
    assert!(
        names.contains(&"libc.so.6") && names.contains(&"ld-linux-x86-64.so.2"),
        "{names:?}"
    );
    let (whole, reach) = (scan.syscalls(Breadth::Whole), scan.syscalls(Breadth::Reach));
    for call in [
        "brk",
        "mmap",
        "openat",
        "read",
        "write",
        "exit_group",
        "fstat",
        "close",
        "mprotect",
    ] {
        assert!(reach.contains(&call), "{call}: {reach:?}");
    }
    assert!(reach.iter().all(|call| whole.contains(call)));
    // The C library can do far more than this program can make it do.
    assert!(
        whole.len() > 250 && reach.len() < whole.len() * 2 / 3,
        "{} {}",
        whole.len(),
        reach.len()
    );
    assert!(!reach.contains(&"reboot") && !reach.contains(&"swapon"));
    assert!(
        whole.contains(&"rt_sigreturn"),
        "its frame starts a byte early"
    );
}

#[test]
fn a_go_program() {
    let scan = scan(&host(), &start("docker-registry"));
    let own = |feature: &str| {
        let found = scan.features.get(feature);
        let evidence = found.into_iter().flat_map(|found| &found.evidence);
        evidence
            .into_iter()
            .any(|evidence| evidence.file.ends_with("/docker-registry"))
    };
    // Through syscall.Syscall and syscall.RawSyscall, and from the runtime's own assembly.
    for call in [
        "accept4",
        "bind",
        "listen",
        "epoll_pwait",
        "epoll_ctl",
        "futex",
        "getdents64",
    ] {
        assert!(own(&format!("syscall:{call}")), "{call}");
    }
}
