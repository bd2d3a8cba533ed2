//! The map of Linux 6.12 that the program is built with.

use lupine_needs::Tables;
use lupine_needs::map::{Feature, Map};

/// What `/proc`, `/proc/sys` and a network's part of it take, in the map's words.
const SYSCTL: &str = "CONFIG_PROC_FS CONFIG_PROC_SYSCTL";

fn options(map: &Map, feature: &str) -> String {
    let feature: Feature = feature.parse().unwrap();
    match map.options_for(&feature) {
        Some(options) => options.into_iter().collect::<Vec<_>>().join(" "),
        None => "unknown".into(),
    }
}

#[test]
fn what_is_known_of_the_kernel_stands_in_the_map() {
    let map = Map::builtin().unwrap();
    for (feature, wanted) in [
        ("syscall:read", ""),
        ("syscall:epoll_wait", "CONFIG_EPOLL"),
        ("syscall:membarrier", "CONFIG_MEMBARRIER"),
        ("syscall:process_vm_readv", "CONFIG_CROSS_MEMORY_ATTACH"),
        ("syscall:setuid", "CONFIG_MULTIUSER"),
        ("syscall:socket", "CONFIG_NET"),
        ("syscall:uselib", "unknown"),
        ("case:fcntl:1:6", "CONFIG_FILE_LOCKING"),
        ("case:fcntl:1:37", "CONFIG_FILE_LOCKING"),
        ("case:fcntl:1:1026", "CONFIG_DNOTIFY"),
        ("case:fcntl:1:1033", "CONFIG_MEMFD_CREATE"),
        ("case:fcntl:1:0", ""),
        ("case:prctl:0:22", "CONFIG_SECCOMP"),
        ("case:prctl:0:1398164801", "CONFIG_ANON_VMA_NAME"),
        (
            "case:madvise:2:14",
            "CONFIG_ADVISE_SYSCALLS CONFIG_TRANSPARENT_HUGEPAGE",
        ),
        ("case:clock_gettime:0:1", ""),
        ("case:clock_gettime:0:6", "CONFIG_POSIX_TIMERS"),
        ("case:seccomp:0:1", "CONFIG_SECCOMP CONFIG_SECCOMP_FILTER"),
        (
            "flag:clone:0:0x60000011",
            "CONFIG_NAMESPACES CONFIG_NET CONFIG_NET_NS CONFIG_PID_NS",
        ),
        ("flag:mmap:3:0x21", "CONFIG_SHMEM"),
        ("family:1", "CONFIG_NET CONFIG_UNIX"),
        ("family:10", "CONFIG_IPV6 CONFIG_NET"),
        ("family:17", "CONFIG_NET CONFIG_PACKET"),
        ("protocol:2:2:0", "CONFIG_INET CONFIG_NET"),
        ("protocol:2:3:255", "CONFIG_INET CONFIG_NET"),
        ("protocol:2:1:262", "CONFIG_MPTCP CONFIG_NET"),
        ("netlink:15", "CONFIG_NET"),
        ("sockopt:6:1", "CONFIG_INET CONFIG_NET"),
        ("sockopt:1:46", "CONFIG_NET CONFIG_NET_RX_BUSY_POLL"),
        ("fs:tmpfs", "CONFIG_SHMEM CONFIG_TMPFS"),
        ("fs:ext2", "CONFIG_EXT2_FS"),
        (
            "path:/proc/self/smaps",
            "CONFIG_PROC_FS CONFIG_PROC_PAGE_MONITOR",
        ),
        ("path:/proc/1/oom_score_adj", "CONFIG_PROC_FS"),
        ("path:/proc/self/ns/net", "CONFIG_NET_NS CONFIG_PROC_FS"),
        ("path:/proc/sys/vm/overcommit_memory", SYSCTL),
        (
            "path:/sys/kernel/mm/transparent_hugepage/enabled",
            "CONFIG_SYSFS CONFIG_TRANSPARENT_HUGEPAGE",
        ),
        ("path:/proc/sys/kernel/osrelease", SYSCTL),
        ("path:/proc/sys/kernel/no_such_name", SYSCTL),
        ("path:/dev/null", ""),
        ("path:/dev/fuse", "CONFIG_FUSE_FS"),
        ("path:/etc/passwd", "unknown"),
        ("binfmt:script", "CONFIG_BINFMT_SCRIPT"),
    ] {
        assert_eq!(options(&map, feature), wanted, "{feature}");
    }
}

#[test]
fn options_own_what_is_lost_without_them() {
    let map = Map::builtin().unwrap();
    let owned = |option| {
        map.owned_by(option)
            .into_iter()
            .map(Feature::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        owned("CONFIG_SIGNALFD"),
        ["syscall:signalfd", "syscall:signalfd4"]
    );
    assert!(owned("CONFIG_EPOLL").contains(&"syscall:epoll_ctl".into()));
    assert!(owned("CONFIG_NO_SUCH_OPTION").is_empty());
}

#[test]
fn nothing_is_lost_from_one_generation_to_the_next() {
    let map = Map::builtin().unwrap();
    for (kind, least) in [
        ("syscall:", 355),
        ("case:", 480),
        ("family:", 33),
        ("protocol:", 22),
        ("netlink:", 14),
        ("sockopt:", 440),
        ("fs:", 107),
        ("path:/proc/", 1400),
        ("path:/sys/", 350),
        ("path:/dev/", 120),
        ("binfmt:", 6),
    ] {
        let count = map
            .entries()
            .filter(|e| e.feature.to_string().starts_with(kind))
            .count();
        assert!(count >= least, "{kind} only {count}");
    }
}

/// Features of `features.toml` are written by hand; what both name must be named alike.
#[test]
fn the_options_of_common_features_own_something_in_the_map() {
    let (map, tables) = (Map::builtin().unwrap(), Tables::builtin().unwrap());
    for name in [
        "aio",
        "epoll",
        "eventfd",
        "futex",
        "posix-timers",
        "signalfd",
        "sysvipc",
        "timerfd",
    ] {
        let feature = &tables.features[name];
        let owns = |option: &str| !map.owned_by(option).is_empty();
        assert!(
            feature.options.iter().any(|setting| owns(&setting.option)),
            "{name}"
        );
    }
}
