//! QEMU's microvm machine: [`Qemu`].

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::Duration;

use lupine_init::INIT_PATH;
use lupine_tool::{Tool, ToolError};

use crate::{Accelerator, NetworkSpec, Parameters, Publish, Share, VmError, VmSpec, Vmm};

/// QEMU's `microvm` machine: virtio-mmio, direct boot of a vmlinux by PVH.
#[derive(Debug, Clone, Copy, Default)]
pub struct Qemu;

/// Saying its version takes QEMU milliseconds.
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// The program.
pub(crate) const PROGRAM: &str = "qemu-system-x86_64";

/// No option ROMs and no ACPI tables: a kernel that is started directly needs
/// neither, and with ACPI the virtio-mmio devices would not reach its command line.
pub(crate) const MACHINE: &str = "microvm,x-option-roms=off,acpi=off";

/// The root disk's requests have no more segments than the queues of the smallest kernel have
/// descriptors (tiny.config): this bus lets the kernel choose, whatever is said here.
const ROOT_DISK: &str = "virtio-blk-device,drive=root,werror=report,queue-size=128";

/// The kind of a root file system that is none: the kernel has its program in it.
pub const NO_ROOT: &str = "none";

/// So much memory the machine has below 4 GiB at most, in MiB.
const LOW_MEM_MIB: u32 = 3072;

/// Nothing but what is asked for; a guest that resets ends the VMM.
pub(crate) const PLAIN: [&str; 5] = [
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    "-display",
    "none",
];

impl Qemu {
    /// The first line of what the installed QEMU says about its version.
    ///
    /// # Errors
    /// When it is missing or does not run.
    pub fn version(self) -> Result<String, ToolError> {
        let output = Tool::new(PROGRAM)
            .arg("--version")
            .timeout(VERSION_LIMIT)
            .run()?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or("QEMU").to_owned())
    }
}

impl Vmm for Qemu {
    fn name(&self) -> &'static str {
        "qemu"
    }

    fn command(&self, spec: &VmSpec, accelerator: Accelerator) -> Result<Tool, VmError> {
        // The throw-away layer over the root file system is an unlinked file
        // in TMPDIR, which may grow large: it belongs beside the run's other files.
        let mut tool = Tool::new(PROGRAM)
            .current_dir(&spec.dir)
            .env("TMPDIR", &spec.dir)
            .args(["-M", MACHINE])
            .args(PLAIN)
            .args(processor(accelerator))
            .arg("-m")
            .arg(format!("{}M", spec.mem_mib))
            .arg("-smp")
            .arg(spec.cpus.to_string())
            .arg("-kernel")
            .arg(&spec.kernel)
            .arg("-append")
            .arg(command_line(spec, accelerator)?);
        tool = serial(tool, spec);
        tool = root(tool, spec);
        tool = network(tool, spec)?;
        for (number, share) in spec.shares.iter().enumerate() {
            tool = shared(tool, number, share)?;
        }
        Ok(tool.args(&spec.vmm_args))
    }
}

fn processor(accelerator: Accelerator) -> [&'static str; 4] {
    match accelerator {
        Accelerator::Kvm => ["-accel", "kvm", "-cpu", "host"],
        Accelerator::Tcg => ["-accel", "tcg", "-cpu", "max"],
    }
}

/// Kernel messages to a file, marks and frames to sockets of ours. All names
/// are relative to the run's directory: a socket's path has room for 108 bytes.
fn serial(tool: Tool, spec: &VmSpec) -> Tool {
    let mut tool = tool
        .args(["-chardev", "file,id=kernel,path=kernel.log"])
        .args(["-serial", "chardev:kernel"])
        .args(["-chardev", "socket,id=marks,path=marks.sock"])
        .args(["-device", "isa-debugcon,iobase=0xe9,chardev=marks"]);
    let terminal = ["-chardev", "socket,id=terminal,path=terminal.sock"];
    if spec.port_console {
        let port = ["-device", "isa-debugcon,iobase=0xe8,chardev=terminal"];
        return tool.args(terminal).args(port);
    }
    tool = tool.args(["-device", "virtio-serial-device,max_ports=2"]);
    if spec.has_terminal() {
        let port = ["-device", "virtconsole,nr=0,chardev=terminal"];
        tool = tool.args(terminal).args(port);
    }
    tool.args(["-chardev", "socket,id=control,path=control.sock"])
        .args(["-device", "virtserialport,nr=1,chardev=control"])
}

fn root(tool: Tool, spec: &VmSpec) -> Tool {
    let (path, kind) = &spec.rootfs;
    if kind == NO_ROOT {
        return tool;
    }
    if kind == "cpio" {
        return tool.arg("-initrd").arg(path);
    }
    // A full host disk becomes an I/O error in the guest; the default would stop the machine for good.
    tool.arg("-drive")
        .arg(option("id=root,if=none,format=raw,snapshot=on,file=", path))
        .args(["-device", ROOT_DISK])
}

fn network(tool: Tool, spec: &VmSpec) -> Result<Tool, VmError> {
    let mut card = String::from("virtio-net-device,netdev=net");
    let netdev = match &spec.network {
        NetworkSpec::None => return Ok(tool),
        NetworkSpec::User { publish, loopback } => publish
            .iter()
            .map(|publish| forward(publish, *loopback))
            .fold("user,id=net".to_owned(), |all, one| all + &one),
        NetworkSpec::Tap { device } => {
            let plain = |c: char| c.is_ascii_graphic() && !",=/".contains(c);
            if device.is_empty() || !device.chars().all(plain) {
                return Err(unspeakable("tap device", device));
            }
            card.push_str(&hardware_address(&spec.dir));
            format!("tap,id=net,ifname={device},script=no,downscript=no")
        }
    };
    Ok(tool.arg("-netdev").arg(netdev).arg("-device").arg(card))
}

/// Guests on one bridge need addresses of their own: FNV-1a of the run's directory, which no two share.
fn hardware_address(dir: &Path) -> String {
    let hash = dir
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
    let [_, a, b, c] = hash.to_be_bytes();
    format!(",mac=52:54:00:{a:02x}:{b:02x}:{c:02x}")
}

fn forward(publish: &Publish, loopback: bool) -> String {
    let Publish {
        ip,
        host_port,
        guest_port,
        udp,
    } = publish;
    let protocol = if *udp { "udp" } else { "tcp" };
    let guest_ip = if loopback && !udp { "127.0.0.1" } else { "" };
    format!(",hostfwd={protocol}:{ip}:{host_port}-{guest_ip}:{guest_port}")
}

/// Files keep their real owners and modes on both sides. Root's guests may
/// set them (`passthrough`). An unprivileged user's files stay the user's
/// (`none`), and a chown fails in the guest as it does on the host. The third
/// model, `mapped`, would let it succeed, for whoever reads it through the guest: on the
/// host its links are plain files, and in the guest the host's links are broken.
fn shared(tool: Tool, number: usize, share: &Share) -> Result<Tool, VmError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if share.tag.is_empty() || share.tag.len() > 31 || !share.tag.chars().all(plain) {
        return Err(unspeakable("share tag", &share.tag));
    }
    let model = if nix::unistd::geteuid().is_root() {
        "passthrough"
    } else {
        "none"
    };
    let mode = if share.read_only { ",readonly=on" } else { "" };
    let front =
        format!("local,id=share{number},security_model={model},multidevs=remap{mode},path=");
    let tag = &share.tag;
    Ok(tool
        .arg("-fsdev")
        .arg(option(&front, &share.dir))
        .arg("-device")
        .arg(format!(
            "virtio-9p-device,fsdev=share{number},mount_tag={tag}"
        )))
}

/// An option that ends with a path, in which QEMU wants commas doubled.
fn option(front: &str, path: &Path) -> OsString {
    let mut bytes = front.as_bytes().to_vec();
    for byte in path.as_os_str().as_bytes() {
        bytes.push(*byte);
        if *byte == b',' {
            bytes.push(b',');
        }
    }
    OsString::from_vec(bytes)
}

fn unspeakable(what: &'static str, value: &str) -> VmError {
    VmError::Unspeakable {
        what,
        value: value.into(),
        vmm: "qemu",
    }
}

/// The kernel's command line. QEMU appends the virtio-mmio devices to it, so
/// nothing here may contain `--`, behind which the kernel would not look for them.
fn command_line(spec: &VmSpec, accelerator: Accelerator) -> Result<String, VmError> {
    // Messages go to the serial port without a driver, and cost nothing while there are none.
    // quiet comes first, or the messages before it are replayed. reboot=t: a triple fault is the quickest way out. panic=-1: a panic takes it at once.
    let quick = spec.parameters == Parameters::Quick;
    let quiet = quick.then_some("quiet");
    let mut words: Vec<&str> = quiet.into_iter().collect();
    words.extend(["earlyprintk=ttyS0,keep", "reboot=t", "panic=-1"]);
    if quick && accelerator == Accelerator::Tcg {
        // Emulated time is too coarse for the kernel's test of the timer interrupt, which takes 20 million
        // instructions; KVM's guests leave it out by themselves.
        words.push("no_timer_check");
        if spec.cpus == 1 {
            // Calibrating the local APIC's timer takes 216 million instructions, and one processor does
            // well with the PIT. Under KVM it would lose the TSC deadline timer; more processors need one each.
            words.push("nolapic_timer");
        }
    }
    words.extend(bounce_buffers(spec));
    let (_, kind) = &spec.rootfs;
    let root_type = format!("rootfstype={kind}");
    let ram_disk = kind == "cpio";
    let no_root = kind == NO_ROOT;
    if !ram_disk && !no_root {
        let read_only = matches!(kind.as_str(), "erofs" | "squashfs");
        words.extend(["root=/dev/vda", &root_type]);
        words.push(if read_only { "ro" } else { "rw" });
    }
    words.extend(spec.kernel_args.iter().map(String::as_str));
    if spec.bare.is_some() {
        // Its messages must not run into the program's output; at level 0 it would not even say that it panics.
        words.extend(["console=hvc0", "loglevel=1"]);
    }
    let program = program(spec)?;
    words.extend(program.iter().map(String::as_str));
    Ok(words.join(" "))
}

/// What the kernel starts from the root file system, and with which words.
fn program(spec: &VmSpec) -> Result<Vec<String>, VmError> {
    let key = if spec.rootfs.1 == "cpio" {
        "rdinit="
    } else {
        "init="
    };
    let Some(program) = &spec.bare else {
        return Ok(vec![format!("{key}{INIT_PATH}")]);
    };
    check_bare(program)?;
    let mut words = program.clone();
    if let Some(first) = words.first_mut() {
        first.insert_str(0, key);
    }
    Ok(words)
}

/// With memory above 4 GiB the kernel sets 64 MiB aside for devices that cannot reach it, and clears them.
/// Virtio devices reach all of it.
fn bounce_buffers(spec: &VmSpec) -> Option<&'static str> {
    (spec.mem_mib > LOW_MEM_MIB).then_some("swiotlb=noforce")
}

/// The kernel gives init the words of its command line that it does not know
/// itself; words with `=` become environment, words with `.` get lost.
fn check_bare(program: &[String]) -> Result<(), VmError> {
    // Those that this very command line shows to be the kernel's.
    const KERNEL: [&str; 6] = ["quiet", "debug", "ro", "rw", "nosmp", "noapic"];
    let refuse = |word: &String, why| {
        Err(VmError::BareWord {
            word: word.clone(),
            why,
        })
    };
    for (place, word) in program.iter().enumerate() {
        if word.is_empty() || word.chars().any(|c| c.is_whitespace() || c == '"') {
            return refuse(word, "it is empty or has a space or a quote");
        }
        if place > 0 && word.contains(['=', '.']) {
            return refuse(word, "a word with `=` or `.` is a parameter of the kernel");
        }
        if word == "--" || place > 0 && KERNEL.contains(&word.as_str()) {
            return refuse(word, "it means something to the kernel");
        }
    }
    match program.first() {
        Some(word) if !word.starts_with('/') => {
            refuse(word, "the program must be an absolute path")
        }
        // Without words it is the kernel's own.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
