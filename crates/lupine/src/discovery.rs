//! Finds out by running an application what it needs of a kernel.
//!
//! ```text
//! learn:    general kernel + recorder -> what it does when it works, what it asked for
//! prove:    the kernel for that -> does it still? if not: what was it refused? add it, again
//! minimize: that kernel + refusals, one option at a time, then jointly -> prove again
//! ```

mod check;
mod closure;
mod goal;
mod learn;
mod minimize;
mod prove;
mod scan;
mod testbed;
mod trials;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lupine_init::GuestSpec;
use lupine_kernel::KernelImage;
use lupine_needs::map::Map;
use lupine_needs::{Lookup, Need, Tables};
use lupine_rootfs::Rootfs;
use lupine_store::Staging;
use miette::{Result, miette};

use crate::cli::values::Volume;
use crate::cli::{AppOptions, BuildOptions, OnMissing, ProfileChoice};
use crate::guest_spec;
use crate::manifest::{CheckPart, ImagePart, KernelPart, MachinePart, Manifest, VERSION};
use crate::monitor::{Launch, NetworkPlan};
use crate::pipeline::{MEM_MIB, Pipeline, Prepared};
use crate::shares;

use goal::Goal;
use testbed::Testbed;

pub use check::{HostCommand, Ports};
pub use scan::{Reachable, reachable};

/// Host name of a guest that is looked at.
const HOSTNAME: &str = "lupine";

/// What shall be looked at, and how it is known to work.
pub struct Question<'a> {
    /// The image, as a user names it.
    pub image: &'a str,
    /// Replaces the image's command.
    pub command: &'a [String],
    /// What is built.
    pub build: BuildOptions,
    /// What the application is given.
    pub app: &'a AppOptions,
    /// Drives it.
    pub workload: Option<HostCommand>,
    /// Succeeds when it works.
    pub check: Option<HostCommand>,
    /// How long it may take to work on the general kernel.
    pub limit: Duration,
    /// How long all runs of a minimisation may take.
    pub budget: Duration,
}

/// What was found out.
#[derive(Debug)]
pub struct Answer {
    /// What it needs, with all that the kernel's own dependencies added.
    pub needs: Vec<Need>,
    /// What it does when it works.
    pub goal: Goal,
    /// TCP ports that it listens on.
    pub ports: BTreeSet<u16>,
    /// The kernel that it was seen to work on.
    pub kernel: Option<KernelPart>,
    /// How many kernels it took until it worked; the last time, if it was minimised.
    pub rounds: u32,
    /// How many kernels were made for it in all.
    pub kernels: u32,
    /// How many runs that took, minimisation included.
    pub trials: u32,
    /// In all.
    pub took: Duration,
}

/// An application under investigation.
pub struct Discovery<'a> {
    pipeline: &'a Pipeline<'a>,
    question: &'a Question<'a>,
    tables: Tables,
    map: Map,
    /// The image on the general kernel.
    general: Prepared,
    general_kernel: PathBuf,
    testbed: Testbed<'a>,
    /// Where links to shared files lie.
    _staging: Staging,
    trials: u32,
    kernels: u32,
    started: Instant,
}

impl<'a> Discovery<'a> {
    /// Loads the image and builds what every run of it needs.
    ///
    /// # Errors
    /// Those of the stages; an image that does not say what to run.
    pub fn new(pipeline: &'a Pipeline<'a>, question: &'a Question<'a>) -> Result<Self> {
        let started = Instant::now();
        let options = with_profile(&question.build, ProfileChoice::General);
        let general = pipeline.prepare(question.image, question.command, &options)?;
        if general.spec.argv.is_empty() {
            return Err(miette!(
                help = format!(
                    "say what to run: lupine needs {} -- COMMAND",
                    question.image
                ),
                "{} does not say what to run",
                question.image
            ));
        }
        let kernel = pipeline.kernel(&general, &options, false)?;
        let own = pipeline.own_spec(&general);
        let rootfs = pipeline.rootfs(&general, &own, &options)?;
        let staging = pipeline.store.staging()?;
        let mut spec = guest_spec::spec(&general.spec, question.app, HOSTNAME)?;
        let (shares, mounts) = shares::of(&read_only(&question.app.volume), staging.path())?;
        spec.mounts = mounts;
        let mut launch = launch(question, &general, &kernel, &rootfs, spec);
        launch.shares = shares;
        let testbed = Testbed {
            store: pipeline.store,
            launch,
            workload: question.workload.clone(),
            ports: tcp_ports(&general),
        };
        Ok(Self {
            pipeline,
            question,
            tables: Tables::builtin()?,
            map: Map::builtin()?,
            general,
            general_kernel: kernel.vmlinux,
            testbed,
            _staging: staging,
            trials: 0,
            kernels: 0,
            started,
        })
    }

    /// The application's name among those that were looked at.
    pub fn key(&self) -> String {
        crate::manifest::Saved::key(&self.general.image.digest, &self.general.spec.argv)
    }

    /// What features mean.
    fn lookup(&self) -> Lookup<'_> {
        Lookup {
            tables: &self.tables,
            map: &self.map,
        }
    }

    fn say(&self, what: &str) {
        self.pipeline.reporter.finish();
        self.pipeline.reporter.line(what);
    }

    /// What is worth keeping of an answer.
    pub fn manifest(&self, answer: &Answer) -> Manifest {
        let question = self.question;
        let text = |command: &Option<HostCommand>| command.as_ref().map(|c| c.text().to_owned());
        let app = question.app;
        let env = |entry: &crate::cli::values::EnvVar| {
            let value = entry
                .value
                .clone()
                .or_else(|| std::env::var(&entry.key).ok());
            value.map(|value| format!("{}={value}", entry.key))
        };
        Manifest {
            version: VERSION,
            image: ImagePart {
                reference: question.image.into(),
                digest: Some(self.general.image.digest.clone()),
                entrypoint: question.build.entrypoint.clone(),
                command: question.command.to_vec(),
                env: app.env.iter().filter_map(env).collect(),
                workdir: app.workdir.clone(),
                user: app.user.clone(),
            },
            machine: MachinePart {
                mem_mib: app.memory,
                publish: Vec::new(),
                ports: answer.ports.iter().copied().collect(),
                kml: question.build.kernel.kml,
            },
            check: CheckPart {
                check: text(&question.check),
                workload: text(&question.workload),
                seen: question.check.is_none().then(|| answer.goal.describe()),
            },
            kernel: answer.kernel.clone(),
            needs: answer.needs.iter().map(Into::into).collect(),
        }
    }
}

/// Shared directories are another's: what is only tried out must not change them.
fn read_only(volumes: &[Volume]) -> Vec<Volume> {
    let read_only = |volume: &Volume| Volume {
        read_only: true,
        ..volume.clone()
    };
    volumes.iter().map(read_only).collect()
}

/// The same options for another profile, and for a kernel that a recorder runs on.
fn with_profile(options: &BuildOptions, profile: ProfileChoice) -> BuildOptions {
    let mut options = options.clone();
    options.kernel.profile = profile;
    options.is_recorded = true;
    options
}

fn launch(
    question: &Question<'_>,
    prepared: &Prepared,
    kernel: &KernelImage,
    rootfs: &Rootfs,
    guest: GuestSpec,
) -> Launch {
    let usual = prepared.needs.mem_mib.unwrap_or_default().max(MEM_MIB);
    Launch {
        kernel: kernel.vmlinux.clone(),
        rootfs: (rootfs.path.clone(), rootfs.format.to_string()),
        mem_mib: question.app.memory.unwrap_or(usual),
        cpus: question.build.cpus,
        network: NetworkPlan::User(Vec::new()),
        shares: Vec::new(),
        vmm_args: Vec::new(),
        kernel_args: Vec::new(),
        bare: None,
        port_console: false,
        accel: question.app.accel.into(),
        guest,
        stats_file: None,
        wait_ready: false,
        on_missing: OnMissing::Warn,
        general: BTreeSet::new(),
        unknown: false,
        dispensable: BTreeSet::new(),
        application: None,
        needs: Vec::new(),
    }
}

/// The TCP ports that an image says it listens on.
fn tcp_ports(prepared: &Prepared) -> BTreeSet<u16> {
    let exposed = prepared.image.exposed_ports();
    let tcp = exposed
        .into_iter()
        .filter(|(_, proto)| *proto == lupine_image::Proto::Tcp);
    tcp.map(|(port, _)| port).collect()
}
