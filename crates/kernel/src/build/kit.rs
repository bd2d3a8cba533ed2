//! What is left of a build so that programs can be linked into its kernel (`CONFIG_UKL`):
//! `kernels/KEY/link`, with the places that files have in the build.

use std::fs;
use std::path::Path;

use lupine_store::{At, StoreError};

use crate::KernelError;

/// Files of the build directory: what is linked, how, and what the link's script runs and asks.
const BUILT: [&str; 5] = [
    "vmlinux.o",
    "init/version-timestamp.o",
    "arch/x86/kernel/vmlinux.lds",
    "include/config/auto.conf",
    "scripts/sorttable",
];
/// Files of the source.
const SCRIPTS: [&str; 3] = [
    "scripts/link-vmlinux.sh",
    "scripts/mksysmap",
    "scripts/file-size.sh",
];
/// What only a kernel with a table of its symbols (`CONFIG_KALLSYMS`) has built.
const KALLSYMS: &str = "scripts/kallsyms";
/// kbuild's record of how it linked the kernel.
const RECORD: &str = ".vmlinux.cmd";

/// Copies from `out`, a build directory below the source, to `to`.
pub(super) fn keep(out: &Path, to: &Path) -> Result<(), KernelError> {
    let table = Some(KALLSYMS).filter(|file| out.join(file).exists());
    for file in BUILT.into_iter().chain(table) {
        copy(&out.join(file), &to.join("out").join(file))?;
    }
    for file in SCRIPTS {
        copy(&out.join("..").join(file), &to.join(file))?;
    }
    let record = out.join(RECORD);
    let text = fs::read_to_string(&record).at("read", &record)?;
    let command = command(&text).ok_or_else(|| KernelError::Damaged {
        path: record,
        why: "it does not say how the kernel was linked".into(),
    })?;
    let file = to.join("command");
    fs::write(&file, command).at("write", &file)?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir).at("make", dir)?;
    }
    fs::copy(from, to).at("copy", from)?;
    Ok(())
}

/// The link itself; what follows it moves kernels that can be moved.
fn command(record: &str) -> Option<&str> {
    let (_, command) = record.lines().next()?.split_once(" := ")?;
    let (link, _) = command.split_once(';')?;
    Some(link.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_says_how_the_kernel_was_linked() {
        let record = "savedcmd_vmlinux := UKL_OBJECT=\"\" ../scripts/link-vmlinux.sh \"ld\" \"-m elf_x86_64\" \"\";  make -f x vmlinux\n\nsource";
        let link = "UKL_OBJECT=\"\" ../scripts/link-vmlinux.sh \"ld\" \"-m elf_x86_64\" \"\"";
        assert_eq!(command(record), Some(link));
        assert_eq!(command(""), None);
    }
}
