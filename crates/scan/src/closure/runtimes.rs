//! Extensions that language runtimes load by a rule of their own.

use super::Closure;
use crate::files::{base_name, join, parent};
use crate::report::Reason;

/// Where extensions may lie, by the name of the runtime's program or library. `~` is the directory
/// of the file itself; a `*` stands for any rest of a name in its component.
const RULES: [(&[&str], &[&str]); 6] = [
    (
        &["python3", "libpython3"],
        &[
            "/usr/lib/python3*",
            "/usr/local/lib/python3*",
            "/usr/lib64/python3*",
            "/opt/venv/lib/python3*",
            "~/../lib/python3*",
        ],
    ),
    (&["java", "libjli.so", "libjvm.so"], &["~/../lib", "~"]),
    (
        &["php", "libphp"],
        &[
            "/usr/lib/php",
            "/usr/local/lib/php/extensions",
            "/usr/lib/php8*",
            "/usr/lib64/php",
        ],
    ),
    (
        &["perl", "libperl"],
        &[
            "/usr/lib/x86_64-linux-gnu/perl*",
            "/usr/local/lib/perl*",
            "/usr/lib/perl5",
            "/usr/share/perl5",
            "/usr/local/lib/x86_64-linux-gnu/perl*",
        ],
    ),
    (
        &["ruby", "libruby"],
        &[
            "/usr/lib/x86_64-linux-gnu/ruby",
            "/usr/local/lib/ruby",
            "/usr/lib/ruby",
            "/usr/local/bundle",
        ],
    ),
    (
        &["node"],
        &[
            "/usr/local/lib/node_modules",
            "/usr/lib/node_modules",
            ".",
            "/app",
        ],
    ),
];

/// How deep and how far one tree of directories is searched.
const DEPTH: usize = 12;
const ENTRIES: usize = 50_000;

impl Closure<'_> {
    /// Takes in the extensions that this file, if it is a runtime, may load.
    pub(super) fn runtime(&mut self, number: usize, path: &str) {
        let name = base_name(path);
        let is_runtime = |prefixes: &&[&str]| prefixes.iter().any(|prefix| runs(name, prefix));
        let rule = RULES.iter().find(|rule| is_runtime(&rule.0));
        let Some((_, places)) = rule else {
            return;
        };
        let mut dirs: Vec<String> = Vec::new();
        if let Some(home) = self.start.var("JAVA_HOME").filter(|_| name.contains('j')) {
            dirs.push(join(home, "lib"));
        }
        for place in *places {
            let place = match place.strip_prefix('~') {
                Some(rest) => format!("{}{rest}", parent(path)),
                None if *place == "." => self.start.cwd.clone(),
                None => (*place).to_owned(),
            };
            dirs.extend(self.matching(&place));
        }
        let mut found = Vec::new();
        let mut left = ENTRIES;
        for dir in dirs.iter().filter(|dir| dir.len() > 1) {
            self.extensions(dir, DEPTH, &mut left, &mut found);
        }
        if left == 0 {
            self.warn(format!(
                "{path}: its extensions were looked for in {ENTRIES} places only"
            ));
        }
        for extension in found {
            self.add(&extension, Reason::Runtime(path.into()), Some(number));
        }
    }

    fn extensions(&self, dir: &str, depth: usize, left: &mut usize, found: &mut Vec<String>) {
        let mut names = self.files.list(dir);
        names.sort();
        for name in names {
            if *left == 0 {
                return;
            }
            *left -= 1;
            let path = join(dir, &name);
            if name.ends_with(".so") || name.ends_with(".node") {
                found.push(path);
                continue;
            }
            // A name with a dot is rarely a directory: most files need no look-up.
            let maybe =
                depth > 0 && (!name.contains('.') || name.ends_with(|c: char| c.is_ascii_digit()));
            let entry = maybe.then(|| self.files.resolve(&path)).flatten();
            // A link that leads elsewhere may lead back here.
            let real = entry.filter(|e| e.kind == crate::EntryKind::Directory);
            if real.is_some_and(|real| base_name(&real.path) == name) {
                self.extensions(&path, depth - 1, left, found);
            }
        }
    }
}

/// Whether a file of this name is the runtime: `python3`, `python3.11`, but not `python3-config`.
fn runs(name: &str, prefix: &str) -> bool {
    let Some(rest) = name.strip_prefix(prefix) else {
        return false;
    };
    let rest = rest.split(".so").next().unwrap_or_default();
    rest.chars().all(|c| c == '.' || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_runtimes() {
        assert!(runs("python3.11", "python3") && runs("libpython3.11.so.1.0", "libpython3"));
        assert!(runs("php8.2", "php") && runs("node", "node"));
        assert!(!runs("python3-config", "python3") && !runs("javac", "java"));
    }
}
