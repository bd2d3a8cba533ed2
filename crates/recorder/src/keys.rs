//! Which arguments and strings of a system call tell what it needs of a
//! kernel. The recorder keys its records by them; the host reads them back.

/// Namespaces of clone and unshare, but CLONE_NEWTIME, which is a signal number to clone.
const NAMESPACES: u32 = 0x7e02_0000;
const NEW_TIME: u32 = 0x80;
/// MAP_SHARED, MAP_ANONYMOUS and MAP_HUGETLB.
const MAP_KINDS: u32 = 0x4_0021;
/// MFD_ALLOW_SEALING and MFD_HUGETLB.
const MEMFD_KINDS: u32 = 6;
/// Without SOCK_NONBLOCK and SOCK_CLOEXEC.
const SOCKET_TYPE: u32 = 0xf;
/// Without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME.
const FUTEX_COMMAND: u32 = 0x7f;
const INT: u32 = 0xffff_ffff;

/// One argument of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Which of the six arguments it is, from zero.
    pub index: u8,
    /// The bits of it that count.
    pub mask: u32,
    /// How to read it.
    pub kind: Kind,
}

/// What an argument means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One of many values.
    Value,
    /// Bits, each with a meaning of its own.
    Bits,
    /// Bits, in the first word of the structure that the argument points at.
    BitsAt,
    /// Address family in the socket address that the argument points at.
    Family,
    /// TCP or UDP port in that address; zero for other families.
    Port,
    /// Not an argument: one if the file that is to be run begins with `#!`.
    Script,
}

/// The string of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// None.
    None,
    /// A path in argument `at`, relative to the descriptor in argument `dir`.
    Path {
        /// Argument with a directory's descriptor; `None` is the working directory.
        dir: Option<u8>,
        /// Argument with the path.
        at: u8,
    },
    /// As `Path`, of a call that returns a descriptor of the file.
    Open {
        /// See `Path`.
        dir: Option<u8>,
        /// See `Path`.
        at: u8,
    },
    /// As `Path`, of a program: recorded wherever it lies.
    Program {
        /// See `Path`.
        dir: Option<u8>,
        /// See `Path`.
        at: u8,
    },
    /// `mount`: name of a file system, a space, the mount point.
    Mount,
    /// Name of a file system in this argument.
    FileSystem(u8),
}

/// A system call with key arguments or a string.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Its number.
    pub nr: u32,
    /// Its key arguments, in the order of the record.
    pub keys: &'static [Key],
    /// Its string.
    pub text: Text,
}

const fn key(index: u8, mask: u32, kind: Kind) -> Key {
    Key { index, mask, kind }
}

const fn plain(nr: u32, keys: &'static [Key]) -> Call {
    let text = Text::None;
    Call { nr, keys, text }
}

const fn named(nr: u32, text: Text) -> Call {
    let keys = &[];
    Call { nr, keys, text }
}

const fn path(nr: u32, dir: Option<u8>, at: u8) -> Call {
    named(nr, Text::Path { dir, at })
}

const fn open(nr: u32, dir: Option<u8>, at: u8) -> Call {
    named(nr, Text::Open { dir, at })
}

const fn program(nr: u32, dir: Option<u8>, at: u8) -> Call {
    let text = Text::Program { dir, at };
    let keys = SCRIPT;
    Call { nr, keys, text }
}

const SOCKET: &[Key] = &[
    key(0, INT, Kind::Value),
    key(1, SOCKET_TYPE, Kind::Value),
    key(2, INT, Kind::Value),
];
const OPTION: &[Key] = &[key(1, INT, Kind::Value), key(2, INT, Kind::Value)];
const FIRST: &[Key] = &[key(0, INT, Kind::Value)];
const SECOND: &[Key] = &[key(1, INT, Kind::Value)];
const THIRD: &[Key] = &[key(2, INT, Kind::Value)];
const FOURTH: &[Key] = &[key(3, INT, Kind::Value)];
const SCRIPT: &[Key] = &[key(0, 1, Kind::Script)];
const CWD: Option<u8> = None;
const AT: Option<u8> = Some(0);

/// All of them, in order of their numbers.
pub const CALLS: &[Call] = &[
    open(2, CWD, 0),                            // open
    path(4, CWD, 0),                            // stat
    path(6, CWD, 0),                            // lstat
    plain(9, &[key(3, MAP_KINDS, Kind::Bits)]), // mmap
    plain(16, SECOND),                          // ioctl
    path(21, CWD, 0),                           // access
    plain(28, THIRD),                           // madvise
    plain(31, SECOND),                          // shmctl
    plain(41, SOCKET),                          // socket
    plain(42, &[key(1, 0xffff, Kind::Family)]), // connect
    plain(
        49,
        &[key(1, 0xffff, Kind::Family), key(1, 0xffff, Kind::Port)],
    ), // bind
    plain(53, SOCKET),                          // socketpair
    plain(54, OPTION),                          // setsockopt
    plain(55, OPTION),                          // getsockopt
    plain(56, &[key(0, NAMESPACES, Kind::Bits)]), // clone
    program(59, CWD, 0),                        // execve
    plain(66, THIRD),                           // semctl
    plain(71, SECOND),                          // msgctl
    plain(72, SECOND),                          // fcntl
    path(76, CWD, 0),                           // truncate
    path(80, CWD, 0),                           // chdir
    path(83, CWD, 0),                           // mkdir
    open(85, CWD, 0),                           // creat
    path(87, CWD, 0),                           // unlink
    path(89, CWD, 0),                           // readlink
    path(90, CWD, 0),                           // chmod
    path(92, CWD, 0),                           // chown
    plain(101, FIRST),                          // ptrace
    plain(103, FIRST),                          // syslog
    path(133, CWD, 0),                          // mknod
    plain(135, FIRST),                          // personality
    path(137, CWD, 0),                          // statfs
    plain(144, SECOND),                         // sched_setscheduler
    plain(154, FIRST),                          // modify_ldt
    plain(157, FIRST),                          // prctl
    plain(158, FIRST),                          // arch_prctl
    path(161, CWD, 0),                          // chroot
    named(165, Text::Mount),                    // mount
    plain(169, THIRD),                          // reboot
    plain(179, FIRST),                          // quotactl
    path(188, CWD, 0),                          // setxattr
    path(191, CWD, 0),                          // getxattr
    plain(202, &[key(1, FUTEX_COMMAND, Kind::Value)]), // futex
    plain(222, FIRST),                          // timer_create
    plain(227, FIRST),                          // clock_settime
    plain(228, FIRST),                          // clock_gettime
    plain(229, FIRST),                          // clock_getres
    plain(230, FIRST),                          // clock_nanosleep
    plain(237, THIRD),                          // mbind
    plain(238, FIRST),                          // set_mempolicy
    plain(250, FIRST),                          // keyctl
    path(254, CWD, 1),                          // inotify_add_watch
    open(257, AT, 1),                           // openat
    path(258, AT, 1),                           // mkdirat
    path(259, AT, 1),                           // mknodat
    path(260, AT, 1),                           // fchownat
    path(262, AT, 1),                           // newfstatat
    path(263, AT, 1),                           // unlinkat
    path(267, AT, 1),                           // readlinkat
    path(268, AT, 1),                           // fchmodat
    path(269, AT, 1),                           // faccessat
    plain(272, &[key(0, NAMESPACES | NEW_TIME, Kind::Bits)]), // unshare
    plain(283, FIRST),                          // timerfd_create
    plain(308, &[key(1, NAMESPACES | NEW_TIME, Kind::Bits)]), // setns
    plain(312, THIRD),                          // kcmp
    plain(317, FIRST),                          // seccomp
    plain(319, &[key(1, MEMFD_KINDS, Kind::Bits)]), // memfd_create
    plain(321, FIRST),                          // bpf
    program(322, AT, 1),                        // execveat
    plain(324, FIRST),                          // membarrier
    path(332, AT, 1),                           // statx
    plain(427, SECOND),                         // io_uring_register
    named(430, Text::FileSystem(0)),            // fsopen
    plain(431, SECOND),                         // fsconfig
    plain(435, &[key(0, NAMESPACES | NEW_TIME, Kind::BitsAt)]), // clone3
    open(437, AT, 1),                           // openat2
    path(439, AT, 1),                           // faccessat2
    plain(440, FOURTH),                         // process_madvise
    path(452, AT, 1),                           // fchmodat2
];

/// The entry of the call with this number, if it has one.
pub fn call(nr: u32) -> Option<&'static Call> {
    let at = CALLS.binary_search_by_key(&nr, |call| call.nr).ok()?;
    CALLS.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_are_in_order() {
        assert!(CALLS.is_sorted_by(|a, b| a.nr < b.nr));
        assert!(call(41).is_some() && call(0).is_none());
    }
}
