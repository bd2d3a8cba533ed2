//! Somebody else's kernel, from the same source with the same compiler.

use lupine_kconfig::DotConfig;
use lupine_kernel::{Formats, KernelImage};
use miette::{Result, miette};

use super::Pipeline;
use crate::cli::SourceOptions;

impl Pipeline<'_> {
    /// The kernel of a whole `.config`.
    ///
    /// # Errors
    /// The kernel stage's; a configuration for another machine, of which Kconfig would leave nothing.
    pub fn baseline(
        &self,
        config: &str,
        from: &SourceOptions,
        bzimage: bool,
    ) -> Result<KernelImage> {
        if DotConfig::parse(config)?.symbol("X86_64") != "y" {
            return Err(miette!(
                help = "name the whole .config that its kernel was built with, not a part of it",
                "this is no configuration of a kernel for 64-bit x86"
            ));
        }
        let source = from.kernel_source.parse()?;
        let build = self.kernel_options(&source, from, Formats { bzimage });
        let kernel = lupine_kernel::baseline(self.store, config, &build)?;
        self.reporter.finish();
        Ok(kernel)
    }
}
