//! Files whose names stand in a program that can open libraries or start programs.

use super::Closure;
use crate::elf::Elf;
use crate::files::base_name;
use crate::report::Reason;

/// Functions that open libraries.
const OPEN: [&str; 3] = ["dlopen", "dlmopen", "lt_dlopenext"];
/// Functions that start programs.
const RUN: [&str; 10] = [
    "execve",
    "execv",
    "execvp",
    "execvpe",
    "execl",
    "execlp",
    "execle",
    "posix_spawn",
    "posix_spawnp",
    "fexecve",
];
/// Functions that start a shell.
const SHELL: [&str; 4] = ["system", "popen", "wordexp", "_IO_popen"];
/// Most directories named in a program that its plugins are looked for in.
const DIRS: usize = 64;

impl Closure<'_> {
    pub(super) fn named(&mut self, number: usize, elf: &Elf, path: &str) {
        let opens = elf.is_static() || elf.imports_any(&OPEN) || defines(elf, &OPEN);
        let library = self.members[number].is_library();
        let runs = !library && (elf.is_static() || elf.imports_any(&RUN));
        let why = || Reason::Named(path.into());
        if elf.imports_any(&SHELL) && !is_libc(path) {
            self.add("/bin/sh", why(), Some(number));
        }
        if library && !opens {
            return;
        }
        let names = elf.names();
        for text in names.iter().map(|name| name.text.as_str()) {
            if is_library_name(text) && opens {
                self.library(number, elf, path, text, why());
            } else if runs && text.starts_with('/') && self.is_program(text) {
                self.add(text, why(), Some(number));
            } else if !library && text.starts_with('/') && text.ends_with(".conf") {
                self.later.push(text.to_owned());
            }
        }
    }

    fn is_program(&self, path: &str) -> bool {
        if ["/proc/", "/sys/", "/dev/"]
            .iter()
            .any(|root| path.starts_with(root))
        {
            return false;
        }
        let entry = self.files.resolve(path);
        entry.is_some_and(|entry| entry.is_executable())
    }

    /// The directories whose names stand in the programs of the closure.
    pub(super) fn named_dirs(&mut self) -> Vec<String> {
        if self.dirs.0 == self.members.len() {
            return self.dirs.1.clone();
        }
        let programs = self.members.iter().filter(|member| !member.is_library());
        let texts = programs
            .filter_map(|member| Some(member.elf.as_ref()?.names()))
            .flatten();
        let paths = texts.map(|name| name.text);
        let is_dir = |path: &String| {
            let entry = self.files.resolve(path).map(|entry| entry.kind);
            path.len() > 4 && path.starts_with('/') && entry == Some(crate::EntryKind::Directory)
        };
        let dirs: Vec<String> = paths.filter(is_dir).take(DIRS).collect();
        self.dirs = (self.members.len(), dirs.clone());
        dirs
    }
}

fn defines(elf: &Elf, names: &[&str]) -> bool {
    elf.exports
        .iter()
        .any(|export| names.contains(&export.name.as_str()))
}

/// Whether the file is the C library, which has every function and every name.
fn is_libc(path: &str) -> bool {
    let name = base_name(path);
    name.starts_with("libc.so") || name.starts_with("libc-2.") || name.starts_with("ld-musl")
}

/// `libfoo.so`, `libfoo.so.1`, `/usr/lib/x/mod_x.so`; no formats with holes.
pub(super) fn is_library_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+/".contains(c);
    let Some(at) = text.find(".so").filter(|_| text.chars().all(plain)) else {
        return false;
    };
    let version = &text[at + 3..];
    let version_like = version.chars().all(|c| c == '.' || c.is_ascii_digit());
    version_like && (text.starts_with('/') || text.starts_with("lib")) && !text[..at].ends_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_libraries() {
        for name in [
            "libgcc_s.so.1",
            "/usr/lib/apache2/mod_ssl.so",
            "libfoo-1.2.so",
        ] {
            assert!(is_library_name(name), "{name}");
        }
        for name in ["lib%s.so", "x.so", "libfoo.sorry", "/x/.so", ".so"] {
            assert!(!is_library_name(name), "{name}");
        }
    }
}
