//! Owners, modes, devices, links, times and attributes.

use std::path::Path;

use lupine_rootfs::Format;

use crate::fixture::{Bench, MTIME, oddities, run};

/// An entry as every tool can show it: path, type and permissions, owner, group, links.
pub const ENTRIES: [(&str, u32, u32, u32, u32); 12] = [
    ("usr/bin/sudo", 0o104_755, 0, 0, 1),
    ("srv", 0o042_775, 1001, 100_000, 2),
    ("srv/data", 0o102_640, 1001, 100_000, 3),
    ("a-first", 0o102_640, 1001, 100_000, 3),
    ("odd", 0o040_700, 0, 0, 2),
    ("tmp", 0o041_777, 0, 0, 2),
    ("proc", 0o040_555, 0, 0, 2),
    ("dev/null", 0o020_660, 0, 0, 1),
    ("dev/sda", 0o060_660, 0, 0, 1),
    ("srv/fifo", 0o010_660, 0, 0, 1),
    (".lupine/init", 0o100_755, 0, 0, 1),
    (".lupine/spec", 0o100_600, 0, 0, 1),
];

#[test]
fn ext2_and_ext4_are_clean_and_keep_metadata() {
    let bench = Bench::new(oddities());
    for format in [Format::Ext2, Format::Ext4] {
        let image = bench.pack(format).path;
        run("e2fsck", &["-fn", image.to_str().unwrap()]);
        check_ext(&image);
        let wide = debugfs(&image, "stat /dev/wide");
        assert!(wide.contains("300:70000"), "{wide}");
        let listed = debugfs(&image, "ea_list /usr/bin/ping");
        assert!(
            listed.contains("security.capability (20) = 01 00 00 02 00 20"),
            "{listed}"
        );
        let time = format!("mtime: 0x{MTIME:08x}");
        for kind in ["mtime", "atime", "ctime"] {
            let stat = debugfs(&image, "stat /srv/data");
            assert!(stat.contains(&time.replace("mtime", kind)), "{stat}");
        }
    }
}

/// Compares [`ENTRIES`] with what debugfs shows.
pub fn check_ext(image: &Path) {
    for (path, mode, uid, gid, links) in ENTRIES {
        let stat = debugfs(image, &format!("stat /{path}"));
        let words: Vec<&str> = stat.split_whitespace().collect();
        let value = |name: &str| {
            let at = words.iter().position(|word| *word == name).unwrap();
            words[at + 1]
        };
        let octal = u32::from_str_radix(value("Mode:"), 8).unwrap();
        assert_eq!(octal, mode & 0o7777, "{path}");
        assert!(stat.contains(kind(mode).0), "{path}: {stat}");
        assert_eq!(value("User:"), uid.to_string(), "{path}");
        assert_eq!(value("Group:"), gid.to_string(), "{path}");
        assert_eq!(value("Links:"), links.to_string(), "{path}");
    }
}

/// What debugfs answers.
pub fn debugfs(image: &Path, request: &str) -> String {
    run("debugfs", &["-R", request, image.to_str().unwrap()])
}

/// A type's name for debugfs and for dump.erofs, and its letter.
fn kind(mode: u32) -> (&'static str, &'static str, char) {
    match mode & 0o170_000 {
        0o010_000 => ("FIFO", "fifo", 'p'),
        0o020_000 => ("character special", "char dev", 'c'),
        0o040_000 => ("directory", "directory", 'd'),
        0o060_000 => ("block special", "block dev", 'b'),
        _ => ("regular", "regular file", '-'),
    }
}

#[test]
fn erofs_keeps_metadata() {
    let bench = Bench::new(oddities());
    let image = bench.pack(Format::Erofs).path;
    run("fsck.erofs", &[image.to_str().unwrap()]);
    check_erofs(&image);
}

/// Compares [`ENTRIES`] with what dump.erofs shows.
pub fn check_erofs(image: &Path) {
    for (path, mode, uid, gid, links) in ENTRIES {
        let path = format!("--path=/{path}");
        let shown = run("dump.erofs", &[&path, image.to_str().unwrap()]);
        let words: Vec<&str> = shown.split_whitespace().collect();
        let value = |name: &str| {
            let at = words.iter().position(|word| *word == name).unwrap();
            words[at + 1]
        };
        assert!(
            value("Access:").starts_with(&format!("{:04o}/", mode & 0o777)),
            "{shown}"
        );
        assert!(shown.contains(kind(mode).1), "{shown}");
        assert_eq!(value("Uid:"), uid.to_string(), "{shown}");
        assert_eq!(value("Gid:"), gid.to_string(), "{shown}");
        assert_eq!(value("Links:"), links.to_string(), "{shown}");
    }
}

#[test]
fn squashfs_keeps_metadata() {
    let bench = Bench::new(oddities());
    let image = bench.pack(Format::Squashfs).path;
    check_squashfs(&image);
    let listed = run("unsquashfs", &["-lln", image.to_str().unwrap()]);
    let root = listed.lines().next().unwrap();
    assert!(root.contains("1970-01-01 00:00"), "{root}");
}

/// Compares [`ENTRIES`] with what unsquashfs lists; it shows no link counts.
pub fn check_squashfs(image: &Path) {
    let listed = run("unsquashfs", &["-lln", image.to_str().unwrap()]);
    for (path, mode, uid, gid, _) in ENTRIES {
        let end = format!(" squashfs-root/{path}");
        let line = listed.lines().find(|line| line.ends_with(&end)).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], letters(mode), "{line}");
        assert_eq!(words[1], format!("{uid}/{gid}"), "{line}");
    }
}

#[test]
fn cpio_keeps_metadata() {
    let bench = Bench::new(oddities());
    let image = bench.pack(Format::Cpio).path;
    check_cpio(&image);
    let listed = list_cpio(&image);
    assert!(listed.contains("init -> .lupine/init"), "{listed}");
    assert!(listed.contains("300, 70000"), "{listed}");
}

/// Compares [`ENTRIES`] with what cpio lists.
pub fn check_cpio(image: &Path) {
    let listed = list_cpio(image);
    for (path, mode, uid, gid, links) in ENTRIES {
        let end = format!(" {path}");
        let line = listed.lines().find(|line| line.ends_with(&end)).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], letters(mode), "{line}");
        assert_eq!(
            words[1..4],
            [links, uid, gid].map(|n| n.to_string()),
            "{line}"
        );
    }
}

fn list_cpio(image: &Path) -> String {
    run("cpio", &["-itvn", "--quiet", "-F", image.to_str().unwrap()])
}

/// `st_mode` as ls writes it.
fn letters(mode: u32) -> String {
    let mut letters: Vec<char> = vec![kind(mode).2];
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        letters.push(if bits & 4 != 0 { 'r' } else { '-' });
        letters.push(if bits & 2 != 0 { 'w' } else { '-' });
        letters.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    letters.into_iter().collect()
}
