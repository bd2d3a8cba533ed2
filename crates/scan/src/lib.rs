//! Static discovery: what an application may ask the kernel for, as far as its files show.
//!
//! [`scan`] follows a start command to every file that may run or be loaded, disassembles the code
//! in them and reads their texts. It is an over-approximation by design: use it to say what a
//! workload did not exercise, not to choose what a kernel leaves out. It opens no file itself.
//! What it reads an ELF file and its code with ([`Elf`], [`sweep`], [`numbers`]) is there for others too.
mod closure;
mod code;
mod elf;
mod features;
mod files;
mod report;
mod scan;
mod start;

pub use code::{Code, Kind, Ref, numbers, sweep};
pub use elf::{Elf, Export, Region, is_elf};
pub use files::{Entry, EntryKind, Files};
pub use report::{Breadth, Evidence, Found, Member, MemberKind, Reason, Scan, Unknown};
pub use scan::scan;
pub use start::{Limits, Start};
