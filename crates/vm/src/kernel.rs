//! What the kernel file says about itself before it is booted.

use std::fs::File;
use std::path::Path;

use object::elf::{FileHeader64, NoteType, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, ReadCache};

use crate::VmError;

/// The note that holds the 32-bit entry point for direct boot.
const XEN_ELFNOTE_PHYS32_ENTRY: NoteType = NoteType(18);
const MIB: u64 = 1024 * 1024;

/// Checks that `kernel` can be booted directly, and says up to which MiB of
/// memory its segments reach.
pub(crate) fn needed_mib(kernel: &Path) -> Result<u32, VmError> {
    let wrong = |why: String| VmError::Kernel {
        path: kernel.into(),
        why,
    };
    let file = File::open(kernel).map_err(|error| wrong(error.to_string()))?;
    // Reads the headers, not the megabytes.
    let cache = ReadCache::new(file);
    let bytes = &cache;
    let bad = |error: object::read::Error| wrong(format!("it is no ELF file of 64 bits ({error})"));
    let header = FileHeader64::<LittleEndian>::parse(bytes).map_err(bad)?;
    let endian = header.endian().map_err(bad)?;
    let mut end = 0;
    let mut entry = false;
    for segment in header.program_headers(endian, bytes).map_err(bad)? {
        if segment.p_type(endian) == PT_LOAD {
            end = end.max(
                segment
                    .p_paddr(endian)
                    .saturating_add(segment.p_memsz(endian)),
            );
        }
        let Ok(Some(mut notes)) = segment.notes(endian, bytes) else {
            continue;
        };
        while let Ok(Some(note)) = notes.next() {
            entry |= note.name() == b"Xen" && note.n_type(endian) == XEN_ELFNOTE_PHYS32_ENTRY;
        }
    }
    if !entry {
        return Err(wrong("it has no PVH entry point".into()));
    }
    u32::try_from(end.div_ceil(MIB)).map_err(|_| wrong("its segments lie beyond all memory".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_kernel_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no kernel").unwrap();
        let error = needed_mib(file.path()).unwrap_err().to_string();
        let name = file.path().display().to_string();
        assert!(error.contains(&name) && error.contains("no ELF"), "{error}");
        let missing = needed_mib(Path::new("/nowhere/vmlinux")).unwrap_err();
        assert!(missing.to_string().contains("No such file"), "{missing}");
    }

    #[test]
    fn a_program_is_no_kernel() {
        let error = needed_mib(Path::new("/proc/self/exe")).unwrap_err();
        assert!(error.to_string().contains("no PVH entry"), "{error}");
    }
}
