//! One piece of assembly for each reason to leave a `syscall` instruction.

use lupine_rewrite::{Report, Why, rewrite};

use crate::Program;

/// The report on a program whose function `f` is this. The call that ends the program is
/// left, too.
fn report(f: &str) -> Report {
    let source = format!(
        ".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n call f\n xor %edi, %edi\n mov $60, %eax\n syscall\n hlt\n\
         .type f, @function\nf:\n{f}\n.section .note.GNU-stack\n.section .note.x, \"a\", @note\n.long 4, 0, 1\n.ascii \"abc\\0\"\n.data\n.quad 1\n"
    );
    let program = Program::new("gcc", "s", &source, &["-nostdlib", "-static"]);
    let report = rewrite(program.bytes()).unwrap().report;
    assert_eq!(report.kept, None);
    assert_eq!(
        report.sites,
        report.calls + report.left.values().sum::<usize>()
    );
    report
}

/// Asserts that the only system call of `f` is left, for this reason.
fn is_left(f: &str, why: Why) {
    let report = report(f);
    assert_eq!((report.sites, report.calls), (2, 0), "{why:?}: {report:?}");
    assert_eq!(
        report.left.get(&why),
        Some(&(1 + usize::from(why == Why::Bare))),
        "{report:?}"
    );
}

/// Asserts that it becomes a call.
fn is_called(f: &str) {
    let report = report(f);
    assert_eq!((report.sites, report.calls), (2, 1), "{report:?}");
}

#[test]
fn a_number_and_a_stack_are_enough() {
    is_called("mov $39, %eax\n syscall\n ret");
    is_called("sub $24, %rsp\n mov %rdi, 8(%rsp)\n mov $39, %eax\n syscall\n add $24, %rsp\n ret");
    // What is moved may use the stack and addresses nearby.
    is_called("push %rdi\n mov $39, %eax\n mov (%rsp), %rdi\n syscall\n pop %rdi\n ret");
    is_called("mov $39, %eax\n lea f(%rip), %rdi\n syscall\n ret");
}

#[test]
fn the_red_zone() {
    is_left(
        "mov %rdi, -8(%rsp)\n mov $39, %eax\n syscall\n mov -8(%rsp), %rdi\n ret",
        Why::RedZone,
    );
    let copied = "mov %rsp, %rdx\n mov %rdi, -8(%rdx)\n mov $39, %eax\n syscall\n ret";
    is_left(copied, Why::RedZone);
    let framed = "push %rbp\n mov %rsp, %rbp\n mov %edi, -4(%rbp)\n mov $39, %eax\n syscall\n mov -4(%rbp), %edi\n pop %rbp\n ret";
    is_left(framed, Why::RedZone);
    let reserved = "push %rbp\n mov %rsp, %rbp\n sub $16, %rsp\n mov %edi, -4(%rbp)\n mov $39, %eax\n syscall\n leave\n ret";
    is_called(reserved);
    // In another piece of the function, which only a jump connects.
    let far =
        "mov %rdi, -8(%rsp)\n jmp g\n ret\n .type g, @function\ng: mov $39, %eax\n syscall\n ret";
    is_left(far, Why::RedZone);
}

#[test]
fn a_target_of_a_jump() {
    let jumped = "mov %rdi, %rsi\n 2: xor %eax, %eax\n syscall\n test %rax, %rax\n js 2b\n ret";
    is_left(jumped, Why::Target);
    // To where the call starts everybody may jump, and in a static program to the instruction itself, which stays.
    is_called("2: mov $39, %eax\n syscall\n test %rax, %rax\n js 2b\n ret");
    is_called("mov $39, %eax\n 2: syscall\n test %rax, %rax\n js 2b\n ret");
    let table = "lea t(%rip), %rax\n movslq (%rax,%rdi,4), %rdx\n add %rax, %rdx\n jmp *%rdx\n\
                 mov %rdi, %rsi\n 2: xor %eax, %eax\n syscall\n ret\n\
                 .section .rodata\n t: .long 2b - t\n .text";
    is_left(table, Why::Target);
}

#[test]
fn too_little_room() {
    is_left("push $39\n pop %rax\n syscall\n ret", Why::Room);
}

#[test]
fn calls_that_need_a_bare_instruction() {
    for number in [15, 56, 58, 435] {
        is_left(&format!("mov ${number}, %eax\n syscall\n ret"), Why::Bare);
    }
    is_left(
        "mov (%rdi), %eax\n mov $0, %esi\n syscall\n ret",
        Why::Number,
    );
}

#[test]
fn what_is_behind_it() {
    is_left("mov $39, %eax\n syscall\n jc 1f\n 1: ret", Why::Flags);
    is_left("mov $11, %eax\n syscall\n 1: jmp 1b", Why::Stack);
    let watched = "lea 9f(%rip), %rdx\n mov $39, %eax\n syscall\n 9: ret";
    is_left(watched, Why::Watched);
    is_left(
        "test %rdi, %rdi\n je 1f\n jmp *%rdi\n 1: mov $39, %eax\n syscall\n ret",
        Why::Jump,
    );
}

#[test]
fn what_halts_stops_at_cpl_0() {
    let report = report("hlt\n ret");
    assert_eq!(report.traps, 1);
}
