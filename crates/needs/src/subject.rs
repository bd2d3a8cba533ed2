//! What the derivation looks at: the image's facts and the machine's.

use std::str::FromStr;

use crate::Need;

/// What an image says about the program that it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Paths of the programs that `execve` meets for it: scripts, their interpreters, the ELF file.
    pub chain: Vec<String>,
    /// A script with `#!` is in the chain, or is likely to be started (an entry point of a shell).
    pub script: bool,
    /// The ELF file at the end asks for a dynamic linker; its path.
    pub linker: Option<String>,
    /// Exposed ports.
    pub ports: Vec<Port>,
    /// The image's user, `user[:group]`; empty is root.
    pub user: String,
    /// Paths declared as volumes.
    pub volumes: Vec<String>,
    /// What runs of it have shown; stands in for the table of applications.
    pub learned: Option<Learned>,
}

/// What runs of an application have shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// Its needs, without the machine's.
    pub needs: Vec<Need>,
    /// Each was tried to be taken away: nothing is added to make kernels alike.
    pub minimized: bool,
}

/// One exposed port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// UDP, otherwise TCP.
    pub udp: bool,
}

/// The machine that the kernel shall run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Format of the root file system: ext2, ext4, erofs, squashfs or cpio.
    pub fs: String,
    /// It has a network card.
    pub network: bool,
    /// Host directories are shared with it.
    pub volumes: bool,
    /// Number of processors.
    pub cpus: u32,
    /// The application gets a terminal.
    pub terminal: bool,
    /// qemu, firecracker or kata.
    pub vmm: String,
}

impl Default for Machine {
    /// QEMU, an ext2 root file system, a network card, one processor.
    fn default() -> Self {
        Self {
            fs: "ext2".into(),
            network: true,
            volumes: false,
            cpus: 1,
            terminal: false,
            vmm: "qemu".into(),
        }
    }
}

/// How much the kernel shall have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// The base and what the machine needs.
    Base,
    /// One kernel for many applications.
    General,
    /// One kernel for the twenty applications of the study of 2020, and for no other.
    Top20,
    /// What this application needs.
    #[default]
    App,
}

/// A name that is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{0:?} is no profile")]
#[diagnostic(help("the profiles are base, general, top20 and app"))]
pub struct ProfileError(pub String);

impl FromStr for Profile {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        match text {
            "base" => Ok(Self::Base),
            "general" => Ok(Self::General),
            "top20" => Ok(Self::Top20),
            "app" => Ok(Self::App),
            _ => Err(ProfileError(text.to_owned())),
        }
    }
}

impl Profile {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::General => "general",
            Self::Top20 => "top20",
            Self::App => "app",
        }
    }
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
