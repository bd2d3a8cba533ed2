//! SHA-256 of files, and copies that keep holes.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use sha2::{Digest, Sha256};

const BUFFER: usize = 1 << 20;

/// SHA-256 of a file, as 64 hex digits.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect())
}

/// Makes `to` the same file as `from`, or where the file systems differ a copy
/// that leaves out long runs of zeros.
pub(crate) fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    // The source may be a symbolic link that a user gave: link what it names.
    let from = from.canonicalize()?;
    if std::fs::hard_link(&from, to).is_ok() {
        return Ok(());
    }
    copy_sparse(&from, to)
}

fn copy_sparse(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let target = File::create_new(to)?;
    let bytes = source.metadata()?.len();
    let mut buffer = vec![0; BUFFER];
    let mut offset = 0;
    while offset < bytes {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if buffer[..read].iter().any(|byte| *byte != 0) {
            target.write_all_at(&buffer[..read], offset)?;
        }
        offset += read as u64;
    }
    target.set_len(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_copy_keeps_contents_size_and_holes() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        let file = File::create(&from).unwrap();
        file.set_len(64 << 20).unwrap();
        file.write_all_at(b"data", 40 << 20).unwrap();
        copy_sparse(&from, &to).unwrap();
        assert_eq!(sha256(&from).unwrap(), sha256(&to).unwrap());
        assert!(to.metadata().unwrap().blocks() * 512 < 4 << 20);
    }

    #[test]
    fn the_digest_is_sha256() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(
            sha256(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
