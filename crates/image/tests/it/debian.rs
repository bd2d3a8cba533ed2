//! Real packages from the real archive; `hello` is the smallest.

use lupine_image::{ImageError, Link, LoadOptions, Pull, flatten, program};

use crate::{load, load_with, store};

#[test]
fn hello_is_installed_the_same_twice() {
    let (dir, store) = store();
    let never = load_with(&store, "deb:hello", Pull::Never).unwrap_err();
    assert!(matches!(never, ImageError::NotPulled { .. }), "{never}");
    let image = load(&store, "deb:hello").unwrap();
    let tree = flatten(&store, &image, &LoadOptions::default()).unwrap();
    let program = program(&tree, &image.cmd(), &image.env(), "");
    assert_eq!(program.problem, None);
    let [Link::Elf { path, needed, .. }] = &program.chain[..] else {
        panic!("{program:?}");
    };
    assert_eq!(path, "/usr/bin/hello");
    assert_eq!(needed, &["libc.so.6"]);
    assert!(tree.resolve("/lib64/ld-linux-x86-64.so.2").is_some());
    let other = lupine_store::Store::open(dir.path().join("other")).unwrap();
    assert_eq!(load(&other, "deb:hello").unwrap().digest, image.digest);
}

#[test]
fn a_package_that_does_not_exist() {
    let (_dir, store) = store();
    let error = load(&store, "deb:no-such-package-at-all").unwrap_err();
    assert!(matches!(error, ImageError::Debian { .. }), "{error}");
    let error = miette::Report::new(error);
    assert!(
        error.to_string().contains("no-such-package-at-all"),
        "{error}"
    );
    assert!(
        error
            .help()
            .unwrap()
            .to_string()
            .contains("apt-cache search"),
        "{error}"
    );
}

#[test]
fn a_server_finds_the_directory_below_run_that_systemd_would_make() {
    let (_dir, store) = store();
    let image = load(&store, "deb:tinyproxy").unwrap();
    assert!(image.listens_on_loopback());
    let tree = flatten(&store, &image, &LoadOptions::default()).unwrap();
    let node = tree.get("run/tinyproxy").unwrap();
    assert!(node.is_directory() && node.uid != 0, "{node:?}");
    assert_eq!(node.mode & 0o777, 0o750);
}
