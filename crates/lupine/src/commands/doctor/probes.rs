//! What is tried.

use std::path::Path;
use std::time::Duration;

use lupine_tool::{Tool, find, package_of};
use lupine_vm::{AccelChoice, Qemu};

use super::{Check, Status};
use crate::commands::Context;
use crate::printer;

/// Free space that a kernel's source, objects and cache want, in bytes.
const DISK_BYTES: u64 = 6 << 30;
/// No probe takes longer unless it hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// Programs beyond those of the kernel build: name, what for, whether the main path needs it.
const PROGRAMS: [(&str, &str, bool); 7] = [
    ("mmdebstrap", "makes deb: images", false),
    ("newuidmap", "makes deb: images without root", false),
    ("ip", "makes tap devices", false),
    ("setpriv", "ends the VMM when lupine is killed", true),
    ("sqfstar", "packs --fs squashfs", false),
    (
        "fakeroot",
        "makes deb: images without root and user namespaces",
        false,
    ),
    ("ccache", "shares objects between kernels", false),
];

/// Tries everything, the most important first.
pub fn all(context: &Context<'_>) -> Vec<Check> {
    let mut checks = vec![qemu()];
    checks.extend(accelerators(context));
    checks.push(kernel_build());
    checks.push(kernel_source());
    checks.extend(
        PROGRAMS
            .iter()
            .map(|(name, what, needed)| program(name, what, *needed)),
    );
    checks.push(user_namespaces());
    checks.push(tap());
    checks.push(disk(context));
    checks
}

fn ok(name: &str, why: impl Into<String>) -> Check {
    Check {
        name: name.into(),
        status: Status::Ok,
        why: why.into(),
        fix: None,
        packages: Vec::new(),
    }
}

fn bad(name: &str, status: Status, why: impl Into<String>, fix: impl Into<String>) -> Check {
    Check {
        status,
        fix: Some(fix.into()),
        ..ok(name, why)
    }
}

fn missing(name: &str, status: Status, why: impl Into<String>, packages: Vec<String>) -> Check {
    let fix = format!("apt-get install {}", packages.join(" "));
    Check {
        packages,
        ..bad(name, status, why, fix)
    }
}

fn qemu() -> Check {
    let name = "qemu";
    match Qemu.version() {
        Ok(version) => ok(name, version),
        Err(error) => missing(
            name,
            Status::Failed,
            error.to_string(),
            vec!["qemu-system-x86".into()],
        ),
    }
}

fn accelerators(context: &Context<'_>) -> Vec<Check> {
    let store = match context.store() {
        Ok(store) => store,
        Err(report) => {
            return vec![bad(
                "cache",
                Status::Failed,
                report.to_string(),
                "set LUPINE_CACHE",
            )];
        }
    };
    let kvm = match lupine_vm::accelerator(&store, AccelChoice::Kvm) {
        Ok(accel) => ok("kvm", accel.why),
        Err(error) => bad(
            "kvm",
            Status::Lacking,
            error.to_string(),
            "guests run with TCG meanwhile, slower; for KVM use bare metal or a host with nested virtualisation and a user in the group kvm",
        ),
    };
    let tcg = match lupine_vm::accelerator(&store, AccelChoice::Tcg) {
        Ok(_) => ok("tcg", "works wherever QEMU does"),
        Err(error) => bad("tcg", Status::Failed, error.to_string(), "install QEMU"),
    };
    vec![kvm, tcg]
}

fn kernel_build() -> Check {
    let name = "kernel build";
    let missing_parts: Vec<_> = lupine_kernel::requirements()
        .iter()
        .filter(|requirement| !requirement.is_met())
        .collect();
    if missing_parts.is_empty() {
        return ok(
            name,
            "compiler, make, flex, bison and the headers are there",
        );
    }
    let whats: Vec<_> = missing_parts.iter().map(|part| part.what).collect();
    let mut packages: Vec<_> = missing_parts
        .iter()
        .map(|part| part.package.to_owned())
        .collect();
    packages.sort();
    packages.dedup();
    missing(
        name,
        Status::Failed,
        format!("missing: {}", whats.join(", ")),
        packages,
    )
}

fn kernel_source() -> Check {
    let name = "kernel source";
    match lupine_kernel::Data::builtin() {
        Err(error) => bad(
            name,
            Status::Failed,
            error.to_string(),
            "install lupine again",
        ),
        Ok(data) if data.pin.file.is_file() => ok(name, data.pin.file.display().to_string()),
        Ok(data) => missing(
            name,
            Status::Lacking,
            format!(
                "{} is not there; the first build downloads it",
                data.pin.file.display()
            ),
            vec![data.pin.package],
        ),
    }
}

fn program(program: &str, what: &str, needed: bool) -> Check {
    if let Some(path) = find(program) {
        return ok(program, format!("{what}: {}", path.display()));
    }
    let status = if needed {
        Status::Failed
    } else {
        Status::Lacking
    };
    let package = match program {
        "sqfstar" => "squashfs-tools",
        "newuidmap" => "uidmap",
        _ => package_of(program).unwrap_or(program),
    };
    missing(
        program,
        status,
        format!("{what}: not installed"),
        vec![package.into()],
    )
}

fn user_namespaces() -> Check {
    let name = "user namespaces";
    match Tool::new("unshare")
        .args(["--user", "--map-root-user", "true"])
        .timeout(LIMIT)
        .run()
    {
        Ok(_) => ok(name, "this user can make them"),
        Err(error) => bad(
            name,
            Status::Lacking,
            error.to_string(),
            "sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000",
        ),
    }
}

fn tap() -> Check {
    let name = "tap";
    let device = Path::new("/dev/net/tun");
    let opened = std::fs::File::options().read(true).write(true).open(device);
    let root = nix::unistd::geteuid().is_root();
    match opened {
        Ok(_) if root => ok(name, "tap devices can be made"),
        Err(error) if root || error.kind() == std::io::ErrorKind::NotFound => bad(
            name,
            Status::Lacking,
            format!("cannot open {}: {error}", device.display()),
            "modprobe tun",
        ),
        _ => bad(
            name,
            Status::Lacking,
            "only root makes tap devices; --network user needs none",
            "sudo lupine run --network tap, or --network tap=DEV with one that is there",
        ),
    }
}

fn disk(context: &Context<'_>) -> Check {
    let name = "disk";
    let free = context.store().ok().and_then(|store| {
        let stat = rustix::fs::statvfs(store.root()).ok()?;
        Some((stat.f_bavail * stat.f_frsize, store))
    });
    match free {
        Some((bytes, store)) if bytes >= DISK_BYTES => ok(
            name,
            format!(
                "{} free in {}",
                printer::size(bytes),
                store.root().display()
            ),
        ),
        Some((bytes, store)) => bad(
            name,
            Status::Lacking,
            format!(
                "{} free in {}",
                printer::size(bytes),
                store.root().display()
            ),
            "lupine cache prune, or set LUPINE_CACHE to a larger disk",
        ),
        None => bad(
            name,
            Status::Failed,
            "the cache cannot be opened",
            "set LUPINE_CACHE",
        ),
    }
}
