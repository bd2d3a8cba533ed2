//! Products that leave the cache.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lupine_store::At;
use miette::{IntoDiagnostic, Result, WrapErr, miette};

/// Copies a product to where the user wants it, in one step.
///
/// # Errors
/// When the place cannot be written.
pub fn copy_out(from: &Path, to: &Path) -> Result<()> {
    if to.is_dir() {
        return Err(miette!(
            help = "name a file: -o FILE",
            "{} is a directory",
            to.display()
        ));
    }
    let parent = to
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let staged = tempfile::Builder::new()
        .prefix(".lupine-")
        .tempfile_in(parent)
        .at("write in", parent)?;
    // std's copy keeps holes where the file system can clone or share ranges.
    std::fs::copy(from, staged.path()).at("write", to)?;
    // Files of the cache are read-only; this one is the user's own.
    std::fs::set_permissions(staged.path(), Permissions::from_mode(0o644)).at("write", to)?;
    staged
        .persist(to)
        .map_err(|error| error.error)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot rename to {}", to.display()))?;
    Ok(())
}
