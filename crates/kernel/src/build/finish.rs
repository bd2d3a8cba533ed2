//! From a build directory to an entry of the store.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lupine_store::{At, Store};
use lupine_tool::Tool;
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};

use super::{FILES, Inputs, KERNELS, LINK, Options, Watch, files, kit};
use crate::identity::{sha256, sha256_file};
use crate::make::{ARGUMENTS, ENVIRONMENT};
use crate::resolve::Resolved;
use crate::workspace::OutDir;
use crate::{FileRecord, KernelError, Metadata, Objects, failure};

/// The note by which QEMU finds the 32-bit entry of a PVH kernel.
const XEN_ELFNOTE_PHYS32_ENTRY: u32 = 18;

/// A finished run of make whose results are to be kept.
pub(super) struct Job<'a> {
    pub(super) store: &'a Store,
    pub(super) options: &'a Options<'a>,
    pub(super) out: &'a OutDir,
    pub(super) resolved: &'a Resolved,
    pub(super) key: &'a str,
    pub(super) objects: Objects,
}

impl Job<'_> {
    /// Strips, copies, describes and publishes.
    pub(super) fn publish(&self, inputs: &Inputs, mut watch: Watch) -> Result<(), KernelError> {
        let staging = self.store.staging()?;
        let dir = staging.path().join("kernel");
        fs::create_dir(&dir).at("make", &dir)?;
        let vmlinux = dir.join("vmlinux");
        self.strip(&vmlinux)?;
        let bzimage = if self.options.formats.bzimage {
            Some(self.take("arch/x86/boot/bzImage", &dir.join("bzImage"))?)
        } else {
            None
        };
        if self.out.join("System.map").is_file() {
            self.take("System.map", &dir.join("System.map"))?;
        }
        let files = files::compiled(&self.out.dir, self.options.formats.bzimage)?;
        let list = dir.join(FILES);
        fs::write(&list, lines(&files)).at("write", &list)?;
        if self.resolved.config.get("CONFIG_UKL") == Some("y") {
            kit::keep(&self.out.dir, &dir.join(LINK))?;
        }
        let config = dir.join("config");
        fs::write(&config, &self.resolved.text).at("write", &config)?;
        let patches = self.write_patches(inputs, &dir)?;
        let mut metadata = self.metadata(inputs, record(&vmlinux)?, bzimage, patches);
        watch.durations.finish = watch.lap();
        metadata.durations_ms = watch.durations;
        let text = serde_json::to_vec_pretty(&metadata).unwrap_or_default();
        let file = dir.join("metadata.json");
        fs::write(&file, text).at("write", &file)?;
        // An entry that is there but did not load is damaged: it must not stay.
        if self.store.get(KERNELS, self.key).is_some() {
            self.store.remove(KERNELS, self.key)?;
        }
        self.store.publish(&dir, KERNELS, self.key)?;
        Ok(())
    }

    /// Strips the kernel and makes sure that a VMM can start what is left.
    fn strip(&self, to: &Path) -> Result<(), KernelError> {
        let from = self.out.join("vmlinux");
        let strip = Tool::new("strip").arg("--strip-all").arg("-o").arg(to);
        strip
            .arg(&from)
            .run()
            .map_err(|error| failure::of_tool(error, to))?;
        if self.resolved.config.get("CONFIG_PVH") == Some("y") && !has_pvh_entry(to)? {
            return Err(KernelError::NoPvhEntry { path: from });
        }
        Ok(())
    }

    fn take(&self, name: &str, to: &Path) -> Result<FileRecord, KernelError> {
        let from = self.out.join(name);
        fs::copy(&from, to).at("copy", &from)?;
        record(to)
    }

    /// Keeps the patches with the kernel: they are a part of its corresponding source.
    fn write_patches(&self, inputs: &Inputs, dir: &Path) -> Result<Vec<String>, KernelError> {
        let mut names = Vec::new();
        for (set, patch) in &inputs.patches {
            let dir = dir.join("patches").join(set);
            fs::create_dir_all(&dir).at("make", &dir)?;
            let file = dir.join(&patch.name);
            fs::write(&file, &patch.text).at("write", &file)?;
            names.push(format!("{set}/{}", patch.name));
        }
        Ok(names)
    }

    fn metadata(
        &self,
        inputs: &Inputs,
        vmlinux: FileRecord,
        bzimage: Option<FileRecord>,
        patches: Vec<String>,
    ) -> Metadata {
        let pin = &self.options.data.pin;
        Metadata {
            series: pin.series.clone(),
            version: self.resolved.source.version.clone(),
            source_sha256: inputs.id.sha256.clone(),
            source_pinned: inputs.id.sha256 == pin.sha256,
            reproducer: reproducer(&patches, self.options),
            patches,
            compiler: inputs.toolchain.lines.clone(),
            config_sha256: sha256(self.resolved.text.as_bytes()),
            options_set: self.resolved.config.enabled_count(),
            vmlinux,
            bzimage,
            objects: self.objects,
            durations_ms: Default::default(),
        }
    }
}

fn lines(words: &BTreeSet<String>) -> String {
    words.iter().map(|word| format!("{word}\n")).collect()
}

fn record(path: &Path) -> Result<FileRecord, KernelError> {
    let bytes = fs::metadata(path).at("read", path)?.len();
    Ok(FileRecord {
        bytes,
        sha256: sha256_file(path)?,
    })
}

/// Shell commands that make the same bytes from the source archive or directory.
fn reproducer(patches: &[String], options: &Options<'_>) -> String {
    let environment: Vec<String> = ENVIRONMENT
        .iter()
        .map(|(key, value)| format!("{key}='{value}'"))
        .collect();
    let bzimage = if options.formats.bzimage {
        " bzImage"
    } else {
        ""
    };
    let mut lines = vec![
        "set -e".to_owned(),
        "mkdir -p linux".to_owned(),
        "if [ -d \"$SOURCE\" ]; then cp -a \"$SOURCE/.\" linux; else tar -x --strip-components=1 -C linux -f \"$SOURCE\"; fi".to_owned(),
    ];
    lines.extend(patches.iter().map(|name| {
        format!("patch -d linux -p1 --fuzz=0 --forward --batch < \"$KERNEL/patches/{name}\"")
    }));
    lines.push("mkdir -p linux/lupine-out".to_owned());
    lines.push("cp \"$KERNEL/config\" linux/lupine-out/.config".to_owned());
    lines.push(format!(
        "env -i PATH=\"$PATH\" {} make -C linux/lupine-out {} -j{} vmlinux{bzimage}",
        environment.join(" "),
        ARGUMENTS.join(" "),
        options.jobs.max(1),
    ));
    lines.push("strip --strip-all -o vmlinux linux/lupine-out/vmlinux".to_owned());
    lines.join("\n")
}

/// Whether an ELF file has the note with the PVH entry.
fn has_pvh_entry(path: &Path) -> Result<bool, KernelError> {
    let bytes = fs::read(path).at("read", path)?;
    Ok(notes_have_pvh(&bytes).unwrap_or(false))
}

fn notes_have_pvh(bytes: &[u8]) -> Option<bool> {
    let file: ElfFile64<'_> = ElfFile64::parse(bytes).ok()?;
    let endian = file.endian();
    for header in file.elf_header().program_headers(endian, bytes).ok()? {
        let Some(mut notes) = header.notes(endian, bytes).ok()? else {
            continue;
        };
        while let Ok(Some(note)) = notes.next() {
            if note.name() == b"Xen"
                && note.n_type(endian) == object::elf::NoteType(XEN_ELFNOTE_PHYS32_ENTRY)
            {
                return Some(true);
            }
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_the_note_is_told() {
        assert_eq!(notes_have_pvh(b"no ELF"), None);
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(notes_have_pvh(&own), Some(false));
    }
}
