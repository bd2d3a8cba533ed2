//! Paths that the kernel makes: their canonical form and patterns of them.

/// The form in which paths stand in the map: a process, whichever it is, is `*`, and its view
/// of the network is `/proc/net`.
pub fn canonical(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.first() == Some(&"proc") && parts.len() > 1 {
        match parts[1] {
            "thread-self" if parts.len() > 2 => {
                parts.splice(1..2, ["*", "task", "*"]);
            }
            "self" if parts.len() > 2 => parts[1] = "*",
            number if is_number(number) => parts[1] = "*",
            _ => {}
        }
        let in_process = parts[1] == "*" && parts.get(2) == Some(&"task");
        if in_process && parts.get(3).is_some_and(|tid| is_number(tid)) {
            parts[3] = "*";
        }
        if in_process && parts.get(4) == Some(&"net") {
            parts.drain(1..4);
        }
        if parts[1] == "*" && parts.get(2) == Some(&"net") && parts.len() > 3 {
            parts.remove(1);
        }
    }
    format!("/{}", parts.join("/"))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a path is one of those that a pattern stands for. A path may have `*` components
/// itself, from [`canonical`].
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let all = pattern
        .split('/')
        .all(|wanted| parts.next().is_some_and(|part| component(wanted, part)));
    all && parts.next().is_none()
}

/// One component; `*` is one or more characters.
fn component(pattern: &str, part: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == part;
    };
    let Some(part) = part.strip_prefix(start) else {
        return false;
    };
    let mut starts = part.char_indices().skip(1).map(|(at, _)| at);
    (!part.is_empty() && component(rest, "")) || starts.any(|at| component(rest, &part[at..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn processes_are_stars() {
        for (path, wanted) in [
            ("/proc/self/smaps", "/proc/*/smaps"),
            ("/proc/17/task/18/stat", "/proc/*/task/*/stat"),
            ("/proc/thread-self/comm", "/proc/*/task/*/comm"),
            ("/proc/self", "/proc/self"),
            ("/proc/17", "/proc/*"),
            ("/proc/self/net/unix", "/proc/net/unix"),
            ("/proc/self/net/task/0", "/proc/net/task/0"),
            ("/proc//sys/kernel/", "/proc/sys/kernel"),
            ("/dev/null", "/dev/null"),
        ] {
            assert_eq!(canonical(path), wanted);
        }
    }

    #[test]
    fn a_star_is_one_or_more_characters_of_a_component() {
        assert!(matches("/dev/loop*", "/dev/loop0"));
        assert!(!matches("/dev/loop*", "/dev/loop"));
        assert!(!matches("/dev/*", "/dev/a/b"));
        assert!(matches("/proc/*/smaps", "/proc/*/smaps"));
        assert!(matches("/a/x*y*z", "/a/x1yy2z") && !matches("/a/x*y*z", "/a/xyz"));
    }

    proptest! {
        #[test]
        fn canonical_paths_stay_as_they_are(path in "/proc(/(self|thread-self|task|net|[0-9]{1,2}|[a-z]{1,3})){0,5}") {
            let once = canonical(&path);
            prop_assert_eq!(canonical(&once), once);
        }

        #[test]
        fn nothing_makes_it_fail(pattern in "[*/aé]{0,12}", path in ".{0,12}") {
            matches(&pattern, &canonical(&path));
        }
    }
}
