//! The suite `size`.

use std::fs;

use lupine_audit::{Kernel, Surface};
use lupine_bench::{Measurement, Unit};
use lupine_store::At;
use miette::Result;

use super::{Subject, measured};

/// What the kernel's files say. Kernels without a list of symbols have no count of functions.
///
/// # Errors
/// When a file cannot be read.
pub fn measure(subject: &Subject) -> Result<Vec<Measurement>> {
    let metadata = &subject.kernel.metadata;
    let mut all = vec![
        measured("vmlinux", Unit::Bytes, metadata.vmlinux.bytes),
        measured("options", Unit::Count, metadata.options_set as u64),
    ];
    if let Some(file) = &metadata.bzimage {
        all.insert(0, measured("bzimage", Unit::Bytes, file.bytes));
    }
    if let Some(path) = &subject.kernel.symbols {
        let symbols = fs::read_to_string(path).at("read", path)?;
        let surface = Surface::of(&Kernel::parse(&metadata.version, &symbols, None));
        all.push(measured("functions", Unit::Count, surface.functions as u64));
    }
    Ok(all)
}
