//! From needs to a kernel: what the options themselves depend on is added.

use lupine_kconfig::{CheckError, DotConfig};
use lupine_kernel::{KernelError, KernelImage};
use lupine_needs::{Learned, Need, Setting};
use miette::{Result, WrapErr, miette};

use super::{Discovery, with_profile};
use crate::cli::{BuildOptions, ProfileChoice};
use crate::missing::dot_config;

/// How often dependencies of dependencies are followed.
const DEPTH: usize = 8;

/// A kernel for needs.
pub struct Built {
    /// The needs, with what their options depend on.
    pub needs: Vec<Need>,
    /// The kernel.
    pub kernel: KernelImage,
    /// What is on in it.
    pub config: DotConfig,
}

impl Discovery<'_> {
    /// The kernel for these needs and the machine's.
    ///
    /// # Errors
    /// Those of the kernel stage.
    pub(super) fn build(&self, needs: &[Need], minimized: bool) -> Result<Built> {
        let options = with_profile(&self.question.build, ProfileChoice::App);
        let mut needs = needs.to_vec();
        for _ in 0..DEPTH {
            let learned = Learned {
                needs: needs.clone(),
                minimized,
            };
            let prepared = self.pipeline.configure(&self.general, &options, learned)?;
            let dropped = match self.pipeline.resolve(&prepared, &options) {
                Ok(_) => {
                    let kernel = self.pipeline.kernel(&prepared, &options, false)?;
                    let config = dot_config(&kernel.config)?;
                    return Ok(Built {
                        needs,
                        kernel,
                        config,
                    });
                }
                Err(report) => dropped(report)?,
            };
            mend(&mut needs, &dropped, &options)?;
        }
        Err(miette!(
            help = "name the missing options by hand: --option CONFIG_X=y",
            "the options that were found depend on ever more others"
        ))
    }
}

/// What a report says of options that were asked for in vain.
fn dropped(report: miette::Report) -> Result<CheckError> {
    match report.downcast::<KernelError>() {
        Ok(KernelError::Check(check)) => Ok(*check),
        Ok(other) => Err(other.into()),
        Err(other) => Err(other),
    }
}

/// Asks for what is missing, too; an option that nothing can be done for is no need: it has no
/// prompt of its own, and what selects it was not needed.
fn mend(needs: &mut [Need], check: &CheckError, options: &BuildOptions) -> Result<()> {
    let mut mended = false;
    for dropped in &check.dropped {
        for need in needs.iter_mut() {
            let Some(at) = need.options.iter().position(|s| s.option == dropped.option) else {
                continue;
            };
            mended = true;
            let new: Vec<&String> = dropped
                .missing
                .iter()
                .filter(|option| !need.options.iter().any(|s| s.option == **option))
                .collect();
            if new.is_empty() {
                need.options.remove(at);
                continue;
            }
            for option in new {
                need.options.push(Setting {
                    option: option.clone(),
                    value: "y".into(),
                    why: format!("{} depends on it", dropped.option),
                });
            }
        }
    }
    if mended {
        return Ok(());
    }
    let vmm = &options.kernel.vmm;
    Err(KernelError::Check(Box::new(check.clone())))
        .wrap_err_with(|| format!("the kernel for {vmm} cannot be configured"))
}
