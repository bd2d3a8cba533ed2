//! Under which condition each C file is compiled: kbuild's Makefiles from the top down.

use std::collections::BTreeMap;

use lupine_needs::map::Condition;

use super::kconfig::Options;
use super::makefile::{Makefile, Words};
use super::simplify::simplify;

/// Variables whose words are objects and directories.
const LISTS: [&str; 5] = ["obj-", "lib-", "core-", "drivers-", "libs-"];
/// How deep objects may be made of objects.
const DEEPEST: usize = 6;

/// Conditions of directories and files, by path.
#[derive(Default)]
pub struct Kbuild {
    /// Directories, with their parents and the conditions there.
    parents: BTreeMap<String, Vec<(String, Condition)>>,
    /// Sources without `.c`, with the directory that names them and the conditions there.
    objects: BTreeMap<String, Vec<(String, Condition)>>,
}

impl Kbuild {
    /// Reads Makefiles: path and text. `Kbuild` counts before `Makefile`, but for those of the
    /// top and of the machine, which both count.
    pub fn of<'a>(files: impl Iterator<Item = (&'a str, &'a str)>, options: &Options) -> Self {
        let mut kbuild = Self::default();
        let mut by_directory: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for (path, text) in files {
            let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
            by_directory
                .entry(directory)
                .or_default()
                .push((name, text));
        }
        for (directory, files) in by_directory {
            let top = matches!(directory, "" | "arch/x86");
            let has_kbuild = files.iter().any(|(name, _)| *name == "Kbuild");
            for (name, text) in files {
                if top || !has_kbuild || name == "Kbuild" {
                    let file = Makefile::parse(text, &|name| options.condition(name));
                    // The machine's Makefile is read from the top directory.
                    let base = if name == "Makefile" && top {
                        ""
                    } else {
                        directory
                    };
                    kbuild.add(base, directory, &file);
                }
            }
        }
        kbuild
    }

    fn add(&mut self, base: &str, directory: &str, file: &Makefile) {
        for list in LISTS {
            for (word, condition) in file.words(list) {
                let word = word.replace("$(SRCARCH)", "x86").replace("$(BITS)", "64");
                if let Some(sub) = word.strip_suffix('/') {
                    let parent = (base.to_owned(), condition);
                    self.parents
                        .entry(joined(base, sub))
                        .or_default()
                        .push(parent);
                } else {
                    self.add_object(directory, file, &word, condition, 0);
                }
            }
        }
    }

    fn add_object(
        &mut self,
        directory: &str,
        file: &Makefile,
        word: &str,
        condition: Condition,
        depth: usize,
    ) {
        let Some(stem) = word.strip_suffix(".o") else {
            return;
        };
        let parts = format!("{stem}-");
        if depth < DEEPEST && file.has(&parts) {
            let members: Words = file.words(&parts);
            for (member, own) in members.into_iter().filter(|(member, _)| member != word) {
                let both = Condition::all([condition.clone(), own]);
                self.add_object(directory, file, &member, both, depth + 1);
            }
            return;
        }
        let user = (directory.to_owned(), condition);
        self.objects
            .entry(joined(directory, stem))
            .or_default()
            .push(user);
    }

    /// The condition under which a C file is compiled on its own; `Never` when no Makefile
    /// names it.
    pub fn condition(&self, path: &str) -> Condition {
        let users = path
            .strip_suffix(".c")
            .and_then(|stem| self.objects.get(stem));
        let each = users
            .into_iter()
            .flatten()
            .map(|(directory, own)| Condition::all([self.directory(directory, 0), own.clone()]));
        simplify(&Condition::any(each.collect::<Vec<_>>()))
    }

    fn directory(&self, path: &str, depth: usize) -> Condition {
        // The machine's directory is asked for by a variable in the top Makefile.
        if matches!(path, "" | "arch/x86") || depth > 32 {
            return Condition::Always;
        }
        let parents = self.parents.get(path).into_iter().flatten();
        let each = parents
            .map(|(parent, own)| Condition::all([self.directory(parent, depth + 1), own.clone()]));
        simplify(&Condition::any(each.collect::<Vec<_>>()))
    }
}

/// A path below a directory, with `.` and `..` resolved.
pub fn joined(directory: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in directory.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_go_from_the_top_to_the_member() {
        let kconfig = "config A\nconfig B\nconfig C\nconfig D\n";
        let options = Options::of([("Kconfig", kconfig)].into_iter());
        let files = [
            ("Kbuild", "obj-$(CONFIG_A) += a/\n"),
            (
                "a/Makefile",
                "obj-y += b/\nobj-$(CONFIG_B) += m.o sub/x.o\nm-y := n.o\nm-$(CONFIG_C) += o.o\n",
            ),
            ("a/b/Makefile", "obj-$(CONFIG_D) += d.o ../e.o\n"),
        ];
        let kbuild = Kbuild::of(files.into_iter(), &options);
        for (path, wanted) in [
            ("a/n.c", "CONFIG_A && CONFIG_B"),
            ("a/o.c", "CONFIG_A && CONFIG_B && CONFIG_C"),
            ("a/sub/x.c", "CONFIG_A && CONFIG_B"),
            ("a/b/d.c", "CONFIG_A && CONFIG_D"),
            ("a/e.c", "CONFIG_A && CONFIG_D"),
            ("a/m.c", "n"),
        ] {
            assert_eq!(kbuild.condition(path).to_string(), wanted, "{path}");
        }
    }
}
