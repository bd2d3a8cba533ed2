//! Somebody else's kernel, from the same source with the same compiler.

use lupine_kernel::{Formats, KernelImage, SourceSpec};
use miette::Result;

use super::Pipeline;
use crate::cli::BuildOptions;

impl Pipeline<'_> {
    /// The kernel of a whole `.config`.
    ///
    /// # Errors
    /// The kernel stage's.
    pub fn baseline(
        &self,
        config: &str,
        options: &BuildOptions,
        bzimage: bool,
    ) -> Result<KernelImage> {
        let source: SourceSpec = options.kernel.kernel_source.parse()?;
        let patch_sets = options.kernel.all_patch_sets();
        let formats = Formats { bzimage };
        let build = self.kernel_options(&source, &patch_sets, options, formats);
        let kernel = lupine_kernel::baseline(self.store, config, &build)?;
        self.reporter.finish();
        Ok(kernel)
    }
}
