//! Somebody else's kernel, from the same source with the same compiler.

use std::fs;
use std::path::Path;

use lupine_kconfig::DotConfig;
use lupine_kernel::{Formats, KernelImage, NO_PATCHES, Options};
use lupine_store::At;
use miette::{Result, miette};

use super::Pipeline;
use crate::cli::SourceOptions;

/// In a file's place: the configuration that the kernel itself has for guests of KVM.
const DEFCONFIG: &str = "defconfig";

/// Whether there is a configuration behind this name.
pub fn is_config(path: &Path) -> bool {
    path.is_file() || path == Path::new(DEFCONFIG)
}

impl Pipeline<'_> {
    /// The kernel of a whole `.config`, or of the kernel's own `defconfig`, without the patches that ours get.
    ///
    /// # Errors
    /// The kernel stage's; a configuration for another machine, of which Kconfig would leave nothing.
    pub fn baseline(
        &self,
        config: &Path,
        from: &SourceOptions,
        bzimage: bool,
    ) -> Result<KernelImage> {
        let source = from.kernel_source.parse()?;
        let mut from = from.clone();
        from.patch_sets.insert(0, NO_PATCHES.into());
        let build = self.kernel_options(&source, &from, Formats { bzimage });
        let text = self.whole_config(config, &build)?;
        let kernel = lupine_kernel::baseline(self.store, &text, &build)?;
        self.reporter.finish();
        Ok(kernel)
    }

    fn whole_config(&self, config: &Path, build: &Options<'_>) -> Result<String> {
        if config == Path::new(DEFCONFIG) {
            return Ok(lupine_kernel::guest_defconfig(self.store, build)?);
        }
        let text = fs::read_to_string(config).at("read", config)?;
        if DotConfig::parse(&text)?.symbol("X86_64") == "y" {
            return Ok(text);
        }
        Err(miette!(
            help = "name the whole .config that its kernel was built with, not a part of it",
            "this is no configuration of a kernel for 64-bit x86"
        ))
    }
}
