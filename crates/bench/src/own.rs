//! Programs of ours that are put on kernels: [`own`].

use std::fs;
use std::path::PathBuf;

use lupine_store::{At, Store};
use lupine_tool::Tool;

use crate::BenchError;
use crate::suite::hash;

/// How a program is made.
struct Recipe {
    name: &'static str,
    source: &'static str,
    compiler: &'static str,
    compile: &'static [&'static str],
    link: &'static [&'static str],
}

const RECIPES: [Recipe; 2] = [
    // The least there is: without a C library, and without what a linker adds for others.
    Recipe {
        name: "hello",
        source: include_str!("../../../bench/hello/hello.c"),
        compiler: "gcc",
        compile: &[
            "-Os",
            "-fno-pie",
            "-fno-stack-protector",
            "-fcf-protection=none",
            "-fno-asynchronous-unwind-tables",
        ],
        link: &[
            "-static",
            "-nostdlib",
            "-no-pie",
            "-Wl,--build-id=none,-z,noseparate-code,-z,max-page-size=4096",
            "-s",
        ],
    },
    // With a C library, and compiled as `lupine link` compiles.
    Recipe {
        name: "ukl",
        source: include_str!("../../../bench/ukl/ukl.c"),
        compiler: "musl-gcc",
        compile: &["-O2", "-fPIE", "-pthread"],
        link: &["-static", "-no-pie", "-s"],
    },
];
/// Store kind of programs.
const KIND: &str = "own-programs";

/// A program of ours, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// A directory that holds nothing but the program, static, by its name.
    pub root: PathBuf,
    /// The object that it was linked of.
    pub object: PathBuf,
}

impl Recipe {
    /// Compiled at its first use, and kept in the store.
    fn made(&self, store: &Store) -> Result<Own, BenchError> {
        let flags = [self.compile, self.link].concat().join(" ");
        let key = hash(&[self.source, self.compiler, &flags].concat());
        let dir = match store.get(KIND, &key) {
            Some(dir) => dir,
            None => self.make(store, &key)?,
        };
        Ok(Own {
            root: dir.join("root"),
            object: dir.join(self.name).with_extension("o"),
        })
    }

    fn make(&self, store: &Store, key: &str) -> Result<PathBuf, BenchError> {
        let staging = store.staging()?;
        let dir = staging.path().join("program");
        let root = dir.join("root");
        fs::create_dir_all(&root).at("create", &root)?;
        let source = staging.path().join(self.name).with_extension("c");
        fs::write(&source, self.source).at("write", &source)?;
        let object = dir.join(self.name).with_extension("o");
        let compiler = || Tool::new(self.compiler);
        let compile = compiler().args(self.compile.iter()).arg("-c").arg(&source);
        compile.arg("-o").arg(&object).run()?;
        let link = compiler().args(self.link.iter()).arg(&object);
        link.arg("-o").arg(root.join(self.name)).run()?;
        Ok(store.publish(&dir, KIND, key)?)
    }
}

/// The program of ours that `image` names, as in `dir:{hello}`, and `image` with its directory in place of its name;
/// nothing for images that name none.
///
/// # Errors
/// No compiler, or a compiler's error.
pub fn own(store: &Store, image: &str) -> Result<Option<(String, Own)>, BenchError> {
    for recipe in &RECIPES {
        let name = format!("{{{}}}", recipe.name);
        if image.contains(&name) {
            let own = recipe.made(store)?;
            let image = image.replace(&name, &own.root.display().to_string());
            return Ok(Some((image, own)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_names_a_program_that_is_compiled_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(own(&store, "deb:hello").unwrap(), None);
        for name in ["hello", "ukl"] {
            let image = format!("dir:{{{name}}}");
            let (place, made) = own(&store, &image).unwrap().unwrap();
            assert_eq!(place, format!("dir:{}", made.root.display()));
            let program = fs::read(made.root.join(name)).unwrap();
            assert!(program.starts_with(b"\x7fELF") && made.object.is_file());
            let files = fs::read_dir(&made.root).unwrap().count();
            assert_eq!(files, 1, "{name}");
            assert_eq!(own(&store, &image).unwrap(), Some((place, made)));
        }
    }
}
