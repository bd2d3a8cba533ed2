//! Stage rootfs.
