//! Small C programs whose requests are known.

use lupine_scan::{Breadth, Scan};

use super::memory::{Memory, compile, scan_c};

/// Flags of compilers in the wild: with and without optimisation, at a fixed place, stripped.
const FLAGS: [&[&str]; 4] = [
    &["-O0"],
    &["-O2"],
    &["-O2", "-no-pie", "-s"],
    &["-Os", "-s"],
];

fn has(scan: &Scan, features: &[&str], flags: &[&str]) {
    for feature in features {
        let found = scan.features.get(*feature);
        assert!(
            found.is_some_and(|found| found.reached),
            "{feature} with {flags:?}: {:#?}",
            scan.features.keys()
        );
    }
}

fn names<'s>(scan: &'s Scan, prefix: &str) -> Vec<&'s str> {
    scan.features(Breadth::Whole)
        .filter(|name| name.starts_with(prefix))
        .collect()
}

#[test]
fn constant_arguments_of_library_functions() {
    let source = r#"
        #define _GNU_SOURCE
        #include <sys/socket.h>
        #include <sys/prctl.h>
        #include <sys/mount.h>
        #include <sys/mman.h>
        #include <netinet/in.h>
        #include <fcntl.h>
        int main(void) {
            int one = 1, fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
            setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
            struct flock lock = {0};
            fcntl(fd, F_SETLKW, &lock);
            prctl(PR_SET_NAME, "x", 0, 0, 0);
            madvise(0, 4096, MADV_HUGEPAGE);
            return mount("none", "/mnt", "tmpfs", MS_NOSUID, "");
        }"#;
    for flags in FLAGS {
        let scan = scan_c(source, flags);
        let wanted = [
            "family:10",
            "protocol:10:2:17",
            "sockopt:1:15",
            "case:fcntl:1:7",
            "case:prctl:0:15",
            "case:madvise:2:14",
            "fs:tmpfs",
            "flag:mount:3:0x2",
            "syscall:socket",
            "syscall:mount",
        ];
        has(&scan, &wanted, flags);
        assert_eq!(names(&scan, "family:"), ["family:10"], "{flags:?}");
        assert_eq!(names(&scan, "case:fcntl"), ["case:fcntl:1:7"], "{flags:?}");
        assert!(scan.unknown.is_empty(), "{flags:?}: {:?}", scan.unknown);
    }
}

#[test]
fn numbers_through_wrappers_and_choices() {
    let source = r#"
        #define _GNU_SOURCE
        #include <unistd.h>
        #include <sys/syscall.h>
        __attribute__((noinline)) long inner(long a, long n) {
            long r;
            __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(0), "d"(0) : "rcx", "r11", "memory");
            return r;
        }
        __attribute__((noinline)) long outer(long n) { return inner(1, n) + 1; }
        int main(int argc, char **argv) {
            outer(SYS_getpid);
            outer(SYS_sync);
            inner(2, argc > 3 ? SYS_getuid : SYS_getgid);
            syscall(SYS_memfd_create, "x", 1);
            return syscall(SYS_socket, 16, 3, 15);
        }"#;
    for flags in FLAGS {
        let scan = scan_c(source, flags);
        let wanted = [
            "syscall:getpid",
            "syscall:sync",
            "syscall:getuid",
            "syscall:getgid",
            "syscall:memfd_create",
            "flag:memfd_create:1:0x1",
            "syscall:socket",
            "family:16",
            "protocol:16:3:15",
        ];
        has(&scan, &wanted, flags);
        assert!(scan.unknown.is_empty(), "{flags:?}: {:?}", scan.unknown);
    }
}

/// Nobody knows where the stack is then: this is no reason to stop.
#[test]
fn a_stack_that_is_moved_by_what_memory_holds() {
    for how in ["add (%%rsi), %%rsp", "sub %%rsi, %%rsp"] {
        let source = r#"
            int main(int c, char **v) {
                long r;
                __asm__ volatile("push %1\n MOVE\n syscall" : "=a"(r) : "r"((long)c), "S"(v), "D"(0));
                return r;
            }"#;
        let scan = scan_c(&source.replace("MOVE", how), &["-O1"]);
        assert!(!scan.unknown.is_empty(), "{how}: {scan:?}");
    }
}

#[test]
fn what_cannot_be_known_is_listed_with_its_place() {
    let source = r#"
        #include <unistd.h>
        #include <stdlib.h>
        int main(int argc, char **argv) { return syscall(atoi(argv[1])); }"#;
    for flags in FLAGS {
        let scan = scan_c(source, flags);
        assert_eq!(scan.unknown.len(), 1, "{flags:?}: {:?}", scan.unknown);
        let unknown = &scan.unknown[0];
        assert_eq!((unknown.file.as_str(), unknown.reached), ("/app", true));
        assert!(
            unknown.address > 0x1000 && unknown.what.contains("computed"),
            "{unknown:?}"
        );
    }
}

#[test]
fn paths_in_constant_data() {
    let source = r#"
        #include <stdio.h>
        int main(int argc, char **argv) {
            char path[64];
            snprintf(path, sizeof path, "/proc/%d/stat", argc);
            fopen(path, "r");
            return fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r") == fopen("/dev/urandom", "r");
        }"#;
    let scan = scan_c(source, &["-O2"]);
    let wanted = [
        "path:/proc/*/stat",
        "path:/sys/kernel/mm/transparent_hugepage/enabled",
        "path:/dev/urandom",
    ];
    has(&scan, &wanted, &[]);
}

/// A library with a function that is called, one in a table, and one that nobody wants.
const LIBRARY: &str = r#"
        static long raw(long n) {
            long r;
            __asm__ volatile("syscall" : "=a"(r) : "a"(n) : "rcx", "r11", "memory");
            return r;
        }
        static long through_a_table(void) { return raw(186); }
        static long (*const table[])(void) = { through_a_table };
        long used(int n) { return raw(39) + table[n](); }
        long unused(void) { return raw(162); }"#;

#[test]
fn a_library_counts_only_as_far_as_it_is_reached() {
    let dir = tempfile::tempdir().unwrap();
    let so = dir.path().join("libx.so.1");
    std::fs::write(
        &so,
        compile(
            LIBRARY,
            &[
                "-O2",
                "-fPIC",
                "-shared",
                "-nostdlib",
                "-Wl,-soname,libx.so.1",
            ],
        ),
    )
    .unwrap();
    let program = "extern long used(int); int main(int c, char **v) { return used(c); }";
    let link = so.to_str().unwrap();
    // gcc wants the library behind what uses it, unless told to keep it.
    let app = compile(
        program,
        &[
            "-O2",
            "-Wl,--no-as-needed",
            link,
            "-Wl,-rpath,$ORIGIN/../lib",
        ],
    );
    let files = Memory::default()
        .with("/opt/bin/app", app)
        .with("/opt/lib/libx.so.1", std::fs::read(&so).unwrap());
    let scan = files.scan("/opt/bin/app");
    has(&scan, &["syscall:getpid", "syscall:gettid"], &[]);
    assert!(!scan.features["syscall:sync"].reached);
    assert!(scan.syscalls(Breadth::Whole).contains(&"sync"));
    assert!(!scan.syscalls(Breadth::Reach).contains(&"sync"));
    assert_eq!(scan.closure[1].why.to_string(), "needed by /opt/bin/app");
}

#[test]
fn hand_written_code_without_unwind_tables() {
    // As in musl: functions that are only jumped to, zero by comparison, a number byte by byte.
    let source = r#"
        __asm__(
            ".globl _start\n_start: call wrapped\n call cleared\n call compared\n hlt\n"
            ".p2align 4\nsecret: mov %rdi, %rax\n syscall\n ret\n"
            ".p2align 4\nwrapped: mov $39, %edi\n call stub\n mov $186, %edi\n call stub\n ret\n"
            ".p2align 4\nstub: jmp secret\n"
            ".p2align 4\ncleared: xor %eax, %eax\n mov $56, %al\n syscall\n ret\n"
            ".p2align 4\ncompared: mov 8(%rdi), %rax\n test %rax, %rax\n je 1f\n mov $19, %eax\n1: syscall\n ret\n");"#;
    let scan = scan_c(source, &["-static", "-nostdlib", "-s"]);
    has(
        &scan,
        &[
            "syscall:getpid",
            "syscall:gettid",
            "syscall:clone",
            "syscall:read",
            "syscall:readv",
        ],
        &[],
    );
    assert_eq!(scan.syscalls(Breadth::Whole).len(), 5);
    assert!(scan.unknown.is_empty(), "{:?}", scan.unknown);
}
