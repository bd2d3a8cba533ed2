//! What was done to a file, and what not.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a `syscall` instruction was left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Which system calls it makes is not known.
    Number,
    /// It makes a call whose child uses the stack, or that debuggers know by its bytes.
    Bare,
    /// What is around it does not read as code.
    Unclear,
    /// No use of the stack shows behind it: the stack may be gone.
    Stack,
    /// The code behind it reads flags that a call does not keep.
    Flags,
    /// What stands before it is too short or cannot be moved.
    Room,
    /// Something leads into the bytes that a call would need.
    Target,
    /// Somebody asks for the address behind it, as those do who look where a signal came.
    Watched,
    /// Its function may use the memory below the stack pointer.
    RedZone,
    /// Its function jumps to where no table says.
    Jump,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "which call it makes is not known",
            Self::Bare => "its call needs a bare syscall",
            Self::Unclear => "it is among what does not read as code",
            Self::Stack => "its stack may be gone",
            Self::Flags => "flags are read behind it",
            Self::Room => "there is no room",
            Self::Target => "something jumps into the room",
            Self::Watched => "its address is looked at",
            Self::RedZone => "the red zone may be in use",
            Self::Jump => "its function jumps to what is not known",
        })
    }
}

/// The `syscall` instructions of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How many there are.
    pub sites: usize,
    /// How many of them became calls.
    pub calls: usize,
    /// How many were left for which reason.
    pub left: BTreeMap<Why, usize>,
    /// Why none became one, where the file stands against it.
    pub kept: Option<String>,
    /// `hlt` instructions that became `ud2`'s one-byte sibling, and fault at CPL 0 too.
    pub traps: usize,
}
