//! When a guest has settled: it records nothing new and its processor sleeps.

use std::path::Path;
use std::time::{Duration, Instant};

/// Most of a processor that a guest takes that waits: under TCG its timer alone takes a few percent.
const BUSY_PERCENT: u128 = 25;

/// Watches a VMM's process.
pub struct Quiet {
    pid: u32,
    /// Nanoseconds of processor time that it wanted, and when that was.
    last: (u64, Instant),
    since: Instant,
}

impl Quiet {
    /// Watches process `pid`.
    pub fn of(pid: u32) -> Self {
        let now = Instant::now();
        Self {
            pid,
            last: (cpu_ns(pid), now),
            since: now,
        }
    }

    /// Something happened in the guest.
    pub fn disturb(&mut self) {
        self.since = Instant::now();
    }

    /// For how long it has been quiet.
    pub fn look(&mut self) -> Duration {
        let (cpu, now) = (cpu_ns(self.pid), Instant::now());
        let used = u128::from(cpu.saturating_sub(self.last.0));
        let passed = now.duration_since(self.last.1).as_nanos().max(1);
        self.last = (cpu, now);
        if used * 100 / passed > BUSY_PERCENT {
            self.since = now;
        }
        now.duration_since(self.since)
    }
}

/// Processor time that a process had or waited for in ns, all threads; 0 when it is gone. Waiting
/// counts, because on a host that has more to do than it can a guest that works gets little.
fn cpu_ns(pid: u32) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    tasks.map(|task| wanted_ns(&task.path())).sum()
}

/// The first two numbers of a thread's schedstat: time on a processor, time in its queue.
fn wanted_ns(task: &Path) -> u64 {
    let text = std::fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    let numbers = text.split_whitespace().take(2);
    numbers.filter_map(|n| n.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_is_not_quiet() {
        let mut quiet = Quiet::of(std::process::id());
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(400) {}
        quiet.look();
        assert!(quiet.since > start);
        assert!(cpu_ns(std::process::id()) > 0);
    }

    #[test]
    fn one_that_sleeps_is_quiet_in_the_end() {
        let mut quiet = Quiet::of(0);
        let long = Duration::from_secs(3);
        quiet.since -= long;
        assert!(quiet.look() >= long);
        quiet.disturb();
        assert!(quiet.look() < long);
    }
}
