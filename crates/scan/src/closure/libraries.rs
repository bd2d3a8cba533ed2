//! Needed libraries, looked for as glibc and musl do.

use super::Closure;
use crate::elf::Elf;
use crate::files::{base_name, join, parent};
use crate::report::Reason;

/// Where glibc looks in the end; distributions differ, and so did their compilers' arguments.
const GLIBC: [&str; 8] = [
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
    "/usr/local/lib",
    "/usr/local/lib64",
];
/// Where musl looks when `/etc/ld-musl-x86_64.path` does not say.
const MUSL: [&str; 3] = ["/lib", "/usr/local/lib", "/usr/lib"];
/// `include` lines within included files that are followed.
const INCLUDES: usize = 4;
/// Most of a file that names directories, in bytes.
const LIST: u64 = 1 << 16;

impl Closure<'_> {
    pub(super) fn libraries(&mut self, number: usize, elf: &Elf, path: &str) {
        for name in &elf.needed {
            // musl's C library is its loader, whatever name is asked for.
            if !self.library(number, elf, path, name, Reason::Needed(path.into()))
                && !name.starts_with("libc.musl")
            {
                self.missing.push((path.to_owned(), name.clone()));
            }
        }
    }

    /// Takes in the library `name` as the loader would find it for this file.
    pub(super) fn library(
        &mut self,
        number: usize,
        elf: &Elf,
        path: &str,
        name: &str,
        why: Reason,
    ) -> bool {
        if name.contains('/') {
            return self.add(&expand(name, path), why, Some(number));
        }
        let dirs = self.search_dirs(number, elf, path);
        // glibc prefers builds for newer processors: which one, the machine decides.
        let newer = [2, 3, 4].map(|level| format!("glibc-hwcaps/x86-64-v{level}/{name}"));
        let mut found = false;
        for dir in &dirs {
            for name in &newer {
                self.add(&join(dir, name), why.clone(), Some(number));
            }
            found = found || self.add(&join(dir, name), why.clone(), Some(number));
        }
        found
    }

    /// Where the loader looks for what this file needs, in its order.
    fn search_dirs(&mut self, number: usize, elf: &Elf, path: &str) -> Vec<String> {
        let mut dirs = Vec::new();
        let mut paths = |list: &str, origin: &str| {
            dirs.extend(
                list.split(':')
                    .filter(|d| !d.is_empty())
                    .map(|dir| expand(dir, origin)),
            );
        };
        if elf.runpath.is_none() {
            paths(elf.rpath.as_deref().unwrap_or_default(), path);
            let mut above = self.members[number].parent;
            while let Some(loaded) = above.map(|number| &self.members[number]) {
                let rpath = loaded.elf.as_ref().filter(|elf| elf.runpath.is_none());
                let rpath = rpath.and_then(|elf| elf.rpath.as_deref());
                paths(rpath.unwrap_or_default(), &loaded.member.path);
                above = loaded.parent;
            }
        }
        paths(self.start.var("LD_LIBRARY_PATH").unwrap_or_default(), path);
        paths(elf.runpath.as_deref().unwrap_or_default(), path);
        dirs.extend(self.system_dirs());
        dirs
    }

    fn system_dirs(&mut self) -> Vec<String> {
        if let Some(dirs) = &self.system {
            return dirs.clone();
        }
        let is_musl = self.files.resolve("/lib/ld-musl-x86_64.so.1").is_some();
        let mut dirs = Vec::new();
        if let Some(text) = self.list_file("/etc/ld-musl-x86_64.path") {
            dirs.extend(text.split(['\n', ':']).map(|dir| dir.trim().to_owned()));
        } else if is_musl {
            dirs.extend(MUSL.map(str::to_owned));
        }
        self.ld_so_conf("/etc/ld.so.conf", 0, &mut dirs);
        dirs.extend(GLIBC.map(str::to_owned));
        dirs.retain(|dir| dir.starts_with('/'));
        self.system = Some(dirs.clone());
        dirs
    }

    fn list_file(&self, path: &str) -> Option<String> {
        let bytes = self.files.read(path, LIST).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn ld_so_conf(&self, path: &str, depth: usize, dirs: &mut Vec<String>) {
        let text = self.list_file(path).unwrap_or_default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            match line.strip_prefix("include") {
                Some(pattern) if depth < INCLUDES => {
                    let pattern = join(parent(path), pattern.trim());
                    for file in self.matching(&pattern) {
                        self.ld_so_conf(&file, depth + 1, dirs);
                    }
                }
                _ => dirs.push(line.to_owned()),
            }
        }
    }

    /// The files that a pattern with `*` in its last component means, sorted.
    pub(super) fn matching(&self, pattern: &str) -> Vec<String> {
        let Some((head, tail)) = base_name(pattern).split_once('*') else {
            return vec![pattern.to_owned()];
        };
        let dir = parent(pattern);
        let mut names = self.files.list(dir);
        names.retain(|n| {
            n.len() >= head.len() + tail.len() && n.starts_with(head) && n.ends_with(tail)
        });
        names.sort();
        names.iter().map(|name| join(dir, name)).collect()
    }
}

/// A directory of a search path with the loader's words in it replaced.
fn expand(dir: &str, file: &str) -> String {
    let mut text = dir.to_owned();
    for (word, value) in [
        ("ORIGIN", parent(file)),
        ("LIB", "lib/x86_64-linux-gnu"),
        ("PLATFORM", "x86_64"),
    ] {
        text = text.replace(&format!("${{{word}}}"), value);
        text = text.replace(&format!("${word}"), value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_loader() {
        assert_eq!(
            expand("$ORIGIN/../lib", "/opt/x/bin/x"),
            "/opt/x/bin/../lib"
        );
        assert_eq!(expand("${ORIGIN}:/${LIB}", "/x"), "/:/lib/x86_64-linux-gnu");
    }
}
