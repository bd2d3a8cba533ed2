use super::*;

const MAP: &str = r#"entries = [
    { feature = "syscall:epoll_ctl", condition = "CONFIG_EPOLL", at = "fs/eventpoll.c:1" },
    { feature = "flag:clone:0:0x40000000", name = "CLONE_NEWNET", condition = "CONFIG_NET_NS" },
    { feature = "flag:clone:0:0x20000000", name = "CLONE_NEWPID", condition = "CONFIG_PID_NS" },
    { feature = "flag:mmap:3:0x21", name = "MAP_SHARED|MAP_ANONYMOUS", condition = "CONFIG_SHMEM" },
    { feature = "protocol:2:3:0", condition = "CONFIG_INET" },
    { feature = "protocol:2:1:6", condition = "CONFIG_INET" },
    { feature = "protocol:2:1:132", condition = "CONFIG_INET && CONFIG_IP_SCTP" },
    { feature = "path:/proc", condition = "CONFIG_PROC_FS" },
    { feature = "path:/proc/sys", condition = "CONFIG_PROC_SYSCTL" },
    { feature = "path:/proc/*/smaps", condition = "CONFIG_PROC_FS && CONFIG_PROC_PAGE_MONITOR" },
    { feature = "fs:tmpfs", condition = "CONFIG_SHMEM" },
]"#;

const CORRECTIONS: &str = r#"entries = [
    { feature = "fs:tmpfs", condition = "CONFIG_TMPFS", why = "the name is there without it" },
]"#;

fn map() -> Map {
    Map::parse(MAP, CORRECTIONS).unwrap()
}

fn options(feature: &str) -> Vec<String> {
    let options = map().options_for(&feature.parse().unwrap()).map(|options| {
        let owned = options.into_iter().map(String::from);
        owned.collect()
    });
    options.unwrap_or_else(|| vec!["unknown".into()])
}

#[test]
fn corrections_take_the_place_of_what_was_generated() {
    assert_eq!(options("fs:tmpfs"), ["CONFIG_TMPFS"]);
    assert_eq!(map().entries().count(), 11);
    let unreasoned = MAP.replace(", at = \"fs/eventpoll.c:1\"", "");
    assert!(Map::parse(MAP, &unreasoned).is_err());
}

#[test]
fn all_flags_that_were_asked_for_count() {
    assert_eq!(
        options("flag:clone:0:0x60000011"),
        ["CONFIG_NET_NS", "CONFIG_PID_NS"]
    );
    assert_eq!(options("flag:mmap:3:0x22"), ["unknown"]);
    assert_eq!(options("flag:mmap:3:0x8021"), ["CONFIG_SHMEM"]);
    assert_eq!(options("flag:unshare:0:0x40000000"), ["unknown"]);
}

#[test]
fn protocol_zero_is_any_and_the_default() {
    assert_eq!(options("protocol:2:3:255"), ["CONFIG_INET"]);
    assert_eq!(options("protocol:2:1:0"), ["CONFIG_INET"]);
    assert_eq!(
        options("protocol:2:1:132"),
        ["CONFIG_INET", "CONFIG_IP_SCTP"]
    );
    assert_eq!(options("protocol:2:1:99"), ["unknown"]);
}

#[test]
fn a_path_is_found_by_pattern_or_by_its_nearest_directory() {
    let smaps = ["CONFIG_PROC_FS", "CONFIG_PROC_PAGE_MONITOR"];
    assert_eq!(options("path:/proc/self/smaps"), smaps);
    assert_eq!(options("path:/proc/12/smaps"), smaps);
    assert_eq!(
        options("path:/proc/sys/kernel/osrelease"),
        ["CONFIG_PROC_SYSCTL"]
    );
    assert_eq!(options("path:/proc/meminfo"), ["CONFIG_PROC_FS"]);
    assert_eq!(options("path:/etc/passwd"), ["unknown"]);
}

#[test]
fn an_option_owns_features() {
    let map = map();
    let owned: Vec<String> = map
        .owned_by("CONFIG_INET")
        .into_iter()
        .map(|f| f.to_string())
        .collect();
    assert_eq!(
        owned,
        ["protocol:2:1:6", "protocol:2:1:132", "protocol:2:3:0"]
    );
}

#[test]
fn what_is_wrong_in_a_file_is_named() {
    for (text, said) in [
        (
            "entries = [{ feature = \"x\", condition = \"\" }]",
            "\"x\" is no feature",
        ),
        (
            "entries = [{ feature = \"fs:a\", condition = \"A\" }]",
            "fs:a: cannot read",
        ),
        (
            "entries = [{ feature = \"fs:a\", condition = \"\" }, { feature = \"fs:a\", condition = \"\" }]",
            "twice",
        ),
        ("entries = 1", "invalid type"),
    ] {
        let error = Map::parse(text, "entries = []").unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
