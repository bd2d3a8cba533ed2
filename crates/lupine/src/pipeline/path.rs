//! Images that look like paths.

use std::path::Path;

use miette::{Result, miette};

/// A path is likely to be meant as a bundle or with a scheme before it; to a
/// registry it would be a strange name.
pub fn reject_path(image: &str) -> Result<()> {
    let path = Path::new(image);
    let path_like = ["/", "./", "../"]
        .iter()
        .any(|start| image.starts_with(start));
    if path.is_dir() && image.contains('/') {
        return Err(miette!(
            help = format!(
                "for the files in it write dir:{image}; to make a bundle there: lupine build -o {image} IMAGE"
            ),
            "{image} is a directory and no bundle"
        ));
    }
    if path_like && path.exists() {
        return Err(miette!(
            help = format!("write what it is: docker-archive:{image} or oci-archive:{image}"),
            "{image} is a file, of which images have several kinds"
        ));
    }
    if path_like {
        return Err(miette!(
            help = "an image of a registry is written NAME[:TAG], a directory of files dir:DIR",
            "there is no {image}"
        ));
    }
    Ok(())
}
