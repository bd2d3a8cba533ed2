//! Functions of the C library and the system calls behind them: needed where the library itself
//! could not be read, and the plainest evidence where it could.

use lupine_recorder::{syscall_name, syscall_number};

use crate::closure::Loaded;
use crate::report::{Evidence, Scan};

/// Functions whose system calls have other names.
const BEHIND: &[(&str, &[&str])] = &[
    (
        "pthread_create",
        &["clone", "clone3", "futex", "mmap", "set_robust_list"],
    ),
    ("fork", &["clone"]),
    ("vfork", &["vfork"]),
    ("system", &["clone", "clone3", "execve", "wait4"]),
    ("popen", &["clone", "clone3", "execve", "pipe2"]),
    ("posix_spawn", &["clone", "clone3", "execve"]),
    ("posix_spawnp", &["clone", "clone3", "execve"]),
    ("execvp", &["execve"]),
    ("execv", &["execve"]),
    ("execl", &["execve"]),
    ("execlp", &["execve"]),
    ("fexecve", &["execve", "execveat"]),
    ("eventfd", &["eventfd2"]),
    ("signalfd", &["signalfd4"]),
    ("inotify_init", &["inotify_init1"]),
    ("epoll_create", &["epoll_create"]),
    ("pipe", &["pipe2"]),
    ("open", &["openat"]),
    ("open64", &["openat"]),
    ("fopen", &["openat", "read", "write"]),
    ("fopen64", &["openat", "read", "write"]),
    ("opendir", &["openat", "getdents64"]),
    ("readdir", &["getdents64"]),
    ("posix_fadvise", &["fadvise64"]),
    ("posix_fadvise64", &["fadvise64"]),
    ("posix_madvise", &["madvise"]),
    ("send", &["sendto"]),
    ("recv", &["recvfrom"]),
    ("waitpid", &["wait4"]),
    ("sigaction", &["rt_sigaction"]),
    ("signal", &["rt_sigaction"]),
    ("sigprocmask", &["rt_sigprocmask"]),
    ("sem_wait", &["futex"]),
    ("pthread_cond_wait", &["futex"]),
    ("pthread_mutex_lock", &["futex"]),
    ("shm_open", &["openat"]),
    ("mq_open", &["mq_open"]),
    ("lio_listio", &["futex", "pread64", "pwrite64"]),
    ("aio_read", &["futex", "pread64"]),
    ("aio_write", &["futex", "pwrite64"]),
    ("pthread_setaffinity_np", &["sched_setaffinity"]),
    ("setrlimit", &["prlimit64"]),
    ("getrlimit", &["prlimit64"]),
    ("getentropy", &["getrandom"]),
    ("arc4random", &["getrandom"]),
];

/// Adds what the imports of one file show. Its own text says that it asks, so all of it counts as
/// reached where the file is what the application runs.
pub(crate) fn imports(loaded: &Loaded, scan: &mut Scan) {
    let Some(elf) = &loaded.elf else {
        return;
    };
    for import in &elf.imports {
        let calls = behind(import);
        for call in calls {
            let evidence = Evidence {
                unreached: loaded.is_library(),
                file: loaded.member.path.clone(),
                address: None,
                what: format!("imports {import}"),
            };
            scan.add(format!("syscall:{call}"), evidence);
        }
    }
}

/// The system calls behind a function.
fn behind(import: &str) -> Vec<&'static str> {
    if let Some((_, calls)) = BEHIND.iter().find(|row| row.0 == import) {
        return calls.to_vec();
    }
    let plain = import.trim_start_matches('_');
    let short = plain.strip_suffix("64").unwrap_or(plain);
    let number = syscall_number(plain).or_else(|| syscall_number(short));
    number.and_then(syscall_name).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_system_calls() {
        assert_eq!(behind("epoll_create1"), ["epoll_create1"]);
        assert_eq!(behind("fcntl64"), ["fcntl"]);
        assert_eq!(behind("eventfd"), ["eventfd2"]);
        assert!(behind("strlen").is_empty());
    }
}
