//! What a kernel can be attacked by: what is compiled into it, compared with another kernel, and
//! which published vulnerabilities are in code that it has.
//!
//! ```text
//! System.map, list of compiled files --Kernel::parse--> Kernel
//! Kernel, Kernel     --compare--> Comparison    functions, files, system calls: gone and added
//! Record, Kernel     --judge----> Finding       affected, not affected (and why), unknown
//! [Finding], Product --openvex--> an OpenVEX document
//! ```
//!
//! This crate opens no file and asks for no time: it takes values and returns values.

mod judge;
mod kernel;
mod openvex;
mod record;
mod surface;
mod version;

pub use judge::{Finding, Verdict, judge};
pub use kernel::Kernel;
pub use openvex::{Product, openvex};
pub use record::{Record, RecordError};
pub use surface::{Change, Comparison, Surface, compare};
pub use version::Version;
