//! A directory of the host as a root file system.

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lupine_scan::{Entry, EntryKind, Files};

/// Most symlinks of one path.
const HOPS: usize = 40;

/// The files below a directory.
pub struct Root(pub PathBuf);

impl Root {
    fn host(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// `path` without symlinks, as a process whose root is this directory would see it.
    fn real(&self, path: &str) -> Option<String> {
        let mut todo: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
        let mut real = String::new();
        let mut hops = 0;
        while let Some(part) = todo.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    real.truncate(real.rfind('/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let next = format!("{real}/{part}");
            let meta = std::fs::symlink_metadata(self.host(&next)).ok()?;
            if !meta.is_symlink() {
                real = next;
                continue;
            }
            hops += 1;
            if hops > HOPS {
                return None;
            }
            let target = std::fs::read_link(self.host(&next)).ok()?;
            let target = target.to_str()?;
            if target.starts_with('/') {
                real.clear();
            }
            todo.extend(target.rsplit('/').map(str::to_owned));
        }
        Some(if real.is_empty() { "/".into() } else { real })
    }
}

impl Files for Root {
    fn resolve(&self, path: &str) -> Option<Entry> {
        let path = self.real(path)?;
        let meta = std::fs::symlink_metadata(self.host(&path)).ok()?;
        let kind = if meta.is_file() {
            EntryKind::File {
                bytes: meta.len(),
                executable: meta.permissions().mode() & 0o111 != 0,
            }
        } else if meta.is_dir() {
            EntryKind::Directory
        } else {
            EntryKind::Other
        };
        Some(Entry { path, kind })
    }

    fn read(&self, path: &str, max: u64) -> io::Result<Vec<u8>> {
        let real = self.real(path).ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = Vec::new();
        let file = std::fs::File::open(self.host(&real))?;
        file.take(max).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn list(&self, path: &str) -> Vec<String> {
        let real = self.real(path).map(|real| self.host(&real));
        let entries = real.and_then(|real| std::fs::read_dir(Path::new(&real)).ok());
        let entries = entries.into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }
}
