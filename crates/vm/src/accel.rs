//! Which accelerator works here: [`accelerator`].

use std::fmt;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::str::FromStr;

use lupine_store::{Store, write_atomically};
use lupine_tool::ToolError;
use nix::unistd::{Gid, Group};
use serde::{Deserialize, Serialize};

use crate::{VmError, probe};

/// What `--accel` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccelChoice {
    /// KVM where it works, TCG otherwise.
    #[default]
    Auto,
    /// KVM or an error.
    Kvm,
    /// TCG.
    Tcg,
}

impl FromStr for AccelChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "kvm" => Ok(Self::Kvm),
            "tcg" => Ok(Self::Tcg),
            _ => Err(format!("`{text}` is none of auto, kvm, tcg")),
        }
    }
}

/// What runs the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accelerator {
    /// The processor, through the host's kernel.
    Kvm,
    /// QEMU's translator.
    Tcg,
}

impl fmt::Display for Accelerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        })
    }
}

/// The accelerator to use, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accel {
    /// Which.
    pub kind: Accelerator,
    /// Why, for a person.
    pub why: String,
}

/// Chooses the accelerator; `Auto` and `Kvm` try code under KVM, once per
/// boot of the host, version of QEMU and permission for /dev/kvm.
///
/// # Errors
/// [`VmError::NoKvm`] when KVM was asked for by name and does not work;
/// [`VmError::Tool`] when QEMU is not installed; [`VmError::Store`].
pub fn accelerator(store: &Store, choice: AccelChoice) -> Result<Accel, VmError> {
    if choice == AccelChoice::Tcg {
        return Ok(Accel {
            kind: Accelerator::Tcg,
            why: "asked for".into(),
        });
    }
    let found = probed(store)?;
    match (choice, found.kind) {
        (AccelChoice::Kvm, Accelerator::Tcg) => Err(VmError::NoKvm { why: found.why }),
        _ => Ok(found),
    }
}

/// Kind of the store's entries for probes.
const KIND: &str = "accelerator";

/// The probe's answer, from the store where this host gave it before.
fn probed(store: &Store) -> Result<Accel, VmError> {
    if let Err(why) = device() {
        let kind = Accelerator::Tcg;
        return Ok(Accel { kind, why });
    }
    let known = store
        .get(KIND, &key()?)
        .and_then(|path| std::fs::read(path).ok());
    if let Some(accel) = known.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(accel);
    }
    let staging = store.staging()?;
    let verdict = probe::run(staging.path())?;
    let accel = verdict.accel();
    // A host that was too slow may have been busy: it is asked again next time.
    if verdict.is_final() {
        remember(store, &accel)?;
    }
    Ok(accel)
}

/// Remembers that a guest died under KVM although the probe had lived: until
/// the host boots again, KVM is not tried a second time.
///
/// # Errors
/// [`VmError::Store`] when it cannot be written; [`VmError::Tool`] when QEMU has gone.
pub fn distrust_kvm(store: &Store, why: &str) -> Result<(), VmError> {
    let accel = Accel {
        kind: Accelerator::Tcg,
        why: format!("KVM failed while a guest booted: {why}"),
    };
    remember(store, &accel)
}

/// Replaces what was known by `accel`.
fn remember(store: &Store, accel: &Accel) -> Result<(), VmError> {
    for old in store.keys(KIND)? {
        // Another process may have removed it first.
        let _ = store.remove(KIND, &old);
    }
    let staging = store.staging()?;
    let file = staging.path().join("accel.json");
    write_atomically(&file, &serde_json::to_vec(accel).unwrap_or_default())?;
    store.publish(&file, KIND, &key()?)?;
    Ok(())
}

/// What the answer depends on, as a file name.
fn key() -> Result<String, VmError> {
    let qemu = lupine_tool::find(crate::qemu::PROGRAM).ok_or_else(|| ToolError::Missing {
        program: crate::qemu::PROGRAM.into(),
    })?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    // Asking QEMU for its version takes longer than all else that a cached run adds.
    let (bytes, changed) =
        std::fs::metadata(&qemu).map_or((0, 0), |data| (data.size(), data.mtime()));
    let user = nix::unistd::geteuid();
    Ok(format!("{}-{bytes}-{changed}-{user}", boot.trim()))
}

/// Whether /dev/kvm can be opened, or why not.
fn device() -> Result<(), String> {
    const DEVICE: &str = "/dev/kvm";
    let Err(error) = OpenOptions::new().read(true).write(true).open(DEVICE) else {
        return Ok(());
    };
    Err(match error.kind() {
        ErrorKind::NotFound => {
            let flags = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
            let capable = flags
                .split_whitespace()
                .any(|word| word == "vmx" || word == "svm");
            if capable {
                "there is no /dev/kvm, though the processor could: load the module kvm_intel or kvm_amd".into()
            } else {
                "there is no /dev/kvm, and the processor shows neither vmx nor svm".into()
            }
        }
        ErrorKind::PermissionDenied => denied(Path::new(DEVICE)),
        _ => format!("/dev/kvm cannot be opened: {error}"),
    })
}

fn denied(device: &Path) -> String {
    let group = std::fs::metadata(device)
        .ok()
        .map(|data| Gid::from_raw(data.gid()));
    let name = group
        .and_then(|gid| Group::from_gid(gid).ok().flatten())
        .map(|group| group.name);
    match name {
        Some(name) if name != "root" => format!(
            "no permission for /dev/kvm, which belongs to the group {name}: usermod -aG {name} USER, then log in again"
        ),
        _ => "no permission for /dev/kvm, which belongs to root alone".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcg_asked_for_needs_no_probe() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let accel = accelerator(&store, AccelChoice::Tcg).unwrap();
        assert_eq!(accel.kind, Accelerator::Tcg);
        assert!(store.keys(KIND).unwrap().is_empty());
    }

    #[test]
    fn auto_agrees_with_kvm_by_name_and_gives_a_reason() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let auto = accelerator(&store, AccelChoice::Auto).unwrap();
        assert!(!auto.why.is_empty());
        match accelerator(&store, AccelChoice::Kvm) {
            Ok(kvm) => assert_eq!((kvm.kind, auto.kind), (Accelerator::Kvm, Accelerator::Kvm)),
            Err(error) => {
                assert_eq!(auto.kind, Accelerator::Tcg);
                assert!(
                    error.to_string().contains("KVM does not work here"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn choices_are_named() {
        assert_eq!("kvm".parse(), Ok(AccelChoice::Kvm));
        assert!("hvf".parse::<AccelChoice>().unwrap_err().contains("hvf"));
    }
}
