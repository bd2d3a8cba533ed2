//! Which refusals stand in for a kernel without an option.

use std::collections::BTreeSet;

use crate::map::{Feature, Map};

/// The name of the error with which a kernel that lacks `feature` answers.
pub fn errno_of(feature: &Feature) -> &'static str {
    match feature {
        Feature::Syscall(_) => "ENOSYS",
        Feature::Case { .. } | Feature::Flag { .. } => "EINVAL",
        Feature::Family(_) => "EAFNOSUPPORT",
        Feature::Protocol { .. } | Feature::Netlink(_) => "EPROTONOSUPPORT",
        Feature::SocketOption { .. } => "ENOPROTOOPT",
        Feature::FileSystem(_) => "ENODEV",
        Feature::Path(_) => "ENOENT",
        Feature::BinaryFormat(_) => "ENOEXEC",
    }
}

/// The features that are lost when `options` are off, as few as say it: none below a path that
/// is refused itself, no argument of a call that is refused whole, and no protocol or socket
/// option of a family that is. Sorted.
pub fn refusals(map: &Map, options: &BTreeSet<String>) -> Vec<Feature> {
    let lost: BTreeSet<&Feature> = map.lost_without(options).into_iter().collect();
    let said = |feature: &Feature| match feature {
        Feature::Case { syscall, .. } | Feature::Flag { syscall, .. } => {
            lost.contains(&Feature::Syscall(syscall.clone()))
        }
        Feature::Protocol { family, .. } => lost.contains(&Feature::Family(*family)),
        Feature::Netlink(_) => lost.contains(&Feature::Family(AF_NETLINK)),
        Feature::SocketOption { .. } => lost.contains(&Feature::Syscall("setsockopt".into())),
        Feature::Path(path) => directories(path).any(|dir| lost.contains(&Feature::Path(dir))),
        _ => false,
    };
    lost.iter()
        .filter(|feature| !said(feature))
        .map(|feature| (*feature).clone())
        .collect()
}

/// Address family of netlink sockets.
const AF_NETLINK: u32 = 16;

fn directories(path: &str) -> impl Iterator<Item = String> + '_ {
    let slashes = path.match_indices('/').skip(1);
    slashes.map(|(at, _)| path[..at].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(options: &[&str]) -> Vec<String> {
        let map = Map::builtin().unwrap();
        let options = options.iter().map(|o| (*o).to_owned()).collect();
        let all = refusals(&map, &options);
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_option_is_all_that_is_lost_with_it() {
        let lost = texts(&["CONFIG_EPOLL"]);
        let calls = lost.iter().filter(|f| f.starts_with("syscall:"));
        assert!(calls.clone().all(|f| f.starts_with("syscall:epoll_")));
        assert_eq!(calls.count(), 6);
        assert!(lost.contains(&"path:/proc/sys/fs/epoll".to_owned()));
    }

    #[test]
    fn what_is_refused_whole_is_not_refused_in_parts() {
        let lost = texts(&["CONFIG_PROC_FS"]);
        assert!(lost.contains(&"path:/proc".to_owned()), "{lost:?}");
        assert!(!lost.iter().any(|f| f.starts_with("path:/proc/")));
        let lost = texts(&["CONFIG_NET"]);
        assert!(lost.contains(&"syscall:socket".to_owned()));
        assert!(!lost.iter().any(|f| f.starts_with("sockopt:")), "{lost:?}");
    }

    #[test]
    fn several_options_lose_what_each_loses_and_what_either_gives() {
        let lost = texts(&["CONFIG_EPOLL", "CONFIG_EVENTFD"]);
        assert!(lost.contains(&"syscall:eventfd2".to_owned()));
        assert!(lost.contains(&"syscall:epoll_wait".to_owned()));
    }
}
