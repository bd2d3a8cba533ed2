use super::*;

const MAP: &str = r#"
    "syscall:epoll_ctl" = { if = "CONFIG_EPOLL", at = "fs/eventpoll.c:1" }
    "flag:clone:0:0x40000000" = { name = "CLONE_NEWNET", if = "CONFIG_NET_NS" }
    "flag:clone:0:0x20000000" = { name = "CLONE_NEWPID", if = "CONFIG_PID_NS" }
    "flag:mmap:3:0x21" = { name = "MAP_SHARED|MAP_ANONYMOUS", if = "CONFIG_SHMEM" }
    "protocol:2:3:0" = { if = "CONFIG_INET" }
    "protocol:2:1:6" = { if = "CONFIG_INET" }
    "protocol:2:1:132" = { if = "CONFIG_INET && CONFIG_IP_SCTP" }
    "path:/proc" = { if = "CONFIG_PROC_FS" }
    "path:/proc/sys" = { if = "CONFIG_PROC_SYSCTL" }
    "path:/proc/*/smaps" = { if = "CONFIG_PROC_FS && CONFIG_PROC_PAGE_MONITOR" }
    "fs:tmpfs" = { if = "CONFIG_SHMEM" }
"#;

const CORRECTIONS: &str = r#"
    "fs:tmpfs" = { if = "CONFIG_TMPFS", why = "the name is there without it" }
"#;

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
        ("\"x\" = { if = \"\" }", "\"x\" is no feature"),
        ("\"fs:a\" = { if = \"A\" }", "fs:a: cannot read"),
        (
            "\"fs:a\" = { if = \"\" }\n\"fs:a\" = { if = \"\" }",
            "duplicate key",
        ),
        (
            "\"family:1\" = { if = \"\" }\n\"family:0x1\" = { if = \"\" }",
            "twice",
        ),
        ("\"fs:a\" = { at = \"x\" }", "missing field"),
        ("\"fs:a\" = 1", "invalid type"),
    ] {
        let error = Map::parse(text, "").unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
