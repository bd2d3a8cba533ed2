//! Mounts what the kernel has, where nothing is yet.

use alloc::string::String;
use alloc::vec::Vec;

use lupine_init::Mount;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::{Errno, Result};
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, mount_move, unmount};

use crate::text::{c_string, failed};

const NO_CODE: MountFlags = MountFlags::NOSUID
    .union(MountFlags::NODEV)
    .union(MountFlags::NOEXEC);

/// File system, mount point, flags, options.
type Entry = (&'static str, &'static str, MountFlags, &'static str);

const ALL: [Entry; 5] = [
    ("proc", "/proc", NO_CODE, ""),
    ("sysfs", "/sys", NO_CODE, ""),
    (
        "devpts",
        "/dev/pts",
        MountFlags::NOSUID.union(MountFlags::NOEXEC),
        "ptmxmode=0666,mode=0620,gid=5",
    ),
    (
        "tmpfs",
        "/dev/shm",
        MountFlags::NOSUID.union(MountFlags::NODEV),
        "mode=1777",
    ),
    ("mqueue", "/dev/mqueue", NO_CODE, ""),
];

const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
    ("pts/ptmx", "/dev/ptmx"),
];

/// /dev, which everything else needs.
pub fn dev(warnings: &mut Vec<String>) {
    let entry = ("devtmpfs", "/dev", MountFlags::NOSUID, "mode=0755");
    one(&entry, warnings);
}

/// Everything that Docker's users find below /proc, /sys and /dev.
pub fn all(warnings: &mut Vec<String>) {
    for entry in &ALL {
        one(entry, warnings);
    }
    for (target, link) in LINKS {
        // There already is fine, and so is a /dev that cannot be written.
        let _ = rustix::fs::symlink(target, link);
    }
}

fn one(entry: &Entry, warnings: &mut Vec<String>) {
    let (kind, target, flags, options) = *entry;
    let made = rustix::fs::mkdir(target, Mode::from_raw_mode(0o755));
    match mount_with(kind, target, kind, flags, options) {
        // Mounted by the kernel already, or not in this kernel.
        Ok(()) | Err(Errno::BUSY) => {}
        Err(Errno::NODEV) => {
            if made.is_ok() {
                let _ = rustix::fs::rmdir(target);
            }
        }
        Err(error) => warnings.push(failed(&["mount ", kind, " on ", target], error)),
    }
}

fn mount_with(
    source: &str,
    target: &str,
    kind: &str,
    flags: MountFlags,
    options: &str,
) -> Result<()> {
    let options = c_string(options);
    mount(source, target, kind, flags, Some(options.as_c_str()))
}

/// Makes `path` and its parents.
pub fn make_dirs(path: &str) -> Result<()> {
    let ends = path
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([path.len()]);
    let mut last = Ok(());
    for end in ends.filter(|end| *end > 0) {
        last = rustix::fs::mkdir(path.get(..end).unwrap_or(path), Mode::from_raw_mode(0o755));
    }
    match last {
        Err(Errno::EXIST) => Ok(()),
        other => other,
    }
}

/// Puts a writable tmpfs over a read-only root and makes that the root.
pub fn overlay() -> Result<()> {
    // The directory exists, because this program lies in it; only the new root is seen later.
    const BASE: &str = "/.lupine";
    mount_with("tmpfs", BASE, "tmpfs", MountFlags::empty(), "mode=0755")?;
    for dir in ["/.lupine/upper", "/.lupine/work", "/.lupine/root"] {
        rustix::fs::mkdir(dir, Mode::from_raw_mode(0o755))?;
    }
    let options = "lowerdir=/,upperdir=/.lupine/upper,workdir=/.lupine/work";
    mount_with(
        "overlay",
        "/.lupine/root",
        "overlay",
        MountFlags::empty(),
        options,
    )?;
    make_dirs("/.lupine/root/dev")?;
    mount_move("/dev", "/.lupine/root/dev")?;
    rustix::process::chdir("/.lupine/root")?;
    mount_move(".", "/")?;
    rustix::process::chroot(".")?;
    rustix::process::chdir("/")
}

/// Mounts a shared directory, or a file of one.
pub fn share(share: &Mount) -> core::result::Result<(), String> {
    let what = [
        "mount share ",
        share.tag.as_str(),
        " on ",
        share.target.as_str(),
    ];
    let result = match &share.file {
        None => make_dirs(&share.target).and_then(|()| nine_p(share, &share.target)),
        Some(name) => share_file(share, name),
    };
    result.map_err(|error| match error {
        Errno::NODEV => failed(
            &[
                &what.concat(),
                " (has the kernel CONFIG_9P_FS and CONFIG_NET_9P_VIRTIO?)",
            ],
            error,
        ),
        _ => failed(&what, error),
    })
}

fn nine_p(share: &Mount, target: &str) -> Result<()> {
    let flags = if share.read_only {
        MountFlags::RDONLY
    } else {
        MountFlags::empty()
    };
    // Each request may occupy a message of this size in one piece, which a small guest does not have.
    let large = rustix::system::sysinfo().totalram >= 256 << 20;
    let size = if large { "512000" } else { "131072" };
    // cache=mmap: nothing is cached but what a program maps, so that a writable mapping works.
    let options = ["trans=virtio,version=9p2000.L,cache=mmap,msize=", size].concat();
    mount_with(&share.tag, target, "9p", flags, &options)
}

/// 9p shares directories: mounts the directory out of sight and binds the file.
fn share_file(share: &Mount, name: &str) -> Result<()> {
    let staging = ["/dev/.lupine-", &share.tag].concat();
    make_dirs(&staging)?;
    nine_p(share, &staging)?;
    if let Some((parent, _)) = share.target.rsplit_once('/') {
        make_dirs(parent)?;
    }
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
    // Only so that there is something to bind over; it may be there and unwritable.
    let _ = rustix::fs::openat(
        CWD,
        share.target.as_str(),
        flags,
        Mode::from_raw_mode(0o644),
    );
    let bound = mount_bind(
        [&staging, "/", name].concat().as_str(),
        share.target.as_str(),
    );
    let _ = unmount(staging.as_str(), UnmountFlags::DETACH);
    let _ = rustix::fs::rmdir(staging.as_str());
    bound
}
