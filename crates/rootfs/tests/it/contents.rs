//! Contents and names, byte by byte.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use lupine_image::Kind;
use lupine_init::decode_spec;
use lupine_rootfs::{Format, Replaced};
use lupine_tool::Tool;

use crate::fixture::{Bench, INIT, ODD_NAMES, noise, oddities, spec};

/// Unpacks an image with the format's own tool. What that tool cannot make
/// here (owners and devices without root) is no failure.
fn unpack(format: Format, image: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    let tool = match format {
        Format::Ext2 | Format::Ext4 => {
            let request = format!("rdump / {}", to.display());
            Tool::new("debugfs").arg("-R").arg(request).arg(image)
        }
        Format::Erofs => Tool::new("fsck.erofs")
            .arg(format!("--extract={}", to.display()))
            .args(["--overwrite", "--no-preserve"])
            .arg(image),
        Format::Squashfs => Tool::new("unsquashfs")
            .args([
                "-q",
                "-n",
                "-f",
                "-no-xattrs",
                "-ignore-errors",
                "-no-exit-code",
                "-d",
            ])
            .args([to, image]),
        Format::Cpio => Tool::new("cpio")
            .args(["-idm", "--quiet", "--no-absolute-filenames", "-F"])
            .arg(image)
            .current_dir(to),
    };
    // cpio and debugfs fail over devices and owners; what matters is read below.
    let _ = tool.run();
}

#[test]
fn contents_names_and_links_come_back_from_every_format() {
    let bench = Bench::new(oddities());
    for format in Format::ALL {
        let to = bench.path(&format!("unpacked-{format}"));
        unpack(format, &bench.pack(format).path, &to);
        check(format, &to).unwrap_or_else(|error| panic!("{format}: {error}"));
    }
}

#[test]
fn another_content_takes_the_place_of_a_file_under_all_its_names() {
    let mut bench = Bench::new(oddities());
    let node = bench.tree.get("srv/data").unwrap();
    let Kind::File { content, .. } = node.kind else {
        panic!("{node:?}");
    };
    let (kept, other) = (bench.tree.content(node).unwrap(), bench.path("other"));
    fs::write(&other, "more than was there").unwrap();
    let before = bench.pack(Format::Cpio);
    bench.replaced = Replaced {
        digest: "other".into(),
        contents: [(content, other)].into(),
    };
    let after = bench.pack(Format::Cpio);
    assert_ne!(before.key, after.key);
    let to = bench.path("unpacked");
    unpack(Format::Cpio, &after.path, &to);
    for name in ["srv/data", "srv-second", "a-first"] {
        assert_eq!(fs::read(to.join(name)).unwrap(), b"more than was there");
    }
    assert_eq!(fs::read(kept).unwrap(), b"owned");
}

/// Compares an unpacked tree with the fixture.
fn check(format: Format, root: &Path) -> io::Result<()> {
    let read = |path: &str| fs::read(root.join(path));
    assert_eq!(read("etc/passwd")?, b"root:x:0:0::/:/bin/sh\n");
    assert_eq!(read("usr/bin/ping")?, vec![7; 5000]);
    assert!(read("srv/large")? == noise(5 << 20), "srv/large differs");
    assert_eq!(read("srv/empty")?, b"");
    for name in ["srv/data", "srv-second", "a-first"] {
        assert_eq!(read(name)?, b"owned", "{name}");
    }
    assert_eq!(fs::read_link(root.join("bin"))?, Path::new("usr/bin"));
    let long = "dir/".repeat(50);
    assert_eq!(
        fs::read_link(root.join("long"))?.as_os_str(),
        OsStr::new(&long)
    );
    for name in ODD_NAMES {
        let path = root.join("odd").join(OsStr::from_bytes(name));
        assert_eq!(fs::read(path)?, name);
    }
    assert_eq!(fs::read_dir(root.join("odd"))?.count(), ODD_NAMES.len());
    assert_eq!(fs::read_dir(root.join("many"))?.count(), 700);
    assert_eq!(read(".lupine/init")?, INIT);
    assert_eq!(decode_spec(&read(".lupine/spec")?).unwrap(), spec());
    for name in ["dev", "proc", "sys", "run", "tmp", "etc"] {
        assert!(root.join(name).is_dir(), "{name}");
    }
    // fsck.erofs 1.5 leaves holes out when it extracts; see the sparse tests.
    match format {
        Format::Erofs => Ok(()),
        _ => check_sparse(&root.join("srv/sparse")),
    }
}

fn check_sparse(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    let file = fs::File::open(path)?;
    assert_eq!(file.metadata()?.len(), 400 << 16);
    for n in [0, 1, 200, 339, 340, 399] {
        let expected = format!("piece {n}").into_bytes();
        let mut bytes = vec![1; expected.len() + 1];
        file.read_exact_at(&mut bytes, n << 16)?;
        assert_eq!(bytes, [&expected[..], b"\0"].concat(), "piece {n}");
    }
    Ok(())
}
