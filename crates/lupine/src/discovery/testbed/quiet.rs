//! When a guest has settled: it records nothing new and its processor sleeps.

use std::time::{Duration, Instant};

/// Without a disturbance for this long it is quiet.
const QUIET: Duration = Duration::from_secs(3);
/// Most of a processor that a guest takes that waits: under TCG its timer alone takes a few percent.
const BUSY_PERCENT: u128 = 25;

/// Watches a VMM's process.
pub struct Quiet {
    pid: u32,
    /// Nanoseconds of processor time, and when that was.
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

    /// Whether it has been quiet for long enough.
    pub fn look(&mut self) -> bool {
        let (cpu, now) = (cpu_ns(self.pid), Instant::now());
        let used = u128::from(cpu.saturating_sub(self.last.0));
        let passed = now.duration_since(self.last.1).as_nanos().max(1);
        self.last = (cpu, now);
        if used * 100 / passed > BUSY_PERCENT {
            self.since = now;
        }
        now.duration_since(self.since) >= QUIET
    }
}

/// Processor time of a process in ns, all threads; 0 when it is gone.
fn cpu_ns(pid: u32) -> u64 {
    const TICK_NS: u64 = 10_000_000;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold anything; utime and stime are 12 and 13 after it.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks = after.split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<u64>().ok()).sum::<u64>() * TICK_NS
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
        quiet.since -= QUIET;
        assert!(quiet.look());
        quiet.disturb();
        assert!(!quiet.look());
    }
}
