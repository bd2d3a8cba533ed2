//! x
use crate::ImageError;
use lupine_store::Store;
use lupine_tool::Progress;
pub(crate) fn stamp(_p: &[String]) -> String {
    String::new()
}
pub(crate) fn make(_s: &Store, p: &[String], _o: &dyn Progress) -> Result<String, ImageError> {
    Err(ImageError::NotPulled {
        reference: p.join(","),
    })
}
