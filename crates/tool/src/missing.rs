//! Which Debian package brings a program that is not there.

/// Program and the Debian 12 package that contains it.
const PACKAGES: &[(&str, &str)] = &[
    ("ab", "apache2-utils"),
    ("bison", "bison"),
    ("busybox", "busybox-static"),
    ("ccache", "ccache"),
    ("cpio", "cpio"),
    ("curl", "curl"),
    ("debugfs", "e2fsprogs"),
    ("e2fsck", "e2fsprogs"),
    ("fakeroot", "fakeroot"),
    ("flex", "flex"),
    ("g++", "g++"),
    ("gcc", "gcc"),
    ("ip", "iproute2"),
    ("make", "make"),
    ("mke2fs", "e2fsprogs"),
    ("mkfs.erofs", "erofs-utils"),
    ("mksquashfs", "squashfs-tools"),
    ("mmdebstrap", "mmdebstrap"),
    ("objcopy", "binutils"),
    ("musl-gcc", "musl-tools"),
    ("patch", "patch"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("redis-benchmark", "redis-tools"),
    ("redis-cli", "redis-tools"),
    ("setpriv", "util-linux"),
    ("sqfstar", "squashfs-tools"),
    ("strip", "binutils"),
    ("tar", "tar"),
    ("unshare", "util-linux"),
    ("xz", "xz-utils"),
];

/// The Debian package that contains `program`, if Lupine uses that program.
pub fn package_of(program: &str) -> Option<&'static str> {
    PACKAGES
        .iter()
        .find(|(name, _)| *name == program)
        .map(|(_, package)| *package)
}
