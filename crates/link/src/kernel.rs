//! The last link: a kernel's objects, which stay as they are, and one program.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use lupine_store::At;
use lupine_tool::Tool;

use crate::{LinkError, Linked, Object};

/// Where programs begin: UKL_BASE of the kernel.
const BASE: u64 = 0x40_0000;
/// Where kernels can begin, and programs have to end. The last leaves half of what a kernel can have to itself.
const STARTS: [u64; 3] = [16 << 20, 64 << 20, 256 << 20];
/// What sections lose to alignment, at most.
const SLACK: u64 = 64 << 10;
/// In the command by which a kernel was linked, without a program.
const NO_OBJECT: &str = "UKL_OBJECT=\"\"";

impl Object {
    /// Where the kernel has to begin for the program to fit below it: its `PHYSICAL_START`.
    ///
    /// # Errors
    /// [`LinkError::TooLarge`].
    pub fn kernel_start(&self) -> Result<u64, LinkError> {
        let end = BASE + self.bytes + SLACK;
        let last = STARTS[STARTS.len() - 1];
        let start = STARTS.into_iter().find(|start| end <= *start);
        start.ok_or(LinkError::TooLarge {
            bytes: self.bytes,
            room: last - BASE,
        })
    }
}

/// What a link makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vmlinux {
    /// The kernel with the program in it, as it boots.
    pub kernel: PathBuf,
    /// The names and lines that were taken out of it.
    pub names: PathBuf,
}

/// Links `object` into the kernel whose build left `kit` (`lupine_kernel::KernelImage::link`), and
/// writes into it what `linked` says. Works in `dir`.
///
/// # Errors
/// What the linker says.
pub fn link(
    kit: &Path,
    object: &Object,
    linked: &Linked,
    dir: &Path,
) -> Result<Vmlinux, LinkError> {
    let out = dir.join("out");
    fs::create_dir(&out).at("make", &out)?;
    let scripts = dir.join("scripts");
    symlink(kit.join("scripts"), &scripts).at("make", &scripts)?;
    let left = kit.join("out");
    for entry in fs::read_dir(&left).at("list", &left)? {
        let entry = entry.at("list", &left)?;
        let to = out.join(entry.file_name());
        symlink(entry.path(), &to).at("make", &to)?;
    }
    let program = out.join("program.o");
    symlink(&object.path, &program).at("make", &program)?;
    header(&out)?;
    run(&command(kit)?, &out)?;
    let (whole, names) = (out.join("vmlinux"), dir.join("names"));
    let keep = Tool::new("objcopy").arg("--only-keep-debug");
    keep.arg(&whole).arg(&names).run()?;
    let kernel = dir.join("vmlinux");
    let strip = Tool::new("objcopy").arg("--strip-all");
    let strip = strip.args(linked.section(dir)?);
    strip.arg(&whole).arg(&kernel).run()?;
    Ok(Vmlinux { kernel, names })
}

/// The kernel's own command for its last link, with a program.
fn command(kit: &Path) -> Result<String, LinkError> {
    let path = kit.join("command");
    let text = fs::read_to_string(&path).at("read", &path)?;
    if !text.contains(NO_OBJECT) {
        return Err(LinkError::Broken {
            path,
            why: "it links no program".into(),
        });
    }
    Ok(text.replacen(NO_OBJECT, "UKL_OBJECT=program.o", 1))
}

/// All that the table of the kernel's symbols (`CONFIG_KALLSYMS`) includes of its headers.
fn header(out: &Path) -> Result<(), LinkError> {
    let dir = out.join("headers/asm");
    fs::create_dir_all(&dir).at("make", &dir)?;
    let path = dir.join("bitsperlong.h");
    fs::write(&path, "#define BITS_PER_LONG 64\n").at("write", &path)?;
    Ok(())
}

/// Runs the command as kbuild does; what it would make anew is there.
fn run(command: &str, out: &Path) -> Result<(), LinkError> {
    let mut shell = Tool::new("sh").args(["-e", "-c", command]).current_dir(out);
    let environment = [
        ("LC_ALL", "C"),
        ("MAKE", "true"),
        ("NM", "nm"),
        ("CC", "gcc"),
        ("LINUXINCLUDE", "-Iheaders"),
        ("CONFIG_SHELL", "sh"),
        ("srctree", ".."),
        ("objtree", "."),
        ("SRCARCH", "x86"),
        ("KBUILD_LDS", "arch/x86/kernel/vmlinux.lds"),
    ];
    for (key, value) in environment {
        shell = shell.env(key, value);
    }
    shell.run()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(bytes: u64) -> Object {
        Object {
            path: PathBuf::new(),
            bytes,
            imports: Vec::new(),
        }
    }

    #[test]
    fn larger_programs_move_the_kernel_until_there_is_no_room() {
        assert_eq!(object(1).kernel_start().unwrap(), 16 << 20);
        assert_eq!(object(12 << 20).kernel_start().unwrap(), 64 << 20);
        assert_eq!(object(200 << 20).kernel_start().unwrap(), 256 << 20);
        let error = object(300 << 20).kernel_start().unwrap_err();
        let said = "the program has 300 MiB with its data, and there is room for 252";
        assert_eq!(error.to_string(), said);
    }
}
