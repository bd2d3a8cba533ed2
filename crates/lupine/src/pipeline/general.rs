//! The general kernel that a bundle could have had.

use std::collections::BTreeSet;

use lupine_bundle::Manifest;
use lupine_kconfig::{Value, merge};
use lupine_kernel::KernelImage;
use lupine_needs::{Machine, Port, Profile, Subject, Tables, derive};
use miette::Result;

use super::{Pipeline, Prepared};
use crate::cli::{BuildOptions, ProfileChoice};

impl Pipeline<'_> {
    /// The options that the general kernel for this image has; one that a person took away counts, too.
    ///
    /// # Errors
    /// Those of the needs and kconfig stages.
    pub fn general_options(
        &self,
        prepared: &Prepared,
        options: &BuildOptions,
    ) -> Result<BTreeSet<String>> {
        let mut options = options.clone();
        let kernel = &mut options.kernel;
        kernel.profile = ProfileChoice::General;
        kernel.tiny = false;
        kernel.options.retain(|(_, value)| value != "n");
        let general = self.configured(prepared.clone(), &options, None)?;
        let requests = general.merged.requests.into_iter();
        let on = requests.filter(|(_, request)| request.value == Value::Yes);
        Ok(on.map(|(option, _)| option).collect())
    }

    /// The general kernel for a bundle's image and machine, if the cache has it; nothing is built
    /// or downloaded.
    ///
    /// # Errors
    /// Those of the needs, kconfig and kernel stages.
    pub fn general_kernel(&self, bundle: &Manifest) -> Result<Option<KernelImage>> {
        let machine = Machine {
            fs: bundle.rootfs.format.clone(),
            network: true,
            cpus: 1,
            vmm: bundle.vmm.clone(),
            ..Machine::default()
        };
        let needs = derive(
            &Tables::builtin()?,
            &subject(bundle),
            &machine,
            Profile::General,
        );
        let fragments = lupine_kernel::fragments(&self.data, &needs, &bundle.vmm, &[], &[])?;
        let merged = merge(&fragments)?;
        Ok(lupine_kernel::find(self.store, &merged, &self.data)?)
    }
}

/// What a bundle still says about its image.
fn subject(bundle: &Manifest) -> Subject {
    let ports = bundle.exposed_ports.iter().map(|port| Port {
        number: port.port,
        udp: port.udp,
    });
    Subject {
        argv: bundle.spec.argv.clone(),
        ports: ports.collect(),
        user: bundle.spec.user.clone(),
        ..Subject::default()
    }
}
