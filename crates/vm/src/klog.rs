//! What a guest's kernel said on its serial port.

/// The message of the first panic.
pub(crate) fn panic_message(log: &str) -> Option<&str> {
    const MARK: &str = "Kernel panic - not syncing: ";
    log.lines()
        .find_map(|line| line.split_once(MARK))
        .map(|(_, message)| message.trim())
}

/// Whether the kernel has said all that a panic says and then did not reset.
pub(crate) fn hangs_in_panic(log: &str) -> bool {
    log.contains("---[ end Kernel panic - not syncing")
}

/// The name of the last process that was killed for want of memory.
pub(crate) fn out_of_memory_victim(log: &str) -> Option<&str> {
    const MARK: &str = "Out of memory: Killed process ";
    let (_, rest) = log
        .lines()
        .filter_map(|line| line.split_once(MARK))
        .next_back()?;
    // A name may contain parentheses itself; the numbers behind it do not.
    let (_, name) = rest.split_once(" (")?;
    let end = name.rfind(") total-vm").or_else(|| name.rfind(')'))?;
    name.get(..end)
}

/// How init ended, if the panic says that it did: the status as of `wait(2)`.
pub(crate) fn init_status(message: &str) -> Option<u32> {
    let code = message.strip_prefix("Attempted to kill init! exitcode=0x")?;
    u32::from_str_radix(code.trim(), 16).ok()
}

/// Why the kernel could not start the program that it was told to start: an error number.
pub(crate) fn init_refused(message: &str) -> Option<u32> {
    let rest = message.strip_prefix("Requested init ")?;
    let (_, number) = rest.rsplit_once(" failed (error -")?;
    number.trim_end_matches([')', '.']).parse().ok()
}

/// Whether a kernel that died with this log wanted memory.
pub(crate) fn wanted_memory(log: &str) -> bool {
    const SIGNS: [&str; 8] = [
        "System is deadlocked on memory",
        "Out of memory",
        "out of memory",
        "page allocation failure",
        "Failed to allocate",
        "failed to allocate",
        "Failed to alloc",
        "Cannot allocate",
    ];
    SIGNS.iter().any(|sign| log.contains(sign))
}

/// The last `count` lines that say something.
pub(crate) fn last_lines(log: &str, count: usize) -> String {
    let lines: Vec<&str> = log
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    lines
        .get(lines.len().saturating_sub(count)..)
        .unwrap_or_default()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_panic_is_found_with_and_without_a_time_stamp() {
        let log = "x\n[    0.154000] Kernel panic - not syncing: VFS: Unable to mount root fs on \"/dev/vda\"\r\n";
        assert_eq!(
            panic_message(log),
            Some("VFS: Unable to mount root fs on \"/dev/vda\"")
        );
        assert_eq!(
            panic_message("Kernel panic - not syncing: a\nKernel panic - not syncing: b"),
            Some("a")
        );
        assert_eq!(panic_message("no panic"), None);
    }

    #[test]
    fn a_victim_is_named() {
        let log = "Out of memory: Killed process 33 (redis) total-vm:52kB, anon-rss:1kB\n";
        assert_eq!(out_of_memory_victim(log), Some("redis"));
        let log = "[1.0] Out of memory: Killed process 9 ((a) b) total-vm:52kB, x:(1)\n";
        assert_eq!(out_of_memory_victim(log), Some("(a) b"));
    }

    #[test]
    fn an_init_that_ended_tells_its_status() {
        assert_eq!(
            init_status("Attempted to kill init! exitcode=0x00000300"),
            Some(0x300)
        );
        assert_eq!(init_status("Attempted to kill init! exitcode="), None);
        assert_eq!(init_status("Fatal exception"), None);
    }

    #[test]
    fn a_program_that_cannot_be_started_tells_why() {
        let message = "Requested init /bin/x failed (error -2).";
        assert_eq!(init_refused(message), Some(2));
        assert_eq!(init_refused("Requested init /bin/x"), None);
    }

    #[test]
    fn the_last_lines_are_those_that_say_something() {
        assert_eq!(last_lines("a\n\nb\r\n\n", 1), "b");
        assert_eq!(last_lines("", 3), "");
    }

    proptest! {
        #[test]
        fn arbitrary_logs_never_panic(log in "(Out of memory: Killed process |Kernel panic - not syncing: |[ ()a0\\n]){0,20}") {
            let _ = out_of_memory_victim(&log);
            let _ = panic_message(&log).map(|text| (init_status(text), init_refused(text)));
            let _ = (wanted_memory(&log), last_lines(&log, 3));
        }
    }
}
