//! What holds for every format.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lupine_rootfs::Format;
use lupine_store::Store;

use crate::fixture::{Bench, ROOM, oddities};

#[test]
fn equal_input_gives_equal_bytes_in_another_store() {
    let bench = Bench::new(oddities());
    let other = Store::open(bench.path("other")).unwrap();
    for format in Format::ALL {
        let first = bench.pack(format);
        // A clock that went on must not be seen.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let second = bench.pack_into(&other, format, ROOM).unwrap();
        assert_ne!(first.path, second.path);
        let same = fs::read(first.path).unwrap() == fs::read(second.path).unwrap();
        assert!(same, "{format}");
    }
}

#[test]
fn a_packed_image_is_found_again_and_is_write_protected() {
    let bench = Bench::new(oddities());
    let first = bench.pack(Format::Erofs);
    let metadata = first.path.metadata().unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o444);
    assert_eq!(metadata.len(), first.bytes);
    let again = bench.pack(Format::Erofs);
    assert_eq!(first, again);
    assert_eq!(
        again.path.metadata().unwrap().modified().unwrap(),
        metadata.modified().unwrap()
    );
    assert_eq!(bench.store.keys("rootfs").unwrap(), [first.key]);
}

#[test]
fn what_goes_in_makes_the_key() {
    let bench = Bench::new(oddities());
    let pack = |format, room| bench.pack_into(&bench.store, format, room).unwrap().key;
    assert_ne!(pack(Format::Ext2, 1), pack(Format::Ext2, 2));
    assert_ne!(pack(Format::Ext2, 1), pack(Format::Ext4, 1));
    assert_eq!(pack(Format::Cpio, 1), pack(Format::Cpio, 2));
}
