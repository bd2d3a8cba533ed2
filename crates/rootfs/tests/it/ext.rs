//! ext2 and ext4.
use lupine_rootfs::Format;

use crate::fixture::{Bench, oddities, run};

#[test]
fn look() {
    let bench = Bench::new(oddities());
    for format in [Format::Ext2, Format::Ext4] {
        let image = bench.pack(format);
        std::fs::copy(&image.path, format!("/root/t/test.{format}")).unwrap();
        println!("{}", run("e2fsck", &["-fn", image.path.to_str().unwrap()]));
    }
    for format in [Format::Erofs, Format::Squashfs, Format::Cpio] {
        let image = bench.pack(format);
        std::fs::copy(&image.path, format!("/root/t/test.{format}")).unwrap();
    }
}
