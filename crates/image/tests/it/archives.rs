//! Layouts, archives and directories, some of them made by the programs that people use.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use lupine_image::{ImageError, Kind, LoadOptions, Tree, flatten};
use lupine_store::Store;
use lupine_tool::Tool;

use crate::made::{self, Made, Pack, tar};
use crate::{load, store};

fn tree(store: &Store, reference: &str) -> Tree {
    let image = load(store, reference).unwrap();
    flatten(store, &image, &LoadOptions::default()).unwrap()
}

fn skopeo(from: &str, to: &str) {
    let tool = Tool::new("skopeo").args(["--insecure-policy", "copy", from, to]);
    tool.run().unwrap();
}

#[test]
fn one_image_of_a_layout_by_its_tag() {
    let (dir, store) = store();
    let layout = dir.path().join("layout");
    made::layout(
        &layout,
        &[("one", &Made::hello("1")), ("two", &Made::hello("2"))],
    );
    let place = layout.display();
    for (tag, text) in [("one", b"1"), ("two", b"2")] {
        let tree = tree(&store, &format!("oci:{place}:{tag}"));
        assert_eq!(tree.read("hello", 9).unwrap(), text);
    }
    for reference in [format!("oci:{place}"), format!("oci:{place}:three")] {
        let error = load(&store, &reference).unwrap_err().to_string();
        assert!(error.ends_with("it has: one, two"), "{error}");
    }
    let error = load(&store, "oci:/nowhere/at/all").unwrap_err().to_string();
    assert!(error.contains("/nowhere/at/all/index.json"), "{error}");
}

#[test]
fn a_layout_that_changes_is_loaded_again() {
    let (dir, store) = store();
    let layout = dir.path().join("layout");
    let reference = format!("oci:{}:x", layout.display());
    for text in ["1", "2"] {
        made::layout(&layout, &[("x", &Made::hello(text))]);
        assert_eq!(
            tree(&store, &reference).read("hello", 9).unwrap(),
            text.as_bytes()
        );
    }
}

#[test]
fn archives_as_skopeo_writes_them() {
    let (dir, store) = store();
    let layout = dir.path().join("layout");
    let image = Made::new(&[
        (tar(&[("lower", "l")]), Pack::Gzip),
        (tar(&[("hello", "h")]), Pack::Gzip),
    ]);
    made::layout(&layout, &[("x", &image)]);
    let from = format!("oci:{}:x", layout.display());
    let oci = dir.path().join("oci.tar");
    skopeo(&from, &format!("oci-archive:{}:x", oci.display()));
    let docker = dir.path().join("docker.tar");
    skopeo(&from, &format!("docker-archive:{}:app:7", docker.display()));
    let packed = dir.path().join("docker.tar.gz");
    fs::write(&packed, made::gzip(&fs::read(&docker).unwrap())).unwrap();
    for reference in [
        format!("oci-archive:{}", oci.display()),
        format!("oci-archive:{}:x", oci.display()),
        format!("docker-archive:{}", docker.display()),
        format!("docker-archive:{}:app:7", docker.display()),
        format!("docker-archive:{}:7", docker.display()),
        format!("docker-archive:{}", packed.display()),
    ] {
        let tree = tree(&store, &reference);
        assert_eq!(tree.read("lower", 9).unwrap(), b"l", "{reference}");
        assert_eq!(tree.read("hello", 9).unwrap(), b"h", "{reference}");
    }
    let error = load(
        &store,
        &format!("docker-archive:{}:app:8", docker.display()),
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("app:7"), "{error}");
    let error = load(&store, &format!("oci-archive:{}", docker.display()));
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("it has no index.json")
    );
    let half = dir.path().join("half.tar");
    let bytes = fs::read(&oci).unwrap();
    fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    let error = load(&store, &format!("oci-archive:{}", half.display())).unwrap_err();
    assert!(matches!(error, ImageError::Malformed { .. }), "{error}");
}

#[test]
fn an_image_that_umoci_made() {
    let (dir, store) = store();
    let layout = dir.path().join("layout");
    let layer = dir.path().join("layer.tar");
    fs::write(&layer, tar(&[("bin/app", "#!/bin/sh\n")])).unwrap();
    let name = format!("{}:v1", layout.display());
    let umoci = |args: &[&str]| Tool::new("umoci").args(args.iter().copied()).run().unwrap();
    umoci(&["init", "--layout", layout.to_str().unwrap()]);
    umoci(&["new", "--image", &name]);
    umoci(&[
        "raw",
        "add-layer",
        "--image",
        &name,
        layer.to_str().unwrap(),
    ]);
    umoci(&[
        "config",
        "--image",
        &name,
        "--config.cmd",
        "/bin/app",
        "--config.exposedports",
        "53/udp",
        "--config.user",
        "7:8",
        "--config.env",
        "A=b",
        "--config.workingdir",
        "/w",
        "--os",
        "linux",
        "--architecture",
        "amd64",
    ]);
    let image = load(&store, &format!("oci:{name}")).unwrap();
    assert_eq!(image.cmd(), ["/bin/app"]);
    assert_eq!(image.user(), "7:8");
    assert_eq!(image.workdir(), "/w");
    assert_eq!(image.exposed_ports(), [(53, lupine_image::Proto::Udp)]);
    let tree = flatten(&store, &image, &LoadOptions::default()).unwrap();
    let program = lupine_image::program(&tree, &image.cmd(), &image.env(), "");
    assert_eq!(program.chain.len(), 1);
    assert!(program.problem.unwrap().contains("/bin/sh does not exist"));
}

fn fill(dir: &Path) {
    fs::create_dir_all(dir.join("a/b")).unwrap();
    fs::write(dir.join("a/file"), "text").unwrap();
    fs::hard_link(dir.join("a/file"), dir.join("a/link")).unwrap();
    symlink("/a/file", dir.join("symlink")).unwrap();
    fs::write(dir.join("n".repeat(200)), "long").unwrap();
    let suid = dir.join("a/b/suid");
    fs::write(&suid, "s").unwrap();
    fs::set_permissions(&suid, fs::Permissions::from_mode(0o4755)).unwrap();
    xattr::set(&suid, "user.note", b"a\nb\0c").unwrap();
    let holes = fs::File::create(dir.join("holes")).unwrap();
    holes.set_len(50 << 20).unwrap();
}

#[test]
fn a_directory_becomes_the_same_layer_every_time() {
    let (dir, store) = store();
    let root = dir.path().join("root");
    fill(&root);
    let reference = format!("dir:{}", root.display());
    let image = load(&store, &reference).unwrap();
    let tree = flatten(&store, &image, &LoadOptions::default()).unwrap();
    assert_eq!(tree.read("symlink", 9).unwrap(), b"text");
    assert_eq!(tree.get("a/file").unwrap(), tree.get("a/link").unwrap());
    assert_eq!(tree.read("n".repeat(200), 9).unwrap(), b"long");
    let suid = tree.get("a/b/suid").unwrap();
    assert_eq!((suid.mode, suid.uid), (0o4755, 0));
    assert_eq!(suid.xattrs["user.note"], b"a\nb\0c");
    let holes = tree.get("holes").unwrap();
    assert!(matches!(holes.kind, Kind::File { bytes, .. } if bytes == 50 << 20));
    use std::os::unix::fs::MetadataExt;
    let content = fs::metadata(tree.content(holes).unwrap()).unwrap();
    assert!(content.blocks() < 100, "holes stay holes");

    let other = Store::open(dir.path().join("other")).unwrap();
    assert_eq!(load(&other, &reference).unwrap().digest, image.digest);
    fs::write(root.join("new"), "").unwrap();
    assert_ne!(load(&store, &reference).unwrap().digest, image.digest);
}

#[test]
fn no_directory() {
    let (dir, store) = store();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = load(&store, &format!("dir:{}", file.display())).unwrap_err();
    assert!(error.to_string().contains("it is a file"), "{error}");
    let error = load(&store, "dir:/nowhere").unwrap_err();
    assert!(error.to_string().contains("/nowhere"), "{error}");
}
