//! A kernel without terminals, disks and PID 1, with a static program on it.

use std::fs;

use lupine_tool::Tool;

use crate::guest::Lupine;

/// Says hello, and ends with status 7.
const PROGRAM: &str = r#"
.globl _start
_start:
    mov $1, %eax
    mov $1, %edi
    mov $words, %esi
    mov $6, %edx
    syscall
    mov $60, %eax
    mov $7, %edi
    syscall
    .data
words:
    .ascii "hello\n"
    .section .note.GNU-stack, "", @progbits
"#;

#[test]
fn a_program_says_hello_and_how_it_ended_on_a_kernel_without_terminals() {
    let dir = tempfile::tempdir().unwrap();
    let (source, root) = (dir.path().join("hello.s"), dir.path().join("root"));
    fs::write(&source, PROGRAM).unwrap();
    fs::create_dir(&root).unwrap();
    Tool::new("gcc")
        .args(["-static", "-nostdlib", "-no-pie", "-o"])
        .arg(root.join("hello"))
        .arg(&source)
        .run()
        .unwrap();
    let image = format!("dir:{}", root.display());
    let lupine = Lupine::new();
    let mut words = vec!["run", "--rm", "--tiny", "--no-init", "--fs", "cpio"];
    words.extend(["--feature", "port-console", "-m", "8m", &image, "/hello"]);
    let ran = lupine.lupine(&words);
    assert_eq!((ran.status, ran.stdout.as_str()), (7, "hello\n"), "{ran:?}");
}
