//! What a scan found.

use std::collections::BTreeMap;
use std::fmt;

/// What an application may ask the kernel for, as far as its files show: more than any run of it
/// will use, and never a proof that nothing else is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Every file that may run or be loaded, in the order in which it was found.
    pub closure: Vec<Member>,
    /// Every feature with its evidence, in the project's grammar: `syscall:NAME`,
    /// `case:SYSCALL:ARGUMENT:NUMBER`, `flag:SYSCALL:ARGUMENT:BITS`, `family:N`, `protocol:F:T:P`,
    /// `sockopt:L:N`, `fs:NAME`, `path:/proc/...`, `binfmt:script`. Bits are
    /// hexadecimal, other numbers decimal, arguments count from 0.
    pub features: BTreeMap<String, Found>,
    /// Places that ask the kernel for something that the scan could not tell.
    pub unknown: Vec<Unknown>,
    /// What was not seen, and why; one sentence each.
    pub warnings: Vec<String>,
    /// There is code that was not seen: a program looks as if it unpacked itself, or a file that
    /// may run was not read.
    pub hidden: bool,
}

/// One file of the closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its real path.
    pub path: String,
    /// What it is.
    pub kind: MemberKind,
    /// Why it is here; of several reasons the first that was met.
    pub why: Reason,
    /// How many bytes of it were read.
    pub bytes: u64,
}

/// What a file of the closure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    /// An x86-64 ELF file.
    Elf,
    /// A text with `#!`, or one that a shell is given to read.
    Script,
    /// Anything else: seen, not understood.
    Other,
}

/// Why a file is in the closure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// It is what is started.
    Start,
    /// This file names it as its interpreter, by `#!` or by PT_INTERP.
    Interpreter(String),
    /// This file names it as a needed library.
    Needed(String),
    /// LD_PRELOAD names it.
    Preload,
    /// This script or command line has a word that means it.
    Word(String),
    /// This configuration file names it.
    Config(String),
    /// This file contains its name and can open libraries or start programs.
    Named(String),
    /// A service of nsswitch.conf that this file may look names up with.
    NameService(String),
    /// This language runtime may load it.
    Runtime(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("it is started"),
            Self::Interpreter(by) => write!(f, "interpreter of {by}"),
            Self::Needed(by) => write!(f, "needed by {by}"),
            Self::Preload => f.write_str("named by LD_PRELOAD"),
            Self::Word(by) => write!(f, "a word in {by}"),
            Self::Config(by) => write!(f, "named in the configuration {by}"),
            Self::Named(by) => write!(f, "its name stands in {by}"),
            Self::NameService(by) => write!(f, "a name service that {by} may use"),
            Self::Runtime(by) => write!(f, "an extension that {by} may load"),
        }
    }
}

/// What is known of one feature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Whether code that can be reached from the application asks for it (`reach`). Otherwise some
    /// code in some file does (`whole`), for all that is known without being called.
    pub reached: bool,
    /// How many places ask for it.
    pub places: usize,
    /// The first few of them, reached ones first.
    pub evidence: Vec<Evidence>,
}

/// One place that asks for a feature.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// Not reached from the application.
    pub unreached: bool,
    /// The file.
    pub file: String,
    /// The address in it, as its own headers count; `None` for a whole file.
    pub address: Option<u64>,
    /// What is there.
    pub what: String,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(address) = self.address {
            write!(f, ":{address:#x}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// A place whose request could not be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// The file.
    pub file: String,
    /// The address in it.
    pub address: u64,
    /// What could not be told.
    pub what: String,
    /// Whether it can be reached from the application.
    pub reached: bool,
}

/// How much of the code counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breadth {
    /// Every place in every file.
    Whole,
    /// Libraries only as far as imports and direct calls lead into them.
    Reach,
}

/// Most evidence that is kept of one feature.
const EVIDENCE: usize = 6;

impl Scan {
    /// The names of all system calls that were found, sorted.
    pub fn syscalls(&self, breadth: Breadth) -> Vec<&str> {
        let features = self.features(breadth);
        features
            .filter_map(|f| f.strip_prefix("syscall:"))
            .collect()
    }

    /// All features that were found, sorted.
    pub fn features(&self, breadth: Breadth) -> impl Iterator<Item = &str> {
        let counts = move |found: &Found| breadth == Breadth::Whole || found.reached;
        let features = self.features.iter().filter(move |(_, f)| counts(f));
        features.map(|(name, _)| name.as_str())
    }

    /// Notes that `evidence` asks for `feature`.
    pub(crate) fn add(&mut self, feature: String, evidence: Evidence) {
        let found = self.features.entry(feature).or_default();
        found.reached |= !evidence.unreached;
        found.places += 1;
        if let Err(at) = found.evidence.binary_search(&evidence) {
            found.evidence.insert(at, evidence);
            found.evidence.truncate(EVIDENCE);
        }
    }

    /// Notes once what was not seen.
    pub(crate) fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}
