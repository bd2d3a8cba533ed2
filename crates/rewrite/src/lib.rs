//! Programs and C libraries for kernels with KML: `syscall` becomes a call of the kernel's entry.
//!
//! At CPL 0 a system call needs no `syscall`: the kernel gives the address of an entry that can be
//! called (`AT_SYSINFO`). [`rewrite`] turns the `syscall` instructions of an ELF file into calls of a
//! few bytes that it adds, each only where that is proven to change nothing else, and says why it
//! left the others. Where the kernel gives no such address the added bytes do `syscall`: a rewritten file runs on any
//! kernel and at any level. It opens no file.
//!
//! ```text
//! site:   nop; call stub        was: mov $39, %eax; syscall
//! stub:   mov $39, %eax         what the call took the place of
//!         jmp common
//! common: mov entry, %rcx       set where the program starts, from the auxiliary vector
//!         jrcxz 1f
//!         jmp *%rcx             returns to the site: the stub has no part in it
//! 1:      syscall
//!         ret
//! ```
//!
//! In static programs the `syscall` stays where it is, behind the call, which returns to it or behind it.
mod file;
mod flow;
mod frames;
mod hook;
mod privileged;
mod program;
mod red_zone;
mod report;
mod rewrite;
mod site;
mod stub;

pub use privileged::privileged;
pub use report::{Report, Why};
pub use rewrite::{Rewritten, rewrite};
