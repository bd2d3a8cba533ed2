//! The same bytes without root.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use lupine_rootfs::Format;
use lupine_store::Store;
use lupine_tool::Tool;

use crate::fixture::{Bench, ROOM, oddities};
use crate::metadata::{check_cpio, check_erofs, check_ext, check_squashfs};

/// Tells the child below where to work; a plain run of the tests has none.
const PLACE: &str = "LUPINE_TEST_UNPRIVILEGED";

#[test]
fn nobody_packs_the_same_bytes_as_root() {
    if let Some(place) = std::env::var_os(PLACE) {
        return pack_all(Path::new(&place));
    }
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o777)).unwrap();
    run_child(place.path());
    let bench = Bench::new(oddities());
    for format in Format::ALL {
        let theirs = fs::read(place.path().join(format.name())).unwrap();
        let ours = fs::read(bench.pack(format).path).unwrap();
        assert!(theirs == ours, "{format}");
    }
}

/// Runs this very test as user 65534 where we are root, and as ourselves where not.
fn run_child(place: &Path) {
    // The test's program may lie where nobody else may look.
    let program = place.join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let tool = if fs::metadata("/proc/self").unwrap().uid() == 0 {
        Tool::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
            .arg(&program)
    } else {
        Tool::new(&program)
    };
    tool.args([
        "--exact",
        "unprivileged::nobody_packs_the_same_bytes_as_root",
    ])
    .env(PLACE, place)
    .env("TMPDIR", place)
    .current_dir(place)
    .run()
    .unwrap();
}

fn pack_all(place: &Path) {
    let bench = Bench::new(oddities());
    let store = Store::open(place.join("store")).unwrap();
    for format in Format::ALL {
        let image = bench.pack_into(&store, format, ROOM).unwrap().path;
        match format {
            Format::Ext2 | Format::Ext4 => check_ext(&image),
            Format::Erofs => check_erofs(&image),
            Format::Squashfs => check_squashfs(&image),
            Format::Cpio => check_cpio(&image),
        }
        fs::copy(&image, place.join(format.name())).unwrap();
    }
}
