//! A program linked into a kernel: one file, which boots to its main.

use std::path::{Path, PathBuf};

use lupine_tool::Tool;

use crate::guest::{Lupine, Ran, image};
use crate::kml_checks::{ARGUMENTS, CHECKS, FOUND};

fn example(name: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ukl");
    dir.join(name).display().to_string()
}

/// Links, with arguments for the program.
fn linked(lupine: &Lupine, output: &Path, source: &str, arguments: &[&str]) -> Ran {
    let output = output.display().to_string();
    let words = ["link", "-o", &output, source, "--"];
    lupine.lupine(&[&words, arguments].concat())
}

fn run(lupine: &Lupine, vmlinux: &Path, arguments: &[&str]) -> Ran {
    let file = vmlinux.display().to_string();
    lupine.lupine(&[&["run", "--rm", &file], arguments].concat())
}

/// What it wrote, byte for byte.
fn lines(ran: &Ran) -> Vec<&str> {
    ran.stdout.split_terminator('\n').collect()
}

#[test]
fn one_file_boots_to_main_with_its_own_arguments_or_others() {
    let dir = tempfile::tempdir().unwrap();
    let vmlinux = dir.path().join("hello.vmlinux");
    let lupine = Lupine::new();
    let ran = linked(&lupine, &vmlinux, &example("hello.c"), &["from the image"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stderr.contains("GPL-2.0"), "{ran:?}");

    let ran = run(&lupine, &vmlinux, &[]);
    let said = [
        "hello: constructed 1, thread-local 7 and 0",
        "argument 0: hello",
        "argument 1: from the image",
        "sqrt(2) = 1.414213562",
    ];
    assert_eq!(lines(&ran), said, "{ran:?}");
    assert_eq!(ran.status, 3, "{ran:?}");

    let ran = run(&lupine, &vmlinux, &["a=b.c", "d,e"]);
    let arguments = ["argument 0: hello", "argument 1: a=b.c", "argument 2: d,e"];
    assert_eq!(lines(&ran)[1..4], arguments, "{ran:?}");
}

/// The kernel with the program of `source`, in `dir`.
fn of_source(lupine: &Lupine, dir: &Path, source: &str) -> PathBuf {
    let file = dir.join("program.c");
    std::fs::write(&file, source).unwrap();
    let vmlinux = dir.join("vmlinux");
    let ran = linked(lupine, &vmlinux, &file.display().to_string(), &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    vmlinux
}

/// The program of `source` finds out itself what it is to find out, and exits with 0 if it is so.
fn holds(source: &str) {
    let dir = tempfile::tempdir().unwrap();
    let lupine = Lupine::new();
    let vmlinux = of_source(&lupine, dir.path(), source);
    let ran = run(&lupine, &vmlinux, &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
}

/// Links the example `source` with `flags`, and runs it.
fn runs(flags: &[&str], source: &str) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let (lupine, vmlinux) = (Lupine::new(), dir.path().join("vmlinux"));
    let output = vmlinux.display().to_string();
    let ran = lupine.lupine(&[&["link", "-o", &output], flags, &[source]].concat());
    assert_eq!(ran.status, 0, "{ran:?}");
    run(&lupine, &vmlinux, &[])
}

#[test]
fn what_c_programs_take_for_granted_holds_with_either_libc() {
    for libc in ["musl", "glibc"] {
        let ran = runs(&["--libc", libc], &example("odd.c"));
        assert_eq!(lines(&ran), ["0 failures", "destructed"], "{libc}: {ran:?}");
        assert_eq!(ran.status, 0, "{libc}: {ran:?}");
    }
}

#[test]
fn exceptions_of_cplusplus_and_panics_of_rust_unwind() {
    let ran = runs(&["--libc", "glibc"], &example("plusplus.cc"));
    let said = "thrown, and out of range, 10 destroyed, sum 56, I am nobody";
    assert_eq!((lines(&ran), ran.status), (vec![said], 4), "{ran:?}");

    let dir = tempfile::tempdir().unwrap();
    let library = dir.path().join("libprogram.a").display().to_string();
    let compiler = Tool::new("rustc").args(["--edition", "2024", "--crate-type", "staticlib"]);
    let compiler = compiler.arg("-O").arg(example("staticlib.rs"));
    compiler.args(["-o", &library]).run().unwrap();
    let ran = runs(&["--libc", "glibc"], &library);
    let last = "sum 6000, unwound true, own 7, 3 bytes, 1 words";
    assert!(lines(&ran).contains(&"dropped"), "{ran:?}");
    assert_eq!(lines(&ran).last(), Some(&last), "{ran:?}");
    assert_eq!(ran.status, 5, "{ran:?}");
}

#[test]
fn a_fault_is_told_by_its_function_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let lupine = Lupine::new();
    let source = "#include <stdio.h>
        __attribute__((noinline)) static int load(volatile int *from)
        {
            return *from;
        }
        __attribute__((noinline)) static int divide(volatile int zero)
        {
            return 100 / zero;
        }
        int main(int count, char **words)
        {
            puts(words[0]);
            fflush(stdout);
            return count > 1 ? divide(count - 2) : load((int *)(long)(count * 8));
        }";
    let vmlinux = of_source(&lupine, dir.path(), source);
    for (words, status, place) in [
        (&[][..], 139, "in load, program.c:4"),
        (&["divide"][..], 136, "in divide, program.c:8"),
    ] {
        let ran = run(&lupine, &vmlinux, words);
        assert_eq!(
            (lines(&ran), ran.status),
            (vec!["program"], status),
            "{ran:?}"
        );
        assert!(ran.stderr.contains(place), "{ran:?}");
    }
}

#[test]
fn it_has_a_root_file_system_and_an_environment_where_they_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let lupine = Lupine::new();
    let root = dir.path().join("root.ext2").display().to_string();
    let ran = lupine.lupine(&["rootfs", &image(), "--fs", "ext2", "-o", &root]);
    assert_eq!(ran.status, 0, "{ran:?}");
    // The program's own words, and an ordinary program that says its own.
    let source = "#include <stdio.h>
        #include <stdlib.h>
        #include <sys/wait.h>
        #include <unistd.h>
        int main(void)
        {
            int status = 1;
            printf(\"%s, %d, %d\\n\", getenv(\"WHAT\"), access(\"/proc/self/exe\", F_OK), access(\"/dev/null\", F_OK));
            fflush(stdout);
            if (!fork())
                execl(\"/bin/sh\", \"sh\", \"-c\", \"echo $WHAT; head -n 1 /etc/passwd; exit 7\", NULL);
            wait(&status);
            return WEXITSTATUS(status);
        }";
    let vmlinux = of_source(&lupine, dir.path(), source).display().to_string();
    let what = "WHAT=a b,c=\"d\"";
    let ran = lupine.lupine(&["run", "--rm", "--rootfs", &root, "-e", what, &vmlinux]);
    let said = [
        "a b,c=\"d\", 0, 0",
        "a b,c=\"d\"",
        "root:x:0:0::/root:/bin/sh",
    ];
    assert_eq!((lines(&ran), ran.status), (said.into(), 7), "{ran:?}");
    // What the kernel was not linked for is refused before it boots.
    for (flags, with) in [
        (["--cpus", "2"], "--cpus N"),
        (["-v", "/tmp:/data"], "--with volumes"),
    ] {
        let ran = lupine.lupine(&[&["run", "--rm"], &flags[..], &[&vmlinux]].concat());
        assert_eq!(ran.status, 125, "{ran:?}");
        assert!(ran.stderr.contains(with), "{ran:?}");
    }
}

#[test]
fn sources_that_do_not_know_the_gate_use_it_when_asked() {
    let ran = runs(&["--gate"], &example("hello.c"));
    assert_eq!(ran.status, 3, "{ran:?}");
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("pipe.c");
    let program = "#include <errno.h>
        #include <stdio.h>
        #include <unistd.h>
        int main(void)
        {
            int ends[2];
            char back[3] = {};
            if (pipe(ends) || write(ends[1], \"abc\", 3) != 3 || read(ends[0], back, 3) != 3)
                return 1;
            return read(-1, back, 3) != -1 || errno != EBADF || back[2] != 'c';
        }";
    std::fs::write(&source, program).unwrap();
    let ran = runs(&["--gate"], &source.display().to_string());
    assert_eq!(ran.status, 0, "{ran:?}");
}

#[test]
fn it_is_at_cpl_0_and_calls_the_kernel_by_name() {
    holds(
        "unsigned crc32_le(unsigned, const unsigned char *, unsigned long);
        int main(void)
        {
            unsigned long cs;
            __asm__(\"mov %%cs, %0\" : \"=r\"(cs));
            unsigned crc = ~crc32_le(~0u, (const unsigned char *)\"123456789\", 9);
            return (cs & 3) != 0 || crc != 0xcbf43926;
        }",
    );
}

#[test]
fn calls_through_the_gate_are_right_whatever_comes_between() {
    let dir = tempfile::tempdir().unwrap();
    let (lupine, vmlinux) = (Lupine::new(), dir.path().join("vmlinux"));
    let ran = linked(&lupine, &vmlinux, &example("gate.c"), &["check", "30000"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let ran = run(&lupine, &vmlinux, &[]);
    assert_eq!(lines(&ran).last(), Some(&"0 failures"), "{ran:?}");
    assert_eq!(ran.status, 0, "{ran:?}");
}

#[test]
fn several_processors_call_through_the_gate_and_share_the_hosts_directory() {
    let dir = tempfile::tempdir().unwrap();
    let vmlinux = dir.path().join("parallel.vmlinux").display().to_string();
    let lupine = Lupine::new();
    let source = example("parallel.c");
    let flags = ["link", "--cpus", "2", "--with", "volumes", "-o", &vmlinux];
    let words = [&source, "--", "/data/in", "/data/out"];
    let ran = lupine.lupine(&[&flags[..], &words].concat());
    assert_eq!(ran.status, 0, "{ran:?}");

    std::fs::write(dir.path().join("in"), "word\n").unwrap();
    let volume = format!("{}:/data", dir.path().display());
    let ran = lupine.lupine(&["run", "--rm", "--cpus", "2", "-v", &volume, &vmlinux]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.starts_with("160000 calls, "), "{ran:?}");
    assert!(!ran.stdout.contains(" 0 signals"), "{ran:?}");
    let written = std::fs::read_to_string(dir.path().join("out")).unwrap();
    assert_eq!(written, "word on 2 processors\n");
}

/// A linked program's kernel stays where it is.
const STAYS: [&str; 4] = ["--option", "RELOCATABLE=n", "--option", "RANDOMIZE_BASE=n"];

/// What the end of PID 1 is told by, and with it the program's status; a trace follows.
const END: &str = "Kernel panic - not syncing: Attempted to kill init!";

#[test]
fn a_kernel_that_checks_itself_finds_nothing_in_programs_and_gate() {
    let dir = tempfile::tempdir().unwrap();
    let lupine = Lupine::new();
    for (source, arguments, status) in [
        ("hello.c", &[][..], 3),
        ("odd.c", &[], 0),
        ("gate.c", &["check", "30000"], 0),
    ] {
        let vmlinux = dir.path().join(source).display().to_string();
        let words = ["-o", &vmlinux, &example(source), "--"];
        let ran = lupine.lupine(&[&["link"], &CHECKS[..], &STAYS, &words, arguments].concat());
        assert_eq!(ran.status, 0, "{ran:?}");
        let flags = ["run", "--name", source];
        let ran = lupine.lupine(&[&flags[..], &ARGUMENTS, &[&vmlinux]].concat());
        assert_eq!(ran.status, status, "{source}: {ran:?}");
        let log = lupine.lupine(&["logs", "--kernel", source]).stdout;
        let (before, _) = log.split_once(END).expect(&log);
        for found in FOUND {
            assert!(!before.contains(found), "{source}: {log}");
        }
        lupine.lupine(&["rm", source]);
    }
}

#[test]
fn input_passes_whole_to_its_end_and_output_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("cat.c");
    let program = "#include <ukl.h>
        int main(void)
        {
            static char bytes[5000];
            long got;
            while ((got = ukl_read(0, bytes, sizeof(bytes))) > 0)
                for (long put = 0; put < got;) {
                    long more = ukl_write(1, bytes + put, got - put);
                    if (more <= 0)
                        return 1;
                    put += more;
                }
            return got < 0;
        }";
    std::fs::write(&source, program).unwrap();
    let (lupine, vmlinux) = (Lupine::new(), dir.path().join("vmlinux"));
    let ran = linked(&lupine, &vmlinux, &source.display().to_string(), &[]);
    assert_eq!(ran.status, 0, "{ran:?}");

    let mut bytes: Vec<u8> = (0..100_000_u32).map(|n| (n / 7 % 256) as u8).collect();
    bytes.push(b'\n');
    let mut command = lupine.command();
    command.args(["run", "--rm", "-i"]).arg(&vmlinux);
    let output = command.write_stdin(bytes.clone()).output().unwrap();
    let back = output.stdout.len();
    assert!(output.stdout == bytes, "{back} bytes came back");

    let ran = run(&lupine, &vmlinux, &[]);
    assert_eq!((ran.stdout.as_str(), ran.status), ("", 0), "{ran:?}");
}

#[test]
fn another_program_costs_a_link_and_no_kernel() {
    let dir = tempfile::tempdir().unwrap();
    let lupine = Lupine::new();
    for name in ["hello.c", "threads.c"] {
        let ran = linked(&lupine, &dir.path().join(name), &example(name), &[]);
        assert_eq!(ran.status, 0, "{ran:?}");
        // The first may have had to build it.
        assert!(
            name == "hello.c" || !ran.stderr.contains("building"),
            "{ran:?}"
        );
    }
    let ran = run(&lupine, &dir.path().join("threads.c"), &["20"]);
    assert_eq!(ran.stdout.lines().count(), 8 * 20 + 1, "{ran:?}");
    assert_eq!(lines(&ran).last(), Some(&"160 lines by 8 threads"));
}

#[test]
fn a_missing_function_is_named_before_any_kernel_is_built() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("program.c");
    std::fs::write(
        &file,
        "int printk(void); long ukl_fork(void); int main(void) { return printk() + ukl_fork(); }",
    )
    .unwrap();
    let source = file.display().to_string();
    let ran = linked(&Lupine::new(), &dir.path().join("vmlinux"), &source, &[]);
    assert_eq!(ran.status, 1, "{ran:?}");
    for missing in ["printk (wanted by 0.o)", "ukl_fork (wanted by 0.o)"] {
        assert!(ran.stderr.contains(missing), "{ran:?}");
    }
    assert!(!dir.path().join("vmlinux").exists());
}
