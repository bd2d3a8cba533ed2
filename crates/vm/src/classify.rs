//! From what was seen of a guest to how it ended: pure, so that recorded ends can be tested.

use lupine_init::Frame;

use crate::klog::{
    init_refused, init_status, last_lines, out_of_memory_victim, panic_message, wanted_memory,
};
use crate::{Accelerator, End};

/// What was seen of a guest by the time the VMM was gone.
#[derive(Debug, Clone)]
pub(crate) struct Seen<'a> {
    /// The guest's last frame, if it was one that ends.
    pub(crate) last: Option<&'a Frame>,
    /// PID 1 gave a sign of life.
    pub(crate) init_started: bool,
    /// The kernel starts the program itself.
    pub(crate) bare: bool,
    /// Init did not start in time and the VMM was killed for that.
    pub(crate) gave_up: bool,
    /// The caller had the application killed.
    pub(crate) asked_to_kill: bool,
    pub(crate) mem_mib: u32,
    pub(crate) accelerator: Accelerator,
    /// The VMM's exit status, or the signal that killed it.
    pub(crate) vmm: Result<u8, u8>,
    pub(crate) kernel_log: &'a str,
    pub(crate) vmm_log: &'a str,
}

/// Lines of a log that an end quotes.
const LINES: usize = 8;
const SIGKILL: u8 = 9;

impl Seen<'_> {
    /// How it ended.
    pub(crate) fn end(&self) -> End {
        self.by_frame()
            .or_else(|| self.by_panic())
            .unwrap_or_else(|| self.by_vmm())
    }

    fn by_frame(&self) -> Option<End> {
        match self.last? {
            Frame::Exited(status) => Some(End::Exited(*status)),
            Frame::Killed(SIGKILL) => Some(self.killed()),
            Frame::Killed(signal) => Some(End::Killed(*signal)),
            Frame::Refused(status, why) => Some(End::Refused {
                status: *status,
                why: why.clone(),
            }),
            _ => None,
        }
    }

    /// By SIGKILL: the caller's, the kernel's for want of memory, or somebody's.
    fn killed(&self) -> End {
        match out_of_memory_victim(self.kernel_log) {
            Some(victim) if !self.asked_to_kill => End::OutOfMemory {
                victim: victim.into(),
                mem_mib: self.mem_mib,
            },
            _ => End::Killed(SIGKILL),
        }
    }

    fn by_panic(&self) -> Option<End> {
        let message = panic_message(self.kernel_log)?;
        if self.bare
            && let Some(end) = self.bare_panic(message)
        {
            return Some(end);
        }
        let mem_mib = self.mem_mib;
        let deadlocked = message.contains("System is deadlocked on memory");
        Some(match self.init_started || self.bare {
            true if deadlocked => End::OutOfMemory {
                victim: String::new(),
                mem_mib,
            },
            false if deadlocked || wanted_memory(self.kernel_log) => {
                End::MemoryTooSmall { mem_mib }
            }
            _ => End::KernelPanic {
                message: message.into(),
            },
        })
    }

    /// Panics that are the way in which a kernel without init says how its program fared.
    fn bare_panic(&self, message: &str) -> Option<End> {
        const ENOENT: u32 = 2;
        if let Some(error) = init_refused(message) {
            return Some(End::Refused {
                status: if error == ENOENT { 127 } else { 126 },
                why: message.into(),
            });
        }
        init_status(message).map(|status| self.bare_end(status))
    }

    /// The kernel panics when its only program ends, and names the status of `wait(2)`.
    fn bare_end(&self, status: u32) -> End {
        let [low, high, ..] = status.to_le_bytes();
        match low & 0x7f {
            0 => End::Exited(high),
            SIGKILL => self.killed(),
            signal => End::Killed(signal),
        }
    }

    fn by_vmm(&self) -> End {
        if let Some(why) = self.kvm_error() {
            return End::KvmBroken { why };
        }
        if self.gave_up {
            return End::NeverStarted {
                log: last_lines(self.kernel_log, LINES),
            };
        }
        let vmm_log = self.vmm_log.trim();
        let terminated = vmm_log
            .rsplit_once("terminating on signal ")
            .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
        if let Some(signal) = terminated.or(self.vmm.err()) {
            return End::VmmKilled { signal };
        }
        match self.vmm.unwrap_or_default() {
            0 if self.init_started => End::Reset,
            0 if wanted_memory(self.kernel_log) => End::MemoryTooSmall {
                mem_mib: self.mem_mib,
            },
            0 => End::NeverStarted {
                log: last_lines(self.kernel_log, LINES),
            },
            status => End::VmmFailed {
                status,
                stderr: vmm_error(vmm_log),
            },
        }
    }

    /// KVM gave up before init began.
    fn kvm_error(&self) -> Option<String> {
        if self.accelerator != Accelerator::Kvm || self.init_started {
            return None;
        }
        let slow = || String::from("init did not start within the time limit");
        kvm_failure(self.vmm_log).or_else(|| self.gave_up.then(slow))
    }
}

/// What a KVM that gave up at an instruction says.
pub(crate) fn kvm_failure(vmm_log: &str) -> Option<String> {
    const SIGNS: [&str; 4] = [
        "KVM internal error",
        "KVM: entry failed",
        "kvm run failed",
        "failed to set MSR",
    ];
    vmm_log
        .lines()
        .find(|line| SIGNS.iter().any(|sign| line.contains(sign)))
        .map(|line| line.trim().into())
}

/// The VMM's message; a published port that was taken meanwhile is named first.
fn vmm_error(log: &str) -> String {
    const MARK: &str = "Could not set up host forwarding rule '";
    let rule = log
        .split_once(MARK)
        .and_then(|(_, rest)| rest.split_once('\''));
    let port = rule.and_then(|(rule, _)| rule.split_once('-'));
    match port {
        Some((port, _)) => format!("port {port} is in use\n{}", last_lines(log, LINES)),
        None => last_lines(log, LINES),
    }
}

#[cfg(test)]
mod tests;
