//! Images as root file systems.

use std::time::Instant;

use lupine_init::GuestSpec;
use lupine_rootfs::Rootfs;
use miette::Result;

use super::{Pipeline, Prepared};
use crate::cli::BuildOptions;
use crate::printer;

impl Pipeline<'_> {
    /// The root file system of the image, with `spec` in it.
    ///
    /// # Errors
    /// The rootfs stage's.
    pub fn rootfs(
        &self,
        prepared: &Prepared,
        spec: &GuestSpec,
        options: &BuildOptions,
    ) -> Result<Rootfs> {
        self.rootfs_with(&[], prepared, spec, options)
    }

    /// The same with further programs of Lupine's, by their path below `/.lupine`.
    ///
    /// # Errors
    /// The rootfs stage's.
    pub fn rootfs_with(
        &self,
        programs: &[(&str, &[u8])],
        prepared: &Prepared,
        spec: &GuestSpec,
        options: &BuildOptions,
    ) -> Result<Rootfs> {
        let started = Instant::now();
        let (_, replaced) = self.programs(prepared, options)?;
        let request = lupine_rootfs::Request {
            tree: &prepared.tree,
            tree_digest: &prepared.image.digest,
            replaced: &replaced,
            spec,
            init: lupine_init::INIT,
            programs,
            format: prepared.format,
            room_mib: options.room,
        };
        let rootfs = lupine_rootfs::pack(self.store, &request, self.reporter)?;
        self.reporter.finish();
        let line = format!(
            "root file system: {}, {}, in {}",
            rootfs.format,
            printer::size(rootfs.bytes),
            rootfs.path.display()
        );
        self.where_it_lies(&line, started);
        Ok(rootfs)
    }
}
