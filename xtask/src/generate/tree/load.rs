//! Reads the files that may tell something about a feature.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::generate::text::without_comments;

/// Directories below the top in which nothing is compiled into a kernel for this machine.
const IGNORED: [&str; 8] = [
    "Documentation",
    "tools",
    "samples",
    "scripts",
    "LICENSES",
    "rust",
    "certs",
    "usr",
];
/// Directories that have no features but many files.
const LARGE: [&str; 4] = [
    "drivers/gpu/drm/amd",
    "drivers/net/ethernet",
    "drivers/net/wireless",
    "sound/soc",
];
/// Directories of which every file is kept: functions call each other across them.
const CORE: [&str; 9] = [
    "kernel/",
    "mm/",
    "fs/",
    "ipc/",
    "net/",
    "security/",
    "include/",
    "arch/x86/",
    "io_uring/",
];
/// A file elsewhere is kept when one of these stands in it.
const TELLING: [&str; 18] = [
    "SYSCALL_DEFINE",
    "net_proto_family",
    "inet_protosw",
    "inet6_protosw",
    "netlink_kernel_create",
    "file_system_type",
    "proc_create",
    "proc_mkdir",
    "proc_symlink",
    "register_sysctl",
    "register_net_sysctl",
    "struct miscdevice",
    "device_create(",
    "kobject_create_and_add",
    "class_create(",
    "struct class ",
    "struct bus_type",
    ".c\"\n",
];

/// Texts by path below the top.
#[derive(Default)]
pub struct Loaded {
    /// C files and headers, without comments.
    pub files: BTreeMap<String, String>,
    /// Makefiles, Kconfig files and tables.
    pub other: BTreeMap<String, String>,
}

/// Reads a source tree, on two threads: half of the time goes into waiting for the disk.
pub fn load(root: &Path) -> Result<Loaded, String> {
    let mut paths = Vec::new();
    list(root, "", &mut paths)?;
    let (left, right) = paths.split_at(paths.len() / 2);
    let read = |paths: &[String]| -> Result<Loaded, String> {
        let mut loaded = Loaded::default();
        paths
            .iter()
            .try_for_each(|path| add(root, path, &mut loaded))?;
        Ok(loaded)
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| read(left));
        let mut loaded = read(right)?;
        let left = other
            .join()
            .map_err(|_| "a reading thread failed".to_owned())??;
        loaded.files.extend(left.files);
        loaded.other.extend(left.other);
        Ok(loaded)
    })
}

fn add(root: &Path, path: &str, loaded: &mut Loaded) -> Result<(), String> {
    let bytes = fs::read(root.join(path)).map_err(|e| format!("cannot read {path}: {e}"))?;
    // A few old files are not UTF-8; what is not is in comments.
    let text = String::from_utf8_lossy(&bytes);
    if !path.ends_with(".c") && !path.ends_with(".h") {
        loaded.other.insert(path.into(), text.into_owned());
    } else if CORE.iter().any(|core| path.starts_with(core))
        || TELLING.iter().any(|word| text.contains(word))
    {
        loaded.files.insert(path.into(), without_comments(&text));
    }
    Ok(())
}

/// The paths of all files of interest.
fn list(root: &Path, below: &str, paths: &mut Vec<String>) -> Result<(), String> {
    let directory: PathBuf = root.join(below);
    let entries = fs::read_dir(&directory)
        .map_err(|e| format!("cannot list {}: {e}", directory.display()))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() {
            name.clone()
        } else {
            format!("{below}/{name}")
        };
        let kind = entry
            .file_type()
            .map_err(|e| format!("cannot look at {path}: {e}"))?;
        let other_machine = below == "arch" && name != "x86";
        if kind.is_dir() {
            let ignored = IGNORED.contains(&path.as_str()) || LARGE.contains(&path.as_str());
            if !ignored && !other_machine {
                list(root, &path, paths)?;
            }
        } else if kind.is_file() && is_wanted(&path, &name) {
            paths.push(path);
        }
    }
    Ok(())
}

fn is_wanted(path: &str, name: &str) -> bool {
    let outside = path.starts_with("drivers/") || path.starts_with("sound/");
    let build = ["Makefile", "Kbuild", "Kconfig"];
    name.ends_with(".c")
        || (name.ends_with(".h") && !outside)
        || build.iter().any(|start| name.starts_with(start))
        || name == "syscall_64.tbl"
}
