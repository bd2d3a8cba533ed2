//! Layers with every oddity, and layers that must be refused.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use lupine_image::{ImageError, Kind, Limits, LoadOptions, Tree, flatten};
use lupine_store::Store;
use lupine_tool::Tool;
use tar::EntryType;

use crate::made::{self, Made, Pack, digest, raw_member, tar};
use crate::{load, store};

fn flat(store: &Store, dir: &Path, image: &Made, limits: Limits) -> Result<Tree, ImageError> {
    let layout = dir.join("layout");
    let _ = fs::remove_dir_all(&layout);
    made::layout(&layout, &[("x", image)]);
    let image = load(store, &format!("oci:{}:x", layout.display())).unwrap();
    let options = LoadOptions {
        limits,
        ..LoadOptions::default()
    };
    flatten(store, &image, &options)
}

fn refused(layer: Vec<u8>, limits: Limits) -> ImageError {
    let (dir, store) = store();
    let image = Made::new(&[(layer, Pack::Gzip)]);
    let error = flat(&store, dir.path(), &image, limits).unwrap_err();
    assert!(store.keys("trees").unwrap().is_empty());
    assert_eq!(fs::read_dir(store.root().join("tmp")).unwrap().count(), 0);
    error
}

#[test]
fn what_gnu_tar_writes_in_each_of_its_formats() {
    let (dir, store) = store();
    let root = dir.path().join("root");
    fs::create_dir(&root).unwrap();
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    fs::create_dir(root.join("d".repeat(120))).unwrap();
    fs::write(root.join(&long), "long").unwrap();
    std::os::unix::fs::symlink(&long, root.join("to-long")).unwrap();
    // Enough pieces that old sparse headers need extension blocks.
    let pieces = (0..40).map(|n| (1 << 20) + n * 8192);
    let sparse = fs::File::create(root.join("sparse")).unwrap();
    sparse.set_len(3 << 20).unwrap();
    for at in pieces.chain([0, (3 << 20) - 1]) {
        sparse.write_all_at(b"x", at).unwrap();
    }
    let bytes = fs::read(root.join("sparse")).unwrap();
    fs::hard_link(root.join("sparse"), root.join("twin")).unwrap();
    for format in [
        &["--format=gnu"][..],
        &["--format=oldgnu"],
        &["--format=pax", "--sparse-version=0.0"],
        &["--format=pax", "--sparse-version=0.1"],
        &["--format=pax", "--sparse-version=1.0"],
    ] {
        let file = dir.path().join("layer.tar");
        Tool::new("tar")
            .args(format.iter().copied())
            .args(["--sparse", "-C"])
            .arg(&root)
            .arg("-cf")
            .arg(&file)
            .arg(".")
            .run()
            .unwrap();
        let layer = fs::read(&file).unwrap();
        assert!(layer.len() < 2 << 20, "{format:?} is not sparse");
        let image = Made::new(&[(layer, Pack::Zstd)]);
        let tree = flat(&store, dir.path(), &image, Limits::default()).unwrap();
        assert!(tree.read("sparse", 9 << 20).unwrap() == bytes, "{format:?}");
        assert_eq!(tree.get("sparse"), tree.get("twin"), "{format:?}");
        assert_eq!(tree.read("to-long", 9).unwrap(), b"long", "{format:?}");
    }
}

#[test]
fn devices_owners_and_special_files() {
    let (dir, store) = store();
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |kind: EntryType, path: &str, mode| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(mode);
        header.set_uid(1234);
        header.set_gid(99);
        header.set_mtime(77);
        header.set_device_major(8).unwrap();
        header.set_device_minor(17).unwrap();
        builder.append_data(&mut header, path, &b""[..]).unwrap();
    };
    add(EntryType::Char, "char", 0o600);
    add(EntryType::Block, "block", 0o660);
    add(EntryType::Fifo, "fifo", 0o622);
    add(EntryType::Regular, "sticky", 0o6755);
    let image = Made::new(&[(builder.into_inner().unwrap(), Pack::Plain)]);
    let tree = flat(&store, dir.path(), &image, Limits::default()).unwrap();
    let kind = |path: &str| tree.get(path).unwrap().kind.clone();
    assert_eq!(kind("char"), Kind::CharDevice(8, 17));
    assert_eq!(kind("block"), Kind::BlockDevice(8, 17));
    assert_eq!(kind("fifo"), Kind::Fifo);
    let node = tree.get("sticky").unwrap();
    assert_eq!(
        (node.mode, node.uid, node.gid, node.mtime),
        (0o6755, 1234, 99, 77)
    );
}

#[test]
fn escapes_are_refused() {
    for layer in [
        raw_member(EntryType::Regular, b"../evil", b""),
        raw_member(EntryType::Regular, b"a/../../evil", b""),
        raw_member(EntryType::Link, b"x", b"../../etc/shadow"),
    ] {
        let error = refused(layer, Limits::default());
        assert!(matches!(error, ImageError::Escape { .. }), "{error}");
    }
    let error = refused(
        raw_member(EntryType::Link, b"x", b"/etc/passwd"),
        Limits::default(),
    );
    assert!(error.to_string().contains("not in the image"), "{error}");
}

#[test]
fn an_absolute_path_means_the_images_root() {
    let (dir, store) = store();
    let layer = raw_member(EntryType::Regular, b"/lupine-must-not-appear", b"");
    let image = Made::new(&[(layer, Pack::Plain)]);
    let tree = flat(&store, dir.path(), &image, Limits::default()).unwrap();
    assert!(tree.get("lupine-must-not-appear").is_some());
    assert!(!Path::new("/lupine-must-not-appear").exists());
}

#[test]
fn bombs_are_refused() {
    let small = Limits {
        unpacked_bytes: 1 << 20,
        entries: 10,
        path_bytes: 50,
        ..Limits::default()
    };
    let text = "x".repeat(2 << 20);
    let many: Vec<(String, &str)> = (0..11).map(|n| (format!("f{n}"), "")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, t)| (n.as_str(), *t)).collect();
    let long = "p/".repeat(30);
    for (layer, what) in [
        (tar(&[("big", &text)]), "unpacked bytes"),
        (tar(&many), "entries"),
        (tar(&[(&format!("{long}x"), "")]), "bytes in one path"),
    ] {
        let error = refused(layer, small);
        assert!(
            matches!(&error, ImageError::TooMuch { what: is, .. } if *is == what),
            "{error}"
        );
    }
    let ratio = Limits {
        ratio_free_bytes: 1 << 20,
        ..Limits::default()
    };
    let zeros = String::from_utf8(vec![0; 30 << 20]).unwrap();
    let layer = tar(&[("zeros", &zeros)]);
    let (dir, store) = store();
    let image = Made::new(&[(layer, Pack::Zstd)]);
    let error = flat(&store, dir.path(), &image, ratio).unwrap_err();
    assert!(
        error.to_string().contains("cannot honestly hold"),
        "{error}"
    );
}

#[test]
fn corrupt_layers_are_told() {
    let good = tar(&[("hello", "text")]);
    for (layer, why) in [
        (good[..700].to_vec(), "ends in the middle"),
        ([&[1; 512], &good[..]].concat(), "malformed"),
        (b"rubbish".to_vec(), "ends in the middle of a header"),
    ] {
        let error = refused(layer, Limits::default());
        assert!(matches!(error, ImageError::CorruptLayer { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    let (dir, store) = store();
    let mut image = Made::new(&[(good, Pack::Gzip)]);
    let packed = &mut image.blobs[0];
    packed.truncate(packed.len() - 9);
    let (digest, size) = (digest(packed), packed.len());
    image.manifest["layers"][0]["digest"] = digest.into();
    image.manifest["layers"][0]["size"] = size.into();
    let error = flat(&store, dir.path(), &image, Limits::default()).unwrap_err();
    assert!(matches!(error, ImageError::CorruptLayer { .. }), "{error}");
}

#[test]
fn a_layer_that_the_configuration_does_not_know_is_refused() {
    let (dir, store) = store();
    let layer = tar(&[("hello", "text")]);
    let wrong = [digest(b"something else")];
    let image = Made::with_diff_ids("amd64", &[(layer, Pack::Gzip)], &wrong);
    let error = flat(&store, dir.path(), &image, Limits::default()).unwrap_err();
    assert!(matches!(error, ImageError::WrongDigest { .. }), "{error}");
}

#[test]
fn whiteouts_across_layers_and_a_tree_that_is_kept() {
    let (dir, store) = store();
    let image = Made::new(&[
        (tar(&[("a/x", "1"), ("a/y", "2"), ("b/z", "3")]), Pack::Gzip),
        (
            tar(&[("a/.wh.x", ""), ("b/.wh..wh..opq", ""), ("b/new", "4")]),
            Pack::Zstd,
        ),
    ]);
    let tree = flat(&store, dir.path(), &image, Limits::default()).unwrap();
    let paths: Vec<&[u8]> = tree.iter().map(|(path, _)| path).collect();
    assert_eq!(paths, [&b"a"[..], b"a/y", b"b", b"b/new"]);
    let key = &store.keys("trees").unwrap()[0];
    let contents = store.path("trees", key).join("contents");
    assert_eq!(
        fs::read_dir(contents).unwrap().count(),
        2,
        "hidden files take no space"
    );
    let index = store.path("trees", key).join("index");
    fs::write(index, "damaged").unwrap();
    let again = flat(&store, dir.path(), &image, Limits::default()).unwrap();
    assert_eq!(again.len(), 4);
}
