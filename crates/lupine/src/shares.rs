//! `-v`: host directories and files for the guest.

use std::fs;
use std::path::Path;

use lupine_init::Mount;
use lupine_store::At;
use miette::{Result, miette};

use crate::cli::values::Volume;
use crate::monitor::SharePlan;

/// Refuses sources that are not there and targets that are named twice.
///
/// # Errors
/// Names the volume.
pub fn check(volumes: &[Volume]) -> Result<()> {
    for (index, volume) in volumes.iter().enumerate() {
        let source = volume.source.display();
        if !volume.source.exists() {
            return Err(miette!(
                help = format!("make it: mkdir -p {source}"),
                "there is no {source} to share"
            ));
        }
        if volumes[..index]
            .iter()
            .any(|other| other.target == volume.target)
        {
            return Err(miette!(
                "two volumes have the same place, {}",
                volume.target
            ));
        }
    }
    Ok(())
}

/// What the VMM shares and what the guest mounts. A single file is shared
/// through a directory in `guest` that holds nothing but a link to it.
///
/// # Errors
/// When a source cannot be read.
pub fn of(volumes: &[Volume], guest: &Path) -> Result<(Vec<SharePlan>, Vec<Mount>)> {
    let mut shares = Vec::new();
    let mut mounts = Vec::new();
    for (number, volume) in volumes.iter().enumerate() {
        let source = fs::canonicalize(&volume.source).at("find", &volume.source)?;
        let tag = format!("share{number}");
        let (dir, file) = if source.is_dir() {
            (source, None)
        } else {
            let (dir, name) = directory_of(&source, guest, number)?;
            (dir, Some(name))
        };
        shares.push(SharePlan {
            tag: tag.clone(),
            dir,
            read_only: volume.read_only,
        });
        mounts.push(Mount {
            tag,
            target: volume.target.clone(),
            read_only: volume.read_only,
            file,
        });
    }
    Ok((shares, mounts))
}

/// A directory to share a file through, and its name there.
fn directory_of(
    source: &Path,
    guest: &Path,
    number: usize,
) -> Result<(std::path::PathBuf, String)> {
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    let alone = guest.join("shares").join(number.to_string());
    fs::create_dir_all(&alone).at("make", &alone)?;
    if fs::hard_link(source, alone.join(&*name)).is_ok() {
        return Ok((alone, name.into_owned()));
    }
    // Another file system: the file's own directory is all there is.
    let parent = source.parent().unwrap_or(Path::new("/"));
    Ok((parent.into(), name.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(source: &Path, target: &str) -> Volume {
        Volume {
            source: source.into(),
            target: target.into(),
            read_only: false,
        }
    }

    #[test]
    fn a_file_is_shared_without_its_neighbours() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("one");
        fs::write(&file, "1").unwrap();
        fs::write(dir.path().join("two"), "2").unwrap();
        let guest = dir.path().join("guest");
        let volumes = [volume(dir.path(), "/dir"), volume(&file, "/etc/one")];
        check(&volumes).unwrap();
        let (shares, mounts) = of(&volumes, &guest).unwrap();
        assert_eq!(mounts[0].file, None);
        assert_eq!(mounts[1].file.as_deref(), Some("one"));
        assert_eq!(fs::read_dir(&shares[1].dir).unwrap().count(), 1);
        assert_ne!(mounts[0].tag, mounts[1].tag);
    }

    #[test]
    fn what_is_not_there_is_not_shared() {
        let error = check(&[volume(Path::new("/not/there"), "/x")]).unwrap_err();
        assert!(error.help().unwrap().to_string().contains("mkdir"));
        let twice = [volume(Path::new("/"), "/x"), volume(Path::new("/"), "/x")];
        assert!(check(&twice).is_err());
    }
}
