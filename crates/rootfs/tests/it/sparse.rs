//! Files and room that are much larger than what they hold.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use lupine_rootfs::{Format, RootfsError};

use crate::fixture::{Bench, Layer, root, run};
use crate::metadata::debugfs;

const GIB: u64 = 1 << 30;

/// Two files of 8 GiB with a few bytes at their ends and in the middle.
fn huge() -> Bench {
    let mut layer = Layer::new();
    layer.directory("srv", root(0o755));
    let pieces = |text: &str| {
        let at = [0, 5 * GIB + 4095, 8 * GIB - 3];
        at.map(|at| (at, text.as_bytes().to_vec())).to_vec()
    };
    layer.sparse("srv/one", 8 * GIB, &pieces("one"));
    layer.sparse("srv/two", 8 * GIB, &pieces("two"));
    Bench::new(layer)
}

#[test]
fn a_file_of_holes_stays_one() {
    let bench = huge();
    for format in [Format::Ext2, Format::Ext4, Format::Erofs] {
        let image = bench.pack(format);
        let on_disk = image.path.metadata().unwrap().blocks() * 512;
        assert!(on_disk < 4 << 20, "{format} takes {on_disk} bytes");
        assert!(
            image.bytes < 200 << 20,
            "{format} has {} bytes",
            image.bytes
        );
    }
}

#[test]
fn a_file_of_holes_reads_back() {
    let bench = huge();
    for format in [Format::Ext2, Format::Ext4] {
        let image = bench.pack(format).path;
        run("e2fsck", &["-fn", image.to_str().unwrap()]);
        for at in [0, 5 * GIB + 4095, 8 * GIB - 3] {
            let found = read_two(&image, at);
            assert_eq!(&found, b"two", "{format} at {at}");
        }
        let hole = debugfs(&image, &format!("bmap /srv/two {}", 4 * GIB / 4096));
        assert_eq!(hole.trim(), "0");
    }
}

/// Three bytes of `/srv/two`, found by debugfs's map of its blocks.
fn read_two(image: &Path, at: u64) -> Vec<u8> {
    let file = fs::File::open(image).unwrap();
    let byte = |at: u64| {
        let block = debugfs(image, &format!("bmap /srv/two {}", at / 4096));
        let block: u64 = block.trim().parse().unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, block * 4096 + at % 4096)
            .unwrap();
        byte[0]
    };
    (at..at + 3).map(byte).collect()
}

#[test]
fn chunks_of_erofs_read_back() {
    let bench = huge();
    let image = bench.pack(Format::Erofs).path;
    run("fsck.erofs", &[image.to_str().unwrap()]);
    let file = fs::File::open(&image).unwrap();
    let mapped = run(
        "dump.erofs",
        &["-e", "--path=/srv/two", image.to_str().unwrap()],
    );
    for at in [0, 5 * GIB + 4095, 8 * GIB - 3] {
        let found: Vec<u8> = (at..at + 3)
            .map(|at| {
                let mut byte = [0];
                file.read_exact_at(&mut byte, physical(&mapped, at))
                    .unwrap();
                byte[0]
            })
            .collect();
        assert_eq!(&found, b"two", "at {at}");
    }
}

/// Where dump.erofs says that the byte at `logical` lies. A line reads
/// `N: FROM..TO | LENGTH : FROM..TO | LENGTH`.
fn physical(mapped: &str, logical: u64) -> u64 {
    let range = |text: &str| {
        let (from, to) = text.split_once("..")?;
        Some((
            from.trim().parse::<u64>().ok()?,
            to.trim().parse::<u64>().ok()?,
        ))
    };
    let extents = mapped.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split([':', '|']).collect();
        Some((range(fields.get(1)?)?, range(fields.get(3)?)?))
    });
    let mut found = extents.filter(|((from, to), _)| (*from..*to).contains(&logical));
    let ((from, _), (place, _)) = found.next().unwrap();
    place + logical - from
}

#[test]
fn an_archive_refuses_what_it_cannot_hold() {
    let bench = huge();
    let error = bench.pack_into(&bench.store, Format::Cpio, 0).unwrap_err();
    assert!(matches!(error, RootfsError::Unfit { .. }), "{error}");
    assert!(error.to_string().contains("/srv/one"), "{error}");
    assert_eq!(bench.store.keys("rootfs").unwrap(), [""; 0]);
}

#[test]
fn room_is_free_space_and_costs_nothing() {
    let bench = Bench::new(Layer::new());
    for format in [Format::Ext2, Format::Ext4] {
        for room_mib in [0, 1, 64, 127, 128, 129, 4000] {
            let image = bench.pack_into(&bench.store, format, room_mib).unwrap();
            run("e2fsck", &["-fn", image.path.to_str().unwrap()]);
            let stats = debugfs(&image.path, "stats -h");
            let free = stats
                .lines()
                .find_map(|line| line.strip_prefix("Free blocks:"));
            let free: u64 = free.unwrap().trim().parse().unwrap();
            assert!(free * 4096 >= room_mib << 20, "{format} {room_mib}: {free}");
            assert!(
                free * 4096 < (room_mib + 2) << 20,
                "{format} {room_mib}: {free}"
            );
            let on_disk = image.path.metadata().unwrap().blocks() * 512;
            assert!(on_disk < 2 << 20, "{format} {room_mib}: {on_disk}");
        }
    }
}
