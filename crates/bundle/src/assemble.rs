//! Making a bundle: beside its place first, then moved there in one step.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lupine_init::GuestSpec;
use lupine_store::{At, write_atomically};
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use crate::digest::{link_or_copy, sha256};
use crate::manifest::{KernelPart, RootfsPart};
use crate::runtime::runtime_config;
use crate::{
    Bundle, BundleError, ChangedFile, ExposedPort, ImageName, MANIFEST, Manifest, Member,
    RUNTIME_CONFIG, VERSION, is_bundle,
};

/// What a bundle is assembled from.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    /// The image.
    pub image: ImageName,
    /// `base`, `general` or `app`.
    pub profile: &'a str,
    /// The VMM that the kernel was configured for.
    pub vmm: &'a str,
    /// The kernel.
    pub kernel: KernelFiles<'a>,
    /// The root file system.
    pub rootfs: RootfsFile<'a>,
    /// How PID 1 runs the application.
    pub spec: &'a GuestSpec,
    /// The image's entry point.
    pub entrypoint: Vec<String>,
    /// Memory in MiB, if the bundle shall say.
    pub mem_mib: Option<u32>,
    /// Ports that the image exposes.
    pub exposed_ports: Vec<ExposedPort>,
    /// The image's stop signal.
    pub stop_signal: Option<String>,
    /// The image's labels.
    pub labels: BTreeMap<String, String>,
    /// The needs stage's JSON.
    pub needs: serde_json::Value,
}

/// The kernel's files and facts.
#[derive(Debug, Clone, Copy)]
pub struct KernelFiles<'a> {
    /// The vmlinux.
    pub vmlinux: &'a Path,
    /// The bzImage, where one was made.
    pub bzimage: Option<&'a Path>,
    /// The resolved config.
    pub config: &'a Path,
    /// The System.map.
    pub symbols: Option<&'a Path>,
    /// The list of compiled source files.
    pub files: Option<&'a Path>,
    /// Key in the kernel cache.
    pub key: &'a str,
    /// Series, for example `6.12`.
    pub series: &'a str,
    /// Version, for example `6.12.48`.
    pub version: &'a str,
    /// How many options are on.
    pub options_set: usize,
}

/// The root file system's file and facts.
#[derive(Debug, Clone, Copy)]
pub struct RootfsFile<'a> {
    /// The image.
    pub path: &'a Path,
    /// `ext2`, `ext4`, `erofs`, `squashfs` or `cpio`.
    pub format: &'a str,
    /// Key in the root file system cache.
    pub key: &'a str,
    /// Files of the image that were packed with another content.
    pub changed: &'a [ChangedFile],
}

/// Makes a bundle in `dir` (made if absent) from hard links, or copies where the
/// file systems differ. A bundle that is there is replaced in one step; any
/// other directory with something in it is refused.
///
/// # Errors
/// [`BundleError::Occupied`], or a file operation that failed; then `dir` is as it was.
pub fn assemble(dir: &Path, parts: &Parts) -> Result<Bundle, BundleError> {
    let place = Place::of(dir)?;
    check_free(&place.dir)?;
    let staged = tempfile::Builder::new()
        .prefix(&place.prefix)
        .permissions(Permissions::from_mode(0o777))
        .tempdir_in(&place.parent)
        .at("write in", &place.parent)?;
    let manifest = fill(staged.path(), parts)?;
    move_in(staged.path(), &place.dir)?;
    Ok(Bundle {
        dir: place.dir,
        manifest,
    })
}

/// Where the bundle goes, with a lock that makes bundles beside each other take
/// turns, so that what a killed process left can be told from what lives.
struct Place {
    dir: PathBuf,
    parent: PathBuf,
    prefix: String,
    _lock: File,
}

impl Place {
    fn of(dir: &Path) -> Result<Self, BundleError> {
        let dir = std::path::absolute(dir).at("find", dir)?;
        // A symbolic link stays, and what it names is replaced.
        let dir = dir.canonicalize().unwrap_or(dir);
        let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
            return Err(BundleError::Occupied { dir });
        };
        fs::create_dir_all(parent).at("make", parent)?;
        let lock = File::open(parent).at("open", parent)?;
        lock.lock().at("lock", parent)?;
        let prefix = format!(".{}.lupine-", name.to_string_lossy());
        let place = Self {
            parent: parent.into(),
            prefix,
            dir,
            _lock: lock,
        };
        place.sweep();
        Ok(place)
    }

    /// Removes what an assembly that was killed left. Failing is harmless.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.parent).into_iter().flatten().flatten() {
            let left = entry
                .file_name()
                .to_string_lossy()
                .starts_with(&self.prefix);
            if left {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

fn check_free(dir: &Path) -> Result<(), BundleError> {
    let occupied = || BundleError::Occupied { dir: dir.into() };
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(occupied()),
        Err(error) => Err(error).at("list", dir)?,
        Ok(mut entries) => match entries.next() {
            Some(_) if !is_bundle(dir) => Err(occupied()),
            _ => Ok(()),
        },
    }
}

fn fill(dir: &Path, parts: &Parts) -> Result<Manifest, BundleError> {
    let manifest = Manifest {
        version: VERSION,
        image: parts.image.clone(),
        profile: parts.profile.into(),
        vmm: parts.vmm.into(),
        kernel: add_kernel(dir, &parts.kernel)?,
        rootfs: add_rootfs(dir, &parts.rootfs)?,
        spec: parts.spec.clone(),
        entrypoint: parts.entrypoint.clone(),
        mem_mib: parts.mem_mib,
        exposed_ports: parts.exposed_ports.clone(),
        stop_signal: parts.stop_signal.clone(),
        labels: parts.labels.clone(),
        needs: parts.needs.clone(),
        created_by: concat!("lupine ", env!("CARGO_PKG_VERSION")).into(),
    };
    write_json(&dir.join(RUNTIME_CONFIG), &runtime_config(&manifest)?)?;
    write_json(&dir.join(MANIFEST), &manifest)?;
    Ok(manifest)
}

fn add_kernel(dir: &Path, kernel: &KernelFiles) -> Result<KernelPart, BundleError> {
    let optional =
        |name: &str, path: Option<&Path>| path.map(|path| add(dir, name, path)).transpose();
    Ok(KernelPart {
        vmlinux: add(dir, "vmlinux", kernel.vmlinux)?,
        key: kernel.key.into(),
        series: kernel.series.into(),
        version: kernel.version.into(),
        options_set: kernel.options_set,
        bzimage: optional("bzImage", kernel.bzimage)?,
        config: add(dir, "kernel.config", kernel.config)?,
        symbols: optional("System.map", kernel.symbols)?,
        files: optional("kernel.files", kernel.files)?,
    })
}

fn add_rootfs(dir: &Path, rootfs: &RootfsFile) -> Result<RootfsPart, BundleError> {
    let name = format!("rootfs.{}", rootfs.format);
    Ok(RootfsPart {
        image: add(dir, &name, rootfs.path)?,
        format: rootfs.format.into(),
        key: rootfs.key.into(),
        changed: rootfs.changed.to_vec(),
    })
}

fn add(dir: &Path, name: &str, from: &Path) -> Result<Member, BundleError> {
    let to = dir.join(name);
    link_or_copy(from, &to).at("link or copy", from)?;
    Ok(Member {
        file: name.into(),
        bytes: fs::metadata(&to).at("read", &to)?.len(),
        sha256: sha256(&to).at("read", &to)?,
    })
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), BundleError> {
    let mut text =
        serde_json::to_vec_pretty(value).map_err(|error| BundleError::RuntimeConfig {
            why: error.to_string(),
        })?;
    text.push(b'\n');
    write_atomically(path, &text)?;
    // Staged files are private; these are for everyone who may read the directory.
    fs::set_permissions(path, Permissions::from_mode(0o644)).at("open up", path)?;
    Ok(())
}

/// Moves the staged directory to its place; an older bundle there changes
/// places with it and disappears with the staging.
fn move_in(staged: &Path, dir: &Path) -> Result<(), BundleError> {
    if !is_bundle(dir) {
        // An empty directory is replaced by rename(2) itself.
        return Ok(fs::rename(staged, dir).at("rename to", dir)?);
    }
    let exchange = RenameFlags::RENAME_EXCHANGE;
    if renameat2(AT_FDCWD, staged, AT_FDCWD, dir, exchange).is_ok() {
        return Ok(());
    }
    // File systems without exchange (overlay, some network ones): two steps.
    let old = staged.with_extension("old");
    fs::rename(dir, &old).at("rename", dir)?;
    fs::rename(staged, dir).at("rename to", dir)?;
    fs::remove_dir_all(&old).at("remove", &old)?;
    Ok(())
}
