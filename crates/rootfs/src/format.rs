//! The file systems that can be packed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::RootfsError;

/// A file system (or, for [`Format::Cpio`], an archive for the initramfs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// ext2: small driver, writable.
    Ext2,
    /// ext4 without a journal: extents, nanosecond times beyond 2038, writable.
    Ext4,
    /// erofs, not compressed: read-only.
    Erofs,
    /// squashfs, compressed with zlib: read-only, smallest file.
    Squashfs,
    /// A newc archive for the initramfs: lives in the guest's memory, writable.
    Cpio,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 5] = [
        Self::Ext2,
        Self::Ext4,
        Self::Erofs,
        Self::Squashfs,
        Self::Cpio,
    ];

    /// The name that users and kernels (`rootfstype=`) know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext2 => "ext2",
            Self::Ext4 => "ext4",
            Self::Erofs => "erofs",
            Self::Squashfs => "squashfs",
            Self::Cpio => "cpio",
        }
    }

    /// Whether a guest cannot write to it, and needs an overlay.
    pub fn read_only(self) -> bool {
        matches!(self, Self::Erofs | Self::Squashfs)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = RootfsError;

    fn from_str(name: &str) -> Result<Self, RootfsError> {
        match name {
            "initramfs" | "initrd" => Ok(Self::Cpio),
            _ => Self::ALL
                .into_iter()
                .find(|format| format.name() == name)
                .ok_or_else(|| RootfsError::UnknownFormat { name: name.into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
        }
        assert_eq!("initramfs".parse::<Format>().unwrap(), Format::Cpio);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "btrfs".parse::<Format>().unwrap_err();
        let help = miette::Diagnostic::help(&error).unwrap().to_string();
        assert!(error.to_string().contains("btrfs") && help.contains("erofs"));
    }
}
