use super::*;

/// A guest under TCG whose VMM ended well and that nothing was seen of.
fn seen<'a>(kernel_log: &'a str, vmm_log: &'a str) -> Seen<'a> {
    Seen {
        last: None,
        init_started: false,
        bare: false,
        gave_up: false,
        asked_to_kill: false,
        mem_mib: 64,
        accelerator: Accelerator::Tcg,
        vmm: Ok(0),
        kernel_log,
        vmm_log,
    }
}

const OOM: &str = "Out of memory: Killed process 19 (sh) total-vm:25560kB, anon-rss:14964kB, file-rss:4kB\nreboot: Restarting system\n";
const EARLY: &str = "Kernel panic - not syncing: __populate_section_memmap: Failed to allocate 2097152 bytes align=0x1000 nid=0\n---[ end Kernel panic - not syncing: x ]---\n";
const DEADLOCK: &str = "Out of memory and no killable processes...\nKernel panic - not syncing: System is deadlocked on memory\n";
const NO_ROOT: &str = "Kernel panic - not syncing: VFS: Unable to mount root fs on \"/dev/vda\" or unknown-block(0,0)\n";

#[test]
fn frames_say_how_the_application_ended() {
    let ended = |frame: Frame| {
        let mut seen = seen("", "");
        seen.init_started = true;
        seen.last = Some(&frame);
        seen.end()
    };
    assert_eq!(ended(Frame::Exited(3)), End::Exited(3));
    assert_eq!(ended(Frame::Killed(15)), End::Killed(15));
    let why = String::from("no");
    assert_eq!(
        ended(Frame::Refused(127, why.clone())),
        End::Refused { status: 127, why }
    );
}

#[test]
fn a_kill_for_want_of_memory_is_told_from_the_callers() {
    let frame = Frame::Killed(9);
    let mut killed = Seen {
        last: Some(&frame),
        init_started: true,
        ..seen(OOM, "")
    };
    let victim = String::from("sh");
    assert_eq!(
        killed.end(),
        End::OutOfMemory {
            victim,
            mem_mib: 64
        }
    );
    killed.asked_to_kill = true;
    assert_eq!(killed.end(), End::Killed(9));
    killed.asked_to_kill = false;
    killed.kernel_log = "";
    assert_eq!(killed.end(), End::Killed(9));
}

#[test]
fn a_kernel_without_room_is_told_from_a_guest_without_room() {
    assert_eq!(seen(EARLY, "").end(), End::MemoryTooSmall { mem_mib: 64 });
    assert_eq!(
        seen(DEADLOCK, "").end(),
        End::MemoryTooSmall { mem_mib: 64 }
    );
    let mut later = seen(DEADLOCK, "");
    later.init_started = true;
    let victim = String::new();
    assert_eq!(
        later.end(),
        End::OutOfMemory {
            victim,
            mem_mib: 64
        }
    );
}

#[test]
fn a_panic_is_quoted() {
    let End::KernelPanic { message } = seen(NO_ROOT, "").end() else {
        panic!("no panic");
    };
    assert!(
        message.starts_with("VFS: Unable to mount root fs"),
        "{message}"
    );
}

#[test]
fn without_init_the_panic_tells_the_status() {
    let ended = |log: &str| {
        Seen {
            bare: true,
            ..seen(log, "")
        }
        .end()
    };
    let log = |code: &str| {
        format!("Kernel panic - not syncing: Attempted to kill init! exitcode=0x{code}\n")
    };
    assert_eq!(ended(&log("00000300")), End::Exited(3));
    assert_eq!(ended(&log("00000000")), End::Exited(0));
    assert_eq!(ended(&log("0000000b")), End::Killed(11));
    assert_eq!(ended(&log("0000008b")), End::Killed(11));
    assert!(matches!(ended(NO_ROOT), End::KernelPanic { .. }));
    let missing = "Kernel panic - not syncing: Requested init /x failed (error -2).\n";
    assert!(matches!(ended(missing), End::Refused { status: 127, .. }));
}

#[test]
fn with_init_its_death_is_a_panic() {
    let log = "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00004600\n";
    let mut seen = seen(log, "");
    seen.init_started = true;
    assert!(matches!(seen.end(), End::KernelPanic { .. }));
}

#[test]
fn a_dead_vmm_is_told_by_its_signal() {
    let killed = Seen {
        vmm: Err(9),
        init_started: true,
        ..seen("", "")
    };
    assert_eq!(killed.end(), End::VmmKilled { signal: 9 });
    let log = "qemu-system-x86_64: terminating on signal 15 from pid 7 (lupine)\n";
    let terminated = Seen {
        init_started: true,
        ..seen("", log)
    };
    assert_eq!(terminated.end(), End::VmmKilled { signal: 15 });
}

#[test]
fn a_vmm_that_fails_is_quoted_and_a_port_in_use_named() {
    let log = "qemu-system-x86_64: -netdev user,id=net,hostfwd=tcp:127.0.0.1:8080-:80: Could not set up host forwarding rule 'tcp:127.0.0.1:8080-:80'\n";
    let End::VmmFailed { status, stderr } = Seen {
        vmm: Ok(1),
        ..seen("", log)
    }
    .end() else {
        panic!("no failure");
    };
    assert_eq!(status, 1);
    assert!(
        stderr.starts_with("port tcp:127.0.0.1:8080 is in use"),
        "{stderr}"
    );
}

#[test]
fn broken_kvm_is_told_before_init_and_only_then() {
    let log = "KVM internal error. Suberror: 1\nemulation failure\nRAX=0\n";
    let mut broken = seen("", log);
    broken.vmm = Err(9);
    broken.accelerator = Accelerator::Kvm;
    let why = String::from("KVM internal error. Suberror: 1");
    assert_eq!(broken.end(), End::KvmBroken { why });
    broken.init_started = true;
    assert_eq!(broken.end(), End::VmmKilled { signal: 9 });
    let mut slow = seen("", "");
    slow.accelerator = Accelerator::Kvm;
    slow.gave_up = true;
    assert!(matches!(slow.end(), End::KvmBroken { .. }));
}

#[test]
fn a_guest_that_never_started_says_what_it_said() {
    let log = String::from("last words");
    assert_eq!(
        seen("last words\n", "").end(),
        End::NeverStarted { log: log.clone() }
    );
    let hung = Seen {
        gave_up: true,
        vmm: Err(9),
        ..seen("last words\n", "")
    };
    assert_eq!(hung.end(), End::NeverStarted { log });
    let reset = Seen {
        init_started: true,
        ..seen("", "")
    };
    assert_eq!(reset.end(), End::Reset);
}
