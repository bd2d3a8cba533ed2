//! Reading a failed build's log: what a person needs of it, and no page of make.

use std::path::Path;

use lupine_tool::ToolError;

use crate::KernelError;

/// At most this many of the compiler's errors are shown.
const SHOWN: usize = 8;

/// Whether a program failed because the disk is full.
pub(crate) fn is_disk_full(text: &str) -> bool {
    [
        "No space left on device",
        "Disk quota exceeded",
        "disk is full",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

/// The error of a program that writes below `path`: a full disk is said as such.
pub(crate) fn of_tool(error: ToolError, path: &Path) -> KernelError {
    match error {
        ToolError::Failed { tail, .. } if is_disk_full(&tail) => {
            KernelError::DiskFull { path: path.into() }
        }
        other => other.into(),
    }
}

/// Whether a compiler was killed, most often because memory ran out.
pub(crate) fn was_killed(log: &str) -> bool {
    let signals = ["Killed", "Terminated", "Hangup", "Interrupt"];
    log.lines().any(|line| {
        let ended = || signals.iter().any(|signal| line.ends_with(signal));
        line.contains("Killed signal terminated program")
            || line.contains("Terminated signal terminated program")
            || (line.starts_with("make") && line.contains("***") && ended())
            || line.contains("virtual memory exhausted")
    })
}

/// The lines in which compiler, assembler, linker or Kconfig say what is wrong.
pub(crate) fn errors(log: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in log.lines().filter(|line| is_error(line)) {
        let line = tidy(line);
        if !found.contains(&line) {
            found.push(line);
        }
    }
    let more = found.len().saturating_sub(SHOWN);
    found.truncate(SHOWN);
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    if found.is_empty() {
        last_words(log)
    } else {
        found
    }
}

fn is_error(line: &str) -> bool {
    let signs = [
        ": error:",
        ": fatal error:",
        ": Error:",
        ": undefined reference to",
        "ld: ",
        "cc1: error",
        "objtool: error",
        "*** No rule to make target",
        "internal compiler error",
        ": command not found",
        ": not found",
    ];
    let told = line.starts_with("ld:") || signs.iter().any(|sign| line.contains(sign));
    told && !line.contains("warning:")
}

/// Paths as they are in the source, without the way out of the build directory.
fn tidy(line: &str) -> String {
    line.trim().replace("../", "")
}

/// What make said about the first target that failed, or the log's last lines.
fn last_words(log: &str) -> Vec<String> {
    let failed = |line: &&str| line.starts_with("make") && line.contains("*** [");
    if let Some(at) = log.lines().position(|line| failed(&line)) {
        // The failing command's own words stand above make's.
        let above = log.lines().take(at + 1).skip(at.saturating_sub(3));
        return above
            .filter(|line| !line.starts_with("  "))
            .map(tidy)
            .collect();
    }
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(5)..]
        .iter()
        .map(|line| tidy(line))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compilers_words_are_found() {
        let log = "  CC      kernel/fork.o\n../kernel/fork.c: In function 'fork':\n\
            ../kernel/fork.c:12:3: error: 'x' undeclared (first use in this function)\n   12 |   x\n\
            make[3]: *** [../scripts/Makefile.build:229: kernel/fork.o] Error 1\n\
            make[2]: *** [../scripts/Makefile.build:478: kernel] Error 2\n";
        let expected = "kernel/fork.c:12:3: error: 'x' undeclared (first use in this function)";
        assert_eq!(errors(log), [expected]);
    }

    #[test]
    fn many_errors_are_cut() {
        let log: String = (0..20).map(|n| format!("a.c:{n}:1: error: no\n")).collect();
        let found = errors(&log);
        assert_eq!(found.len(), SHOWN + 1);
        assert_eq!(found[SHOWN], "and 12 more");
    }

    #[test]
    fn an_unknown_failure_shows_what_stands_above_makes_words() {
        let log = "  GEN     x\nfrobnicate: bad luck\nmake[1]: *** [Makefile:3: x] Error 7\n";
        assert_eq!(errors(log)[0], "frobnicate: bad luck");
        assert_eq!(errors("one\ntwo\n"), ["one", "two"]);
    }

    #[test]
    fn a_full_disk_and_a_killed_compiler_are_known() {
        assert!(is_disk_full("as: x.o: No space left on device"));
        assert!(was_killed(
            "gcc: fatal error: Killed signal terminated program cc1"
        ));
        assert!(was_killed("make[2]: *** [x: y.o] Killed"));
        assert!(was_killed("make[2]: *** [x: y.o] Terminated"));
        assert!(!was_killed("make[2]: *** [x: y.o] Error 1"));
    }
}
