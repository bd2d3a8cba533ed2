//! Guests without QEMU: the fake VMM is this test binary, started once more,
//! which connects to the sockets of a run directory and follows a script.

use std::io::{Read, Write};
use std::path::PathBuf;

use lupine_init::{Decoder, MARK_INIT_START};
use lupine_tool::Tool;

use super::*;

const SCRIPT: &str = "LUPINE_FAKE_VMM";

/// Starts [`fake_vmm_process`] with a script.
#[derive(Debug)]
struct FakeVmm(&'static str);

impl Vmm for FakeVmm {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn command(&self, spec: &VmSpec, _accelerator: Accelerator) -> Result<Tool, VmError> {
        let tests = std::env::current_exe().unwrap();
        Ok(Tool::new(tests)
            .args(["guest::tests::fake_vmm_process", "--exact", "--nocapture"])
            .env(SCRIPT, self.0)
            .current_dir(&spec.dir))
    }
}

/// The fake VMM's side of the control port.
struct FakeGuest {
    port: UnixStream,
    decoder: Decoder,
}

impl FakeGuest {
    fn send(&mut self, frame: &Frame) {
        self.port.write_all(&encode(frame).unwrap()).unwrap();
    }

    fn receive(&mut self) -> Frame {
        let mut portion = [0; 4096];
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return frame;
            }
            let count = self.port.read(&mut portion).unwrap();
            assert_ne!(count, 0, "the host hung up");
            self.decoder.push(&portion[..count]);
        }
    }

    /// Echoes stdin, then exits with the status that the first argument is.
    fn echo(&mut self) {
        let Frame::Spec(spec) = self.receive() else {
            panic!("no specification first");
        };
        assert!(!spec.seed.is_empty());
        self.send(&Frame::Warning("careful".into()));
        self.send(&Frame::Started);
        self.send(&Frame::Record(b"line\n".to_vec()));
        loop {
            match self.receive() {
                Frame::Stdin(bytes) => {
                    self.send(&Frame::StdinTaken(u32::try_from(bytes.len()).unwrap()));
                    self.send(&Frame::Stdout(bytes));
                }
                Frame::Signal(number) => self.send(&Frame::Stderr(vec![number])),
                Frame::StdinEnd => break,
                other => panic!("{other:?}"),
            }
        }
        self.send(&Frame::Exited(spec.argv[0].parse().unwrap()));
        assert_eq!(self.receive(), Frame::PowerOff);
    }
}

/// Does nothing as a test; with the variable set it is the fake VMM.
#[test]
fn fake_vmm_process() {
    let Ok(script) = std::env::var(SCRIPT) else {
        return;
    };
    if script == "fail" {
        std::process::exit(7);
    }
    let mut marks = UnixStream::connect("marks.sock").unwrap();
    let port = UnixStream::connect("control.sock").unwrap();
    let mut guest = FakeGuest {
        port,
        decoder: Decoder::new(),
    };
    if script != "panic" {
        marks.write_all(&[MARK_INIT_START]).unwrap();
    }
    match script.as_str() {
        "echo" => guest.echo(),
        "lacking" => {
            marks.write_all(b"\x1e213\t-\n?\x1e41").unwrap();
            marks.write_all(b"\ta,1\n\x1etorn").unwrap();
        }
        "garbage" => guest.port.write_all(&[0xff; 64]).unwrap(),
        "flood" => {
            for _ in 0..2000 {
                guest.send(&Frame::Stdout(vec![b'x'; 1000]));
            }
            guest.send(&Frame::Killed(15));
        }
        "panic" => {
            let text = "Kernel panic - not syncing: early\n---[ end Kernel panic - not syncing: early ]---\n";
            std::fs::write("kernel.log", text).unwrap();
            hang();
        }
        "hang" => hang(),
        other => panic!("no script {other}"),
    }
    std::process::exit(0);
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

struct Place {
    _dir: tempfile::TempDir,
    spec: VmSpec,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    // The probe is a kernel as far as its headers go.
    let kernel = file("kernel", crate::probe::PROBE);
    let rootfs = (file("root", b""), "ext2".into());
    let spec = VmSpec::plain(kernel, rootfs, 64, dir.path().into());
    Place { _dir: dir, spec }
}

fn start(script: &'static str, place: &Place) -> Guest {
    let guest = GuestSpec {
        argv: vec!["3".into()],
        stdin: true,
        ..GuestSpec::default()
    };
    boot(&FakeVmm(script), &place.spec, Accelerator::Tcg, &guest).unwrap()
}

#[test]
fn stdin_signals_output_marks_and_status_pass() {
    let place = place();
    let guest = start("echo", &place);
    let mut stdin = guest.stdin();
    stdin.write_all(b"hello").unwrap();
    guest.signal(2);
    drop(stdin);
    let events: Vec<Event> = guest.events().iter().collect();
    let marks: Vec<Mark> = events
        .iter()
        .filter_map(|event| match event {
            Event::Mark(mark, _) => Some(*mark),
            _ => None,
        })
        .collect();
    assert_eq!(marks, [Mark::VmmStart, Mark::InitStart, Mark::AppStart]);
    for event in [
        Event::Warning("careful".into()),
        Event::Record(b"line\n".to_vec()),
        Event::Stdout(b"hello".to_vec()),
        Event::Stderr(vec![2]),
    ] {
        assert!(events.contains(&event), "{event:?} is not in {events:?}");
    }
    assert_eq!(events.last(), Some(&Event::End(End::Exited(3))));
    let outcome = guest.wait();
    assert_eq!(outcome.end, End::Exited(3));
    assert!(outcome.boot_us.contains_key("vmm-start..app-start"));
    assert!(outcome.peak_rss_kib.is_some());
}

#[test]
fn whole_lines_of_the_kernel_are_refusals() {
    let place = place();
    let guest = start("lacking", &place);
    let refusal = |event| match event {
        Event::Refusal(line) => Some(line),
        _ => None,
    };
    let lines: Vec<String> = guest.events().iter().filter_map(refusal).collect();
    assert_eq!(lines, ["213\t-", "41\ta,1"]);
}

#[test]
fn nothing_but_logs_is_left_in_the_run_directory() {
    let place = place();
    let guest = start("hang", &place);
    let events = guest.events();
    // The mark comes through a socket, so the VMM has connected.
    while !matches!(events.recv().unwrap(), Event::Mark(Mark::InitStart, _)) {}
    guest.kill();
    assert_eq!(guest.wait().end, End::VmmKilled { signal: 9 });
    let mut names: Vec<String> = std::fs::read_dir(&place.spec.dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["kernel", "root", "vmm.log"]);
}

#[test]
fn a_guest_that_is_dropped_is_killed() {
    let place = place();
    let guest = start("hang", &place);
    let pid = guest.pid();
    drop(guest);
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    assert!(state.is_err() || state.unwrap().contains(") Z "));
}

#[test]
fn a_vmm_that_fails_at_once_is_no_guest() {
    let place = place();
    let end = start("fail", &place).wait().end;
    assert!(matches!(end, End::VmmFailed { status: 7, .. }), "{end:?}");
}

#[test]
fn a_kernel_that_stays_in_its_panic_is_ended() {
    let place = place();
    let message = String::from("early");
    assert_eq!(
        start("panic", &place).wait().end,
        End::KernelPanic { message }
    );
}

#[test]
fn bytes_that_are_no_frames_become_a_warning() {
    let place = place();
    let guest = start("garbage", &place);
    let events: Vec<Event> = guest.events().iter().collect();
    let warned = |event: &Event| matches!(event, Event::Warning(text) if text.contains("cannot be understood"));
    assert!(events.iter().any(warned), "{events:?}");
    assert_eq!(guest.wait().end, End::Reset);
}

#[test]
fn output_that_nobody_takes_does_not_keep_a_guest() {
    let place = place();
    assert_eq!(start("flood", &place).wait().end, End::Killed(15));
}

#[test]
fn memory_below_the_kernels_own_is_refused_with_the_number() {
    let mut place = place();
    place.spec.mem_mib = 1;
    let error = boot(
        &FakeVmm("echo"),
        &place.spec,
        Accelerator::Tcg,
        &GuestSpec::default(),
    )
    .unwrap_err();
    assert!(
        matches!(
            error,
            VmError::MemoryTooSmall {
                mem_mib: 1,
                needed_mib: 2
            }
        ),
        "{error}"
    );
}

#[test]
fn a_missing_vmm_is_named() {
    #[derive(Debug)]
    struct NoVmm;
    impl Vmm for NoVmm {
        fn name(&self) -> &'static str {
            "none"
        }
        fn command(&self, _: &VmSpec, _: Accelerator) -> Result<Tool, VmError> {
            Ok(Tool::new("qemu-system-of-nowhere"))
        }
    }
    let error = boot(
        &NoVmm,
        &place().spec,
        Accelerator::Tcg,
        &GuestSpec::default(),
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("qemu-system-of-nowhere"),
        "{error}"
    );
}
