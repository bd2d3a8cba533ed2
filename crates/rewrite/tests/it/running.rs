//! Rewritten programs do what they did. Here they run at CPL 3; crates/lupine/tests/it/kml.rs has CPL 0.

use lupine_rewrite::{privileged, rewrite};

use crate::{Program, output};

/// Files, processes, memory; a thread that is stopped in a system call, whose cleanup only unwind tables know.
const SOURCE: &str = r#"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int cleaned;
static void clean(int *number) { cleaned += *number; }
static int ends[2];

static void *wait_for_ever(void *unused)
{
    __attribute__((cleanup(clean))) int number = 7;
    char byte;
    return read(ends[0], &byte, 1) == 1 ? unused : NULL;
}

int main(void)
{
    char text[64] = "";
    int status = 0;
    pthread_t thread;
    if (pipe(ends) != 0)
        return 1;
    if (fork() == 0) {
        char line[] = "child\n";
        _exit(write(ends[1], line, strlen(line)) == 6 ? 3 : 4);
    }
    wait(&status);
    if (read(ends[0], text, sizeof(text) - 1) != 6)
        return 2;
    printf("%s%d %d\n", text, WEXITSTATUS(status), getppid() > 0);
    char *much = malloc(1 << 20);
    memset(much, 1, 1 << 20);
    free(much);
    printf("%d\n", system("exit 5") >> 8);
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    usleep(100000);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    printf("%d\n", cleaned);
    return 0;
}
"#;

fn rewritten(compiler: &str, flags: &[&str]) -> (usize, usize) {
    let program = Program::new(compiler, "c", SOURCE, flags);
    let new = rewrite(program.bytes()).unwrap();
    let (report, bytes) = (new.report, new.bytes.unwrap());
    assert_eq!(report.kept, None);
    assert_eq!(privileged(bytes.clone()).unwrap(), Default::default());
    let path = program.with(&bytes);
    assert_eq!(output(&path), output(&program.path));
    assert!(output(&path).starts_with("child\n3 1\n5\n"));
    (report.calls, report.sites)
}

#[test]
fn programs_with_a_c_library_in_them() {
    for flags in [
        &["-O2", "-static", "-fexceptions"][..],
        &["-O2", "-static-pie", "-fexceptions"],
        &["-O2", "-static", "-s", "-fexceptions"],
    ] {
        let (calls, sites) = rewritten("gcc", flags);
        assert!(calls * 3 > sites * 2, "{calls} of {sites} with {flags:?}");
    }
    let (calls, sites) = rewritten("musl-gcc", &["-O2", "-static"]);
    assert!(calls * 3 > sites * 2, "{calls} of {sites} with musl");
}

#[test]
fn c_libraries_and_their_loaders() {
    let libraries = [
        "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib64/ld-linux-x86-64.so.2",
        "/usr/lib/x86_64-linux-musl/libc.so",
    ];
    for path in libraries {
        let new = rewrite(std::fs::read(path).unwrap()).unwrap();
        let report = new.report;
        assert_eq!(report.kept, None, "{path}");
        assert!(report.calls * 2 > report.sites, "{path}: {report:?}");
        assert!(new.bytes.is_some());
    }
}

#[test]
fn a_program_with_its_rewritten_library_and_loader() {
    let program = Program::new("gcc", "c", SOURCE, &["-O2", "-fexceptions"]);
    let dir = program.dir.path();
    for (from, to) in [
        ("/lib/x86_64-linux-gnu/libc.so.6", "libc.so.6"),
        ("/lib64/ld-linux-x86-64.so.2", "ld.so"),
    ] {
        let new = rewrite(std::fs::read(from).unwrap()).unwrap();
        let place = dir.join(to);
        std::fs::copy(from, &place).unwrap();
        std::fs::write(place, new.bytes.unwrap()).unwrap();
    }
    let tool = lupine_tool::Tool::new(dir.join("ld.so")).arg("--library-path");
    let done = tool.arg(dir).arg(&program.path).run().unwrap();
    assert_eq!(
        String::from_utf8(done.stdout).unwrap(),
        output(&program.path)
    );
}

#[test]
fn what_halted_dies() {
    let source = "int main(void) { __asm__ volatile(\"hlt\"); return 0; }";
    let program = Program::new("gcc", "c", source, &["-O2", "-static"]);
    let path = program.with(&rewrite(program.bytes()).unwrap().bytes.unwrap());
    let error = lupine_tool::Tool::new(path).run().unwrap_err().to_string();
    assert!(error.contains("signal: 4"), "{error}");
}
