//! Whole trees of files: linked, copied, listed, hashed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use lupine_store::{At, StoreError};

use crate::identity::{Key, sha256_file, stamp};

/// Version control's own files are no part of a source.
const SKIPPED: &str = ".git";

/// Makes `to` a tree of hard links to the files of `from`: quick, and nearly free of space.
pub(crate) fn link(from: &Path, to: &Path) -> Result<(), StoreError> {
    build(from, to, &|from, to| fs::hard_link(from, to))
}

/// Copies a tree; file contents, permission bits and symbolic links.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    build(from, to, &|from, to| fs::copy(from, to).map(drop))
}

type Place<'a> = &'a dyn Fn(&Path, &Path) -> std::io::Result<()>;

fn build(from: &Path, to: &Path, place: Place<'_>) -> Result<(), StoreError> {
    fs::create_dir_all(to).at("make", to)?;
    for entry in fs::read_dir(from).at("list", from)? {
        let entry = entry.at("list", from)?;
        if entry.file_name() == SKIPPED {
            continue;
        }
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().at("read", &source)?;
        if kind.is_dir() {
            build(&source, &target, place)?;
        } else if kind.is_symlink() {
            let link = fs::read_link(&source).at("read", &source)?;
            symlink(link, &target).at("make", &target)?;
        } else if kind.is_file() {
            place(&source, &target).at("make", &target)?;
        }
    }
    Ok(())
}

/// Changes whenever a file of the tree changes, as far as `stat` tells.
pub(crate) fn listing(dir: &Path) -> Result<String, StoreError> {
    let mut key = Key::new("listing");
    for path in files(dir)? {
        let meta = fs::symlink_metadata(&path).at("read", &path)?;
        key = key
            .field("path", path.as_os_str().as_encoded_bytes())
            .field("stamp", stamp(&meta));
    }
    Ok(key.finish())
}

/// A digest of names, contents, executable bits and symbolic links; 64 hexadecimal digits.
pub(crate) fn digest(dir: &Path) -> Result<String, StoreError> {
    let mut text = String::new();
    for path in files(dir)? {
        let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy();
        let meta = fs::symlink_metadata(&path).at("read", &path)?;
        let what = if meta.is_symlink() {
            format!("-> {}", fs::read_link(&path).at("read", &path)?.display())
        } else {
            let executable = if meta.permissions().mode() & 0o100 == 0 {
                ""
            } else {
                "x"
            };
            format!("{executable} {}", sha256_file(&path)?)
        };
        text += &format!("{name}\0{what}\n");
    }
    Ok(crate::identity::sha256(text.as_bytes()))
}

/// All files and symbolic links below `dir`, sorted.
fn files(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).at("list", &dir)? {
            let entry = entry.at("list", &dir)?;
            let kind = entry.file_type().at("read", entry.path())?;
            if entry.file_name() == SKIPPED {
                continue;
            } else if kind.is_dir() {
                todo.push(entry.path());
            } else if kind.is_file() || kind.is_symlink() {
                found.push(entry.path());
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/.git")).unwrap();
        fs::write(dir.path().join("a/x"), "1").unwrap();
        fs::write(dir.path().join("a/.git/y"), "2").unwrap();
        symlink("x", dir.path().join("a/l")).unwrap();
        dir
    }

    #[test]
    fn copies_and_links_have_the_digest_of_their_original() {
        let dir = tree();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        copy(&from, &to).unwrap();
        link(&from, &dir.path().join("c")).unwrap();
        assert_eq!(digest(&from).unwrap(), digest(&to).unwrap());
        assert_eq!(
            digest(&from).unwrap(),
            digest(&dir.path().join("c")).unwrap()
        );
        assert!(!to.join(".git").exists());
    }

    #[test]
    fn a_change_changes_digest_and_listing() {
        let dir = tree();
        let before = (digest(dir.path()).unwrap(), listing(dir.path()).unwrap());
        fs::write(dir.path().join("a/x"), "3").unwrap();
        let after = (digest(dir.path()).unwrap(), listing(dir.path()).unwrap());
        assert_ne!(before.0, after.0);
        assert_ne!(before.1, after.1);
    }
}
