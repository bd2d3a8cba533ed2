//! The end of a guest: its record, what is said, and what is put away.

use lupine_vm::{End, Outcome};
use miette::{Report, Result};

use super::{Monitor, detached, write_stats};
use crate::state::{EndRecord, Phase, now_ms};
use crate::{printer, tap};

impl Monitor<'_> {
    /// Records how it went and puts away what the guest had.
    pub(super) fn conclude(
        mut self,
        outcome: Result<(Outcome, Option<EndRecord>)>,
    ) -> Result<EndRecord> {
        let end = match &outcome {
            Ok((outcome, killed)) => {
                self.record.stats.vmm_us = Some(outcome.vmm_us);
                self.record.stats.boot_us.extend(outcome.boot_us.clone());
                self.record.stats.memory.vmm_rss_kib = outcome.peak_rss_kib;
                end_record(&outcome.end, killed.clone())
            }
            Err(report) => EndRecord {
                kind: "not-booted".into(),
                status: 125,
                text: report.to_string(),
            },
        };
        self.record.stats.status = Some(end.status);
        self.record.finished_ms = Some(now_ms());
        self.record.phase = phase(&end.kind);
        self.record.end = Some(end.clone());
        // Before what the kernel said is removed.
        let place = self.place();
        let filed = self.file_away(outcome.is_ok());
        match self.notify.take() {
            Some(mut notify) => detached::say_failed(&mut notify, outcome.as_ref().err(), &end),
            None if self.attached && outcome.is_ok() => self.tell(&end, place),
            None => {}
        }
        outcome?;
        filed?;
        Ok(end)
    }

    /// The record is written last but for its removal: a guest that is seen
    /// as ended has left nothing behind.
    fn file_away(&self, booted: bool) -> Result<()> {
        let stats = match &self.launch.stats_file {
            Some(file) => write_stats(file, &self.record),
            None => Ok(()),
        };
        if let Some(device) = &self.record.tap {
            tap::remove(device);
        }
        self.save();
        // What never booted has been told, and its name shall be free again.
        if self.record.remove || !booted {
            self.state.remove_own(&self.dir)?;
        }
        // Whoever waits for the guest's end waits for its lock.
        let _ = self.lock.unlock();
        Ok(stats?)
    }

    /// What a person at the terminal should know about this end.
    fn tell(&self, end: &EndRecord, place: Option<lupine_link::Place>) {
        if end.kind == "exited" {
            return;
        }
        // Of a program in the kernel nobody else tells where it was.
        if end.kind == "signalled" && place.is_none() {
            return;
        }
        printer::complain(&end.text);
        if let Some(place) = place {
            printer::complain(&format!("it was {place}"));
        }
        if let Some(hint) = hint(end, &self.dir.name, self.record.remove) {
            printer::complain(&format!("hint: {hint}"));
        }
    }
}

impl Monitor<'_> {
    /// The place of the fault that ended a kernel with a program in it.
    fn place(&self) -> Option<lupine_link::Place> {
        let names = lupine_link::names(&self.launch.kernel);
        let log = self.dir.run_dir().join("kernel.log");
        let log = names.exists().then(|| std::fs::read(log).ok())??;
        lupine_link::fault(&String::from_utf8_lossy(&log), &names)
    }
}

fn phase(kind: &str) -> Phase {
    match kind {
        "exited" | "signalled" | "refused" | "killed" => Phase::Exited,
        _ => Phase::Dead,
    }
}

/// Kind of the end of a guest that lacked something and shall not go on.
pub(super) const MISSING: &str = "missing-feature";

/// How a guest ended, for its record. A VMM that Lupine killed itself ended
/// the way Lupine says.
fn end_record(end: &End, killed: Option<EndRecord>) -> EndRecord {
    match (end, killed) {
        (End::VmmKilled { .. }, Some(killed)) => return killed,
        // Whether the kill came before its own end is chance; that it lacked something is not.
        (_, Some(killed)) if killed.kind == MISSING => return killed,
        _ => {}
    }
    EndRecord {
        kind: kind(end).into(),
        status: end.exit_status(),
        text: end.to_string(),
    }
}

fn kind(end: &End) -> &'static str {
    match end {
        End::Exited(_) => "exited",
        End::Killed(_) => "signalled",
        End::Refused { .. } => "refused",
        End::OutOfMemory { .. } => "out-of-memory",
        End::KernelPanic { .. } => "kernel-panic",
        End::MemoryTooSmall { .. } => "memory-too-small",
        End::NeverStarted { .. } => "never-started",
        End::Reset => "reset",
        End::KvmBroken { .. } => "kvm-broken",
        End::VmmKilled { .. } => "vmm-killed",
        End::VmmFailed { .. } => "vmm-failed",
    }
}

/// What to do about it.
fn hint(end: &EndRecord, name: &str, removed: bool) -> Option<String> {
    let log = if removed {
        "run it without --rm, then: lupine logs --kernel NAME".into()
    } else {
        format!("the kernel's messages: lupine logs --kernel {name}")
    };
    match end.kind.as_str() {
        "out-of-memory" | "memory-too-small" => {
            Some("give it more memory, for example -m 1g".into())
        }
        "kernel-panic" | "never-started" => Some(log),
        "kvm-broken" => Some("run it with --accel tcg".into()),
        "refused" if end.status == 127 => {
            Some("the command must be a program in the image: lupine inspect shows its own".into())
        }
        _ => None,
    }
}

/// What `run -d` says of a guest that failed before it was ready.
pub(super) fn failure(report: Option<&Report>, end: &EndRecord) -> (String, Option<String>) {
    match report {
        Some(report) => (
            report.to_string(),
            report.help().map(|help| help.to_string()),
        ),
        None => (end.text.clone(), hint(end, "NAME", false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_killed_vmm_ends_as_lupine_says() {
        let killed = Some(EndRecord {
            kind: "killed".into(),
            status: 137,
            text: "killed by lupine kill".into(),
        });
        let end = end_record(&End::VmmKilled { signal: 9 }, killed.clone());
        assert_eq!((end.kind.as_str(), end.status), ("killed", 137));
        // It ended by itself in the same moment.
        let end = end_record(&End::Exited(3), killed);
        assert_eq!((end.kind.as_str(), end.status), ("exited", 3));
        let lacked = Some(EndRecord {
            kind: MISSING.into(),
            status: 125,
            text: "refused".into(),
        });
        assert_eq!(end_record(&End::Exited(1), lacked).status, 125);
        let end = end_record(&End::VmmKilled { signal: 9 }, None);
        assert_eq!((end.kind.as_str(), end.status), ("vmm-killed", 125));
    }
}
