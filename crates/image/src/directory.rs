//! x
use crate::ImageError;
use lupine_store::Store;
use lupine_tool::Progress;
use std::path::Path;
pub(crate) fn stamp(_p: &Path) -> Result<String, ImageError> {
    Ok(String::new())
}
pub(crate) fn pack(_s: &Store, p: &Path, _o: &dyn Progress) -> Result<String, ImageError> {
    Err(ImageError::NotPulled {
        reference: p.display().to_string(),
    })
}
