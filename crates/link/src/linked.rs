//! What a kernel with a program in it says of itself.

use std::fs::{self, File};
use std::path::Path;

use lupine_store::At;
use object::read::elf::{FileHeader, SectionHeader};
use object::{Endianness, ReadCache, elf};
use serde::{Deserialize, Serialize};

use crate::LinkError;

/// The section with the text; it is not loaded.
const SECTION: &str = ".lupine";

/// What a kernel with a program in it says of itself, so that what it cannot do is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// Version of Linux.
    pub version: String,
    /// How many options of the kernel are set.
    pub options: usize,
    /// Processors that it can have.
    pub cpus: u32,
    /// Whether it mounts directories of the host.
    pub volumes: bool,
    /// Whether it drives a network card.
    pub network: bool,
}

impl Linked {
    /// What that kernel says; nothing for every other file.
    pub fn of(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let text = text(&ReadCache::new(file)).ok()??;
        toml::from_str(&text).ok()
    }

    /// Flags of objcopy that add it to a file. Works in `dir`.
    pub(crate) fn section(&self, dir: &Path) -> Result<[String; 2], LinkError> {
        let path = dir.join("linked.toml");
        let text = toml::to_string(self).map_err(|error| LinkError::Broken {
            path: path.clone(),
            why: error.to_string(),
        })?;
        fs::write(&path, text).at("write", &path)?;
        let add = format!("--add-section={SECTION}={}", path.display());
        Ok([
            add,
            format!("--set-section-flags={SECTION}=noload,readonly"),
        ])
    }
}

fn text(bytes: &ReadCache<File>) -> object::read::Result<Option<String>> {
    let header = elf::FileHeader64::<Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let Some((_, section)) = sections.section_by_name(endian, SECTION.as_bytes()) else {
        return Ok(None);
    };
    let text = section.data(endian, bytes)?;
    Ok(Some(String::from_utf8_lossy(text).into_owned()))
}

#[cfg(test)]
mod tests {
    use lupine_tool::Tool;

    use super::*;

    #[test]
    fn a_kernel_says_what_was_written_into_it_and_other_files_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let linked = Linked {
            version: "6.12.117".into(),
            options: 400,
            cpus: 2,
            volumes: true,
            network: false,
        };
        let (source, file) = (dir.path().join("a.s"), dir.path().join("a.o"));
        fs::write(&source, "nop\n").unwrap();
        let make = Tool::new("as").arg(&source).arg("-o").arg(&file);
        make.run().unwrap();
        assert_eq!(Linked::of(&file), None);
        let add = Tool::new("objcopy").args(linked.section(dir.path()).unwrap());
        add.arg(&file).run().unwrap();
        assert_eq!(Linked::of(&file), Some(linked));
        assert_eq!(Linked::of(Path::new("/nowhere")), None);
    }
}
