//! Boots `guest/probe` under KVM and reads how far it came.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use lupine_store::At;
use lupine_tool::{Running, Tool};

use crate::classify::kvm_failure;
use crate::klog::last_lines;
use crate::qemu::{MACHINE, PLAIN, PROGRAM};
use crate::{Accel, Accelerator, VmError};

pub(crate) static PROBE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/probe"));

/// QEMU's exit status for the value that the probe ends with when all went well.
const GOOD: i32 = 0x10 << 1 | 1;
/// From the probe's first letter to its end. It takes microseconds.
const RUN_LIMIT: Duration = Duration::from_secs(2);
/// From QEMU's start to the probe's first letter, on a busy host.
const START_LIMIT: Duration = Duration::from_secs(10);
/// The loop of a million takes a millisecond, and a second where each instruction is emulated.
const LOOP_LIMIT: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(2);

/// The probe's letters and what it does after each (see probe.S).
const STEPS: [(u8, &str); 11] = [
    (b'P', "its first instructions"),
    (b'G', "the switch to long mode"),
    (b'L', "its first instructions in long mode"),
    (b'B', "int3"),
    (b'N', "popcnt"),
    (b'C', "cmpxchg16b"),
    (b'A', "stac and clac"),
    (b'S', "xsave and xrstor"),
    (b'M', "rdmsr and wrmsr"),
    (b'R', "rep movsb"),
    (b'T', "a loop of one million"),
];

/// How the probe went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All of it worked.
    Works,
    /// The hypervisor or QEMU gave up.
    Broken(String),
    /// It took too long.
    Slow(String),
}

/// What was seen of one run.
#[derive(Debug, Default)]
struct Run {
    letters: Vec<u8>,
    status: Option<ExitStatus>,
    log: String,
    /// From the letter before the loop to the end.
    looped: Option<Duration>,
}

/// Runs the probe with its files in `dir`.
pub(crate) fn run(dir: &Path) -> Result<Verdict, VmError> {
    let probe = dir.join("probe");
    fs::write(&probe, PROBE).at("write", &probe)?;
    let process = Tool::new(PROGRAM)
        .current_dir(dir)
        .args(["-M", MACHINE])
        .args(PLAIN)
        .args(["-accel", "kvm", "-cpu", "host", "-m", "16M"])
        .args(["-kernel", "probe", "-debugcon", "file:letters"])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=1"])
        .log_to(dir.join("log"))
        .spawn()?;
    Ok(watch(process, dir).verdict(&explanation()))
}

fn watch(mut process: Running, dir: &Path) -> Run {
    let started = Instant::now();
    let mut run = Run::default();
    let (mut first, mut looping) = (None, None);
    loop {
        let status = process.try_status().ok().flatten();
        run.letters = fs::read(dir.join("letters")).unwrap_or_default();
        run.log = fs::read_to_string(dir.join("log")).unwrap_or_default();
        let now = Instant::now();
        if !run.letters.is_empty() {
            first.get_or_insert(now);
        }
        if run.letters.contains(&b'T') {
            looping.get_or_insert(now);
        }
        run.looped = looping.map(|since| now - since);
        run.status = status;
        let overdue = match first {
            Some(since) => now - since > RUN_LIMIT,
            None => now - started > START_LIMIT,
        };
        // After an internal error QEMU keeps the dead machine.
        if status.is_some() || overdue || kvm_failure(&run.log).is_some() {
            process.kill();
            return run;
        }
        std::thread::sleep(LOOK);
    }
}

impl Run {
    /// `because` explains a bad answer, if the host shows a reason.
    fn verdict(&self, because: &str) -> Verdict {
        let step = self.step();
        if self.status.and_then(|status| status.code()) == Some(GOOD) {
            return match self.looped {
                Some(time) if time > LOOP_LIMIT => Verdict::Slow(format!(
                    "a loop of a million took {} ms under KVM{because}",
                    time.as_millis()
                )),
                _ => Verdict::Works,
            };
        }
        if let Some(error) = kvm_failure(&self.log) {
            return Verdict::Broken(format!("KVM gave up at {step}: {error}{because}"));
        }
        match self.status {
            Some(_) if self.letters.ends_with(b"X") => {
                Verdict::Broken(format!("KVM raised an exception at {step}{because}"))
            }
            Some(status) => {
                let how = match status.signal() {
                    Some(signal) => format!("signal {signal}"),
                    None => status.to_string(),
                };
                let said = last_lines(&self.log, 2);
                Verdict::Broken(format!("QEMU ended at {step} ({how}): {said}{because}"))
            }
            None => Verdict::Slow(format!("KVM came no further than {step} in time{because}")),
        }
    }

    fn step(&self) -> &'static str {
        let last = self.letters.iter().rev().find(|letter| **letter != b'X');
        STEPS
            .iter()
            .find(|(letter, _)| Some(letter) == last)
            .map_or("the start, before any instruction", |(_, step)| step)
    }
}

impl Verdict {
    /// Whether another run would say the same.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Slow(_))
    }

    /// The accelerator that follows.
    pub(crate) fn accel(&self) -> Accel {
        let (kind, why) = match self {
            Self::Works => (Accelerator::Kvm, "KVM ran the probe's instructions"),
            Self::Broken(why) | Self::Slow(why) => (Accelerator::Tcg, why.as_str()),
        };
        Accel {
            kind,
            why: why.into(),
        }
    }
}

/// What explains a KVM that does not work, as far as the host shows it.
fn explanation() -> String {
    let flags = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let capable = flags
        .split_whitespace()
        .any(|word| word == "vmx" || word == "svm");
    match (Path::new("/sys/module/kvm_pvm").exists(), capable) {
        (true, false) => {
            " (this host is itself a guest, with the module kvm_pvm in place of vmx or svm)"
        }
        (_, false) => " (the processor shows neither vmx nor svm: this host may itself be a guest)",
        (_, true) => "",
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(letters: &str, status: Option<i32>, log: &str) -> Run {
        Run {
            letters: letters.into(),
            status: status.map(ExitStatus::from_raw),
            log: log.into(),
            looped: None,
        }
    }

    const ALL: &str = "PGLBNCASMRTF";

    #[test]
    fn a_probe_that_ends_well_works() {
        let good = run(ALL, Some(GOOD << 8), "");
        assert_eq!(good.verdict(""), Verdict::Works);
        assert_eq!(good.verdict("").accel().kind, Accelerator::Kvm);
    }

    #[test]
    fn the_instruction_of_an_internal_error_is_named() {
        let log = "KVM internal error. Suberror: 1\nemulation failure\n";
        let Verdict::Broken(why) = run("PGLB", None, log).verdict(" (because)") else {
            panic!("not broken");
        };
        assert_eq!(
            why,
            "KVM gave up at int3: KVM internal error. Suberror: 1 (because)"
        );
    }

    #[test]
    fn an_exception_and_a_dying_qemu_are_told_apart() {
        let Verdict::Broken(why) = run("PGLBNX", Some(0x41 << 8), "").verdict("") else {
            panic!("not broken");
        };
        assert_eq!(why, "KVM raised an exception at popcnt");
        let Verdict::Broken(why) = run("", Some(6), "qemu: x\nqemu: y\n").verdict("") else {
            panic!("not broken");
        };
        assert!(why.contains("before any instruction (signal 6)"), "{why}");
    }

    #[test]
    fn slow_is_not_final() {
        let stuck = run("PGLBNCASMRT", None, "").verdict("");
        assert!(!stuck.is_final());
        let mut slow = run(ALL, Some(GOOD << 8), "");
        slow.looped = Some(Duration::from_secs(1));
        assert!(!slow.verdict("").is_final());
        assert_eq!(slow.verdict("").accel().kind, Accelerator::Tcg);
    }

    #[test]
    fn the_probe_runs_to_its_end_under_tcg() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("probe"), PROBE).unwrap();
        let process = Tool::new(PROGRAM)
            .current_dir(dir.path())
            .args(["-M", MACHINE])
            .args(PLAIN)
            .args(["-accel", "tcg", "-cpu", "max", "-m", "16M"])
            .args(["-kernel", "probe", "-debugcon", "file:letters"])
            .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=1"])
            .log_to(dir.path().join("log"))
            .spawn()
            .unwrap();
        let run = watch(process, dir.path());
        assert_eq!(String::from_utf8_lossy(&run.letters), ALL, "{}", run.log);
        assert_eq!(run.status.and_then(|status| status.code()), Some(GOOD));
    }
}
