//! The verb: from a request to an image in the store, made once.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lupine_image::Tree;
use lupine_init::{GuestSpec, INIT_PATH, encode_spec};
use lupine_store::{At, Store, StoreError};
use lupine_tool::Progress;
use sha2::{Digest, Sha256};

use crate::output::Output;
use crate::plan::Plan;
use crate::{Format, RootfsError, cpio, erofs, ext, squashfs};

/// Kind of the store's entries.
const KIND: &str = "rootfs";
/// Changes whenever equal input gives other bytes than before.
const PACKER: &str = "lupine-rootfs 1";
/// Free space in a writable root file system unless told otherwise, in MiB.
pub const ROOM_MIB: u64 = 64;

/// What to pack.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The image's files.
    pub tree: &'a Tree,
    /// A digest that stands for all of the tree (the image's manifest digest).
    pub tree_digest: &'a str,
    /// Files of the image that are packed with another content.
    pub replaced: &'a Replaced,
    /// How PID 1 runs the application unless the host says otherwise.
    pub spec: &'a GuestSpec,
    /// PID 1, a static program.
    pub init: &'a [u8],
    /// Further static programs of Lupine's, by their path below `/.lupine`.
    pub programs: &'a [(&'a str, &'a [u8])],
    /// The file system.
    pub format: Format,
    /// Free space for the guest in MiB, for ext2 and ext4.
    pub room_mib: u64,
}

/// Contents that take the place of the image's own; those stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replaced {
    /// A digest that stands for all of them; empty when there are none.
    pub digest: String,
    /// Where they lie, by the number of the content in the tree.
    pub contents: BTreeMap<u32, PathBuf>,
}

/// A packed root file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rootfs {
    /// SHA-256 of everything that it was made from, 64 hex digits.
    pub key: String,
    /// The file system.
    pub format: Format,
    /// The image file, in the store. Never write to it.
    pub path: PathBuf,
    /// Its length; a sparse file takes less of the disk.
    pub bytes: u64,
}

/// Packs a root file system, or finds the one that was packed from equal input.
///
/// # Errors
/// [`RootfsError`]: a full disk, a damaged cache, something that the format
/// cannot hold, `sqfstar` missing or failing.
pub fn pack(
    store: &Store,
    request: &Request,
    progress: &dyn Progress,
) -> Result<Rootfs, RootfsError> {
    let spec = encode_spec(request.spec).map_err(|error| RootfsError::Spec {
        why: error.to_string(),
    })?;
    let key = key(request, &spec);
    if let Some(path) = store.get(KIND, &key) {
        return found(request.format, key, path);
    }
    let _lock = store.lock(&format!("{KIND}-{}", &key[..16]))?;
    // Somebody else may have made it while we waited.
    if let Some(path) = store.get(KIND, &key) {
        return found(request.format, key, path);
    }
    progress.step(&format!(
        "packing the root file system ({})",
        request.format
    ));
    let staging = store.staging()?;
    let image = staging.path().join("image");
    let mut programs = vec![(INIT_PATH, request.init)];
    programs.extend(request.programs);
    let plan = Plan::new(request.tree, request.replaced, &programs, &spec)?;
    let options = Options {
        format: request.format,
        room_mib: request.room_mib,
        uuid: uuid(&key),
    };
    write(&plan, &options, &image, progress)
        .map_err(|error| name_full_disk(error, request.format))?;
    fs::set_permissions(&image, Permissions::from_mode(0o444)).at("protect", &image)?;
    let path = store.publish(&image, KIND, &key)?;
    found(request.format, key, path)
}

/// What the writers need to know beside the plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub format: Format,
    pub room_mib: u64,
    pub uuid: [u8; 16],
}

/// Writes the image and tells what it could not hold.
pub(crate) fn write(
    plan: &Plan,
    options: &Options,
    image: &Path,
    progress: &dyn Progress,
) -> Result<(), RootfsError> {
    if options.format == Format::Squashfs {
        squashfs::write(plan, image, progress)?;
    } else {
        let mut output = Output::create(image, plan.data_bytes(), progress)?;
        let bytes = match options.format {
            Format::Ext2 | Format::Ext4 => ext::write(plan, options, &mut output)?,
            Format::Erofs => erofs::write(plan, options, &mut output)?,
            Format::Cpio | Format::Squashfs => cpio::write(plan, &mut output)?,
        };
        output.finish(bytes)?;
    }
    plan.notes.iter().for_each(|note| progress.note(note));
    for inode in &plan.inodes {
        for name in inode
            .xattrs
            .keys()
            .filter(|name| !keeps(options.format, name))
        {
            let path = crate::plan::shown(&inode.path);
            progress.note(&format!(
                "{} cannot hold the attribute {name} of {path}",
                options.format
            ));
        }
    }
    Ok(())
}

/// Whether the format holds an extended attribute of this name.
pub(crate) fn keeps(format: Format, name: &str) -> bool {
    let known = ["user.", "trusted.", "security."];
    format != Format::Cpio && known.iter().any(|prefix| name.starts_with(prefix))
}

fn found(format: Format, key: String, path: PathBuf) -> Result<Rootfs, RootfsError> {
    let bytes = fs::metadata(&path).at("read", &path)?.len();
    Ok(Rootfs {
        key,
        format,
        path,
        bytes,
    })
}

/// Each part with its length before it, so that no two requests run together.
fn key(request: &Request, spec: &[u8]) -> String {
    let init = Sha256::digest(request.init);
    let room = request.room_mib.to_le_bytes();
    let mut parts: Vec<&[u8]> = vec![
        PACKER.as_bytes(),
        request.tree_digest.as_bytes(),
        &init,
        spec,
        request.format.name().as_bytes(),
        // Room means nothing to the other formats.
        if matches!(request.format, Format::Ext2 | Format::Ext4) {
            &room
        } else {
            &[]
        },
    ];
    for (path, program) in request.programs {
        parts.extend([path.as_bytes(), program]);
    }
    if !request.replaced.digest.is_empty() {
        parts.extend([&b"replaced"[..], request.replaced.digest.as_bytes()]);
    }
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// A version 8 (own scheme) UUID from the key, so that equal input gives equal bytes.
fn uuid(key: &str) -> [u8; 16] {
    let digest = Sha256::digest(key);
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&digest[..16]);
    uuid[6] = uuid[6] & 0x0f | 0x80;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    uuid
}

/// A full disk is a fact about the disk, not about the file that met it.
fn name_full_disk(error: RootfsError, format: Format) -> RootfsError {
    let full = match &error {
        RootfsError::Store(StoreError { source, .. }) => matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ),
        RootfsError::Tool(tool) => tool.to_string().contains("No space left on device"),
        _ => false,
    };
    if full {
        RootfsError::DiskFull { format }
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lupine_tool::Tool;

    #[test]
    fn a_full_disk_is_called_that() {
        let source = io::Error::from(io::ErrorKind::StorageFull);
        let write = Err::<(), _>(source)
            .at("write", "/store/image")
            .unwrap_err();
        let error = name_full_disk(write.into(), Format::Ext4);
        assert!(matches!(error, RootfsError::DiskFull { .. }), "{error}");
        // What sqfstar says when its output file cannot grow.
        let script = "echo 'Write failed because No space left on device' >&2; exit 1";
        let tool = Tool::new("sh").args(["-c", script]).run().unwrap_err();
        let error = name_full_disk(tool.into(), Format::Squashfs);
        assert!(matches!(error, RootfsError::DiskFull { .. }), "{error}");
    }

    #[test]
    fn attributes_that_no_driver_takes_are_known() {
        assert!(keeps(Format::Ext2, "security.capability"));
        assert!(!keeps(Format::Ext2, "system.posix_acl_access"));
        assert!(!keeps(Format::Cpio, "user.note"));
    }
}
