//! x
use crate::{ImageError, Limits};
use lupine_store::Store;
use std::path::Path;
pub(crate) fn directory_stamp(_p: &Path) -> Result<String, ImageError> {
    Ok(String::new())
}
pub(crate) fn file_stamp(_p: &Path) -> Result<String, ImageError> {
    Ok(String::new())
}
pub(crate) fn from_directory(_s: &Store, p: &Path, _t: Option<&str>) -> Result<String, ImageError> {
    Err(ImageError::NotPulled {
        reference: p.display().to_string(),
    })
}
pub(crate) fn from_oci_archive(
    _s: &Store,
    p: &Path,
    _t: Option<&str>,
    _l: &Limits,
) -> Result<String, ImageError> {
    Err(ImageError::NotPulled {
        reference: p.display().to_string(),
    })
}
pub(crate) fn from_docker_archive(
    _s: &Store,
    p: &Path,
    _t: Option<&str>,
    _l: &Limits,
) -> Result<String, ImageError> {
    Err(ImageError::NotPulled {
        reference: p.display().to_string(),
    })
}
