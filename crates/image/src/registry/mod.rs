//! x
use crate::{DockerRef, ImageError};
use lupine_store::Store;
use lupine_tool::Progress;
pub(crate) fn pull(_s: &Store, p: &DockerRef, _o: &dyn Progress) -> Result<String, ImageError> {
    Err(ImageError::NotPulled {
        reference: p.to_string(),
    })
}
