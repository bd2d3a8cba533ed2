//! Damage and nonsense: never a panic, always a warning.

use std::os::unix::fs::symlink;
use std::sync::OnceLock;

use lupine_scan::scan;
use proptest::prelude::*;

use super::memory::{Memory, compile, start};
use super::root::Root;

/// A program with everything that is parsed: libraries, symbols, relocations, unwind tables.
fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let source = r#"
            #include <stdio.h>
            #include <sys/socket.h>
            #include <unistd.h>
            int (*const table[])(const char *, ...) = { printf };
            __attribute__((noinline)) long ask(long n) { return syscall(n); }
            int main(int argc, char **argv) {
                switch (argc) {
                    case 1: return socket(1, 2, 3);
                    case 2: return ask(39);
                    case 3: return table[0]("/proc/self/maps");
                    case 4: return fork();
                    case 5: return execve("/bin/x", argv, argv);
                    default: return ask(argc);
                }
            }"#;
        compile(source, &["-O2"])
    })
}

proptest! {
    #[test]
    fn a_damaged_program_is_survived(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        words in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 0..8),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = program().to_vec();
        for (at, byte) in edits {
            // The headers and tables are where damage hurts.
            let at = at.index(bytes.len());
            bytes[if byte & 1 == 0 { at % 0x1000 } else { at }] = byte;
        }
        for (at, word) in words {
            let at = at.index(0x800) & !7;
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        bytes[..4].copy_from_slice(b"\x7fELF");
        if cut {
            bytes.truncate(4 + length.index(bytes.len() - 4));
        }
        Memory::default().with("/app", bytes).scan("/app");
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000), elf in any::<bool>()) {
        let mut content = if elf { b"\x7fELF\x02\x01\x01".to_vec() } else { Vec::new() };
        content.extend(bytes);
        let scan = Memory::default().with("/app", content).scan("/app");
        prop_assert!(!scan.warnings.is_empty() || scan.closure[0].path == "/app");
    }

    #[test]
    fn any_script_is_survived(text in "\\PC{0,300}", config in "[ -~\n]{0,300}") {
        let files = Memory::default().with("/app", format!("#!{text}")).with("/x.conf", config);
        files.scan("/app /x.conf");
    }
}

fn warned(files: &Memory, command: &str, text: &str) {
    let scan = files.scan(command);
    let warnings = scan.warnings.join("\n");
    assert!(warnings.contains(text), "{warnings}");
}

#[test]
fn each_kind_of_trouble_has_its_warning() {
    let empty = Memory::default();
    warned(&empty, "", "no start command");
    warned(&empty, "redis-server", "redis-server is not in the image");
    let with = |content: &[u8]| Memory::default().with("/app", content);
    warned(&with(b"\x7fELF\x01\x01\x01"), "/app", "32-bit");
    warned(&with(b"\x7fELF\x02"), "/app", "damaged");
    warned(&with(b"MZ\0\0"), "/app", "neither ELF nor a script");
    warned(
        &with(b"#!/bin/nope\n"),
        "/app",
        "/bin/nope, which is not there",
    );
    let mut arm = program().to_vec();
    arm[18] = 183;
    warned(&with(&arm), "/app", "another machine");
    warned(&with(&program()[..program().len() / 3]), "/app", "cut off");
    let mut packed = program().to_vec();
    packed[500..504].copy_from_slice(b"UPX!");
    warned(
        &with(&packed),
        "/app",
        "packed (UPX): cannot be read statically",
    );
    warned(
        &with(program()),
        "/app",
        "needs libc.so.6, which was not found",
    );
}

#[test]
fn what_was_not_read_is_hidden() {
    let hidden = |content: &[u8]| Memory::default().with("/app", content).scan("/app").hidden;
    assert!(hidden(b"\x7fELF\x01\x01\x01") && hidden(b"\x7fELF\x02") && hidden(b"MZ\0\0"));
    assert!(Memory::default().scan("").hidden);
    assert!(!hidden(program()) && !hidden(b"#!/bin/nope\n"));
}

#[test]
fn a_program_that_hides_another_is_said_to() {
    let dir = tempfile::tempdir().unwrap();
    let payload = dir.path().join("payload");
    let with = |flags: &[&str], bytes: &[u8]| {
        std::fs::write(&payload, bytes).unwrap();
        let source = format!(
            r#"
            #define _GNU_SOURCE
            #include <sys/mman.h>
            #include <unistd.h>
            __asm__(".data\npayload: .incbin \"{}\"\n.text");
            int main(int c, char **v) {{ return fexecve(memfd_create("x", 0), v, environ); }}"#,
            payload.display()
        );
        Memory::default().with("/app", compile(&source, flags))
    };
    // A sequence without a pattern that shows in the counts of its bytes.
    let noise = |n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8;
    let noise: Vec<u8> = (0..200_000).map(noise).collect();
    let text = "the same words again and again ".repeat(5000);
    let hidden = "most of it is data that looks compressed";
    for flags in [&["-O2"][..], &["-O2", "-s"], &["-O2", "-static", "-s"]] {
        warned(
            &with(flags, &noise),
            "/app",
            "it can run programs out of memory",
        );
        let found = with(flags, text.as_bytes()).scan("/app");
        assert!(!found.hidden, "{flags:?}: {:?}", found.warnings);
    }
    warned(&with(&["-O2", "-s"], &noise), "/app", hidden);
    assert!(with(&["-O2", "-s"], &noise).scan("/app").hidden);
}

#[test]
fn loops_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    symlink("b", path("a")).unwrap();
    symlink("a", path("b")).unwrap();
    let root = Root(dir.path().into());
    let found = scan(&root, &start("/a"));
    assert_eq!(found.warnings, ["/a is not in the image"]);
    // Scripts that run each other, and a configuration that includes itself.
    let files = Memory::default()
        .with("/x", "#!/y\n/x /y\n")
        .with("/y", "#!/x\n")
        .with("/c.conf", "include /c.conf\ninclude /*.conf\n");
    assert_eq!(files.scan("/x /c.conf").closure.len(), 2);
}
