//! What a row stands for: [`Subject`].

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use lupine_bench::{Application, PROGRAM, Row};
use lupine_init::GuestSpec;
use lupine_kconfig::DotConfig;
use lupine_kernel::KernelImage;
use lupine_rootfs::Rootfs;
use lupine_store::At;
use lupine_vm::{NO_ROOT, NetworkSpec, VmSpec};
use miette::{IntoDiagnostic, Result, WrapErr, miette};

use super::linked;
use crate::cli::{Cli, Command, RunOptions};
use crate::commands::{bare, parameters};
use crate::discovery::HostCommand;
use crate::guest_spec;
use crate::pipeline::{MEM_MIB, Pipeline, Prepared, Purpose};

/// Host name of a guest that is measured.
const HOSTNAME: &str = "lupine";

/// Where [`PROGRAM`] lies in a guest.
pub const PROGRAM_PATH: &str = "/.lupine/bench";

/// What a subject is built with beside its kernel and its application.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parts {
    /// A bzImage.
    pub bzimage: bool,
    /// A second root file system, with [`PROGRAM`] in it.
    pub program: bool,
}

/// A kernel with an application on it, ready to be booted any number of times.
#[derive(Clone)]
pub struct Subject {
    /// The kernel.
    pub kernel: KernelImage,
    /// Root file system and its format.
    rootfs: (PathBuf, String),
    /// The same with [`PROGRAM`] in it, where that was asked for.
    with_program: Option<PathBuf>,
    /// How init runs the application.
    pub guest: GuestSpec,
    /// The application's words, where the kernel starts it without init; none where it is in the kernel.
    pub bare: Option<Vec<String>>,
    /// The kernel gives its card an address by itself, and starts a program in it.
    for_programs: bool,
    /// Whether its output leaves by an I/O port.
    port_console: bool,
    /// Memory that it gets when nobody says otherwise.
    pub mem_mib: u32,
    /// Its processors.
    pub cpus: u32,
    /// More words for the VMM.
    vmm_args: Vec<String>,
    /// More words for the kernel's command line.
    kernel_args: Vec<String>,
    /// Succeeds when the application works. Without one it has to end with status 0.
    pub check: Option<HostCommand>,
    /// What loads it, and what a client beside it asks for.
    pub application: Application,
    /// Flags, image and command for `lupine run`, unless the kernel is a baseline.
    pub words: Option<Vec<String>>,
}

impl Subject {
    /// Builds what the row says.
    ///
    /// # Errors
    /// Those of the stages.
    pub fn of_row(
        pipeline: &Pipeline<'_>,
        row: &Row,
        application: &Application,
        parts: Parts,
    ) -> Result<Self> {
        let options = options(&row.flags)?;
        let Application { image, command, .. } = application;
        let prepared = pipeline.prepare(image, command, &options.build)?;
        let kernel = match &row.link {
            None => pipeline.kernel(&prepared, &options.build, parts.bzimage)?,
            Some(flags) => linked::kernel(pipeline, application, flags, row.beside)?,
        };
        let mut subject = Self::new(pipeline, application, &options, &prepared, kernel)?;
        if row.link.is_some() {
            subject.on_kernel_for_programs(row.beside);
            return Ok(subject);
        }
        if parts.program && application.operations.is_empty() {
            subject.add_program(pipeline, &options, &prepared)?;
        }
        let words = row.flags.iter().chain([image]).chain(command);
        subject.words = Some(words.cloned().collect());
        Ok(subject)
    }

    /// Builds an application for the kernel of a whole `.config`.
    ///
    /// # Errors
    /// Those of the stages; a kernel that can mount no root file system of ours.
    pub fn on_baseline(
        pipeline: &Pipeline<'_>,
        application: &Application,
        config: &Path,
        parts: Parts,
    ) -> Result<Self> {
        let mut options = options(&[])?;
        let source = &options.build.kernel.source;
        let kernel = pipeline.baseline(config, source, parts.bzimage, Purpose::Boot)?;
        let resolved = fs::read_to_string(&kernel.config).at("read", &kernel.config)?;
        let format = format_for(&DotConfig::parse(&resolved)?)
            .ok_or_else(|| miette!("{} can mount no root file system", config.display()))?;
        options.build.fs = Some(format.into());
        let Application { image, command, .. } = application;
        let prepared = pipeline.prepare(image, command, &options.build)?;
        let mut subject = Self::new(pipeline, application, &options, &prepared, kernel)?;
        if parts.program && application.operations.is_empty() {
            subject.add_program(pipeline, &options, &prepared)?;
        }
        Ok(subject)
    }

    fn new(
        pipeline: &Pipeline<'_>,
        application: &Application,
        options: &RunOptions,
        prepared: &Prepared,
        kernel: KernelImage,
    ) -> Result<Self> {
        let own = pipeline.own_spec(prepared);
        let Rootfs { path, format, .. } = pipeline.rootfs(prepared, &own, &options.build)?;
        let is_bare = options.no_init;
        let usual = prepared.needs.mem_mib.unwrap_or_default().max(MEM_MIB);
        Ok(Self {
            kernel,
            rootfs: (path, format.to_string()),
            with_program: None,
            guest: guest_spec::spec(&prepared.spec, &options.app, HOSTNAME)?,
            bare: is_bare.then(|| bare(prepared)).transpose()?,
            for_programs: false,
            port_console: options.build.kernel.has_port_console(),
            mem_mib: options.app.memory.unwrap_or(usual),
            cpus: options.build.cpus,
            vmm_args: options.vmm_args.clone(),
            kernel_args: options.kernel_args.clone(),
            check: application
                .check
                .as_deref()
                .map(HostCommand::parse)
                .transpose()?,
            application: application.clone(),
            words: None,
        })
    }

    fn add_program(
        &mut self,
        pipeline: &Pipeline<'_>,
        options: &RunOptions,
        prepared: &Prepared,
    ) -> Result<()> {
        let own = pipeline.own_spec(prepared);
        let rootfs = pipeline.rootfs_with(&[program()], prepared, &own, &options.build)?;
        self.with_program = Some(rootfs.path);
        Ok(())
    }

    /// Its kernel is one of `lupine link`, with the application in it unless that is beside it.
    fn on_kernel_for_programs(&mut self, beside: bool) {
        if !beside {
            self.rootfs = (PathBuf::new(), NO_ROOT.into());
            self.bare = Some(Vec::new());
        }
        self.for_programs = self.bare.is_some();
    }

    /// The file of the root file system, where there is one.
    pub fn rootfs(&self) -> Option<&Path> {
        let (path, format) = &self.rootfs;
        (format != NO_ROOT).then_some(path)
    }

    /// The same kernel and files, and these words for what measures: the application itself, if it can, or else
    /// [`PROGRAM`] in its place; it ends by itself.
    ///
    /// # Errors
    /// When the subject was built without the program.
    pub fn measuring(&self, words: Vec<String>) -> Result<Self> {
        if self.application.operations.is_empty() {
            return self.with_program(words);
        }
        let mut subject = self.clone();
        subject.guest.argv.truncate(1);
        subject.guest.argv.extend(words);
        if let Some(bare) = subject.bare.as_mut().filter(|bare| !bare.is_empty()) {
            bare.clone_from(&subject.guest.argv);
        }
        subject.check = None;
        Ok(subject)
    }

    /// The same kernel and files, and [`PROGRAM`] with these words in the application's place; it ends by itself.
    ///
    /// # Errors
    /// When the subject was built without the program.
    fn with_program(&self, words: Vec<String>) -> Result<Self> {
        let path = self.with_program.clone();
        let path = path.ok_or_else(|| miette!("it was built without the program"))?;
        let mut subject = self.clone();
        subject.rootfs.0 = path;
        subject.guest.argv = [vec![PROGRAM_PATH.to_owned()], words].concat();
        subject.check = None;
        Ok(subject)
    }

    /// Says which files are measured: two subjects of one key give the same numbers.
    pub fn key(&self) -> String {
        let (rootfs, _) = &self.rootfs;
        let name = rootfs.file_name().unwrap_or_default();
        format!("{} {}", self.kernel.metadata.vmlinux.sha256, name.display())
    }

    /// A virtual machine whose private directory is `dir`, with a network if the check needs one.
    ///
    /// # Errors
    /// What a kernel that has its program in it cannot do.
    pub fn vm_spec(&self, dir: &Path, mem_mib: u32) -> Result<VmSpec> {
        let ports = self.check.iter().flat_map(HostCommand::ports);
        let publish = ports.map(|guest_port| lupine_vm::Publish {
            ip: std::net::Ipv4Addr::LOCALHOST,
            host_port: 0,
            guest_port,
            udp: false,
        });
        let network = match self.check {
            Some(_) => NetworkSpec::User {
                publish: publish.collect(),
                loopback: self.guest.loopback,
            },
            None => NetworkSpec::None,
        };
        let mut kernel_args = self.kernel_args.clone();
        if self.for_programs {
            kernel_args.extend(parameters(&self.guest, network.addresses().as_ref())?);
        }
        let (kernel, rootfs) = (self.kernel.vmlinux.clone(), self.rootfs.clone());
        Ok(VmSpec {
            network,
            cpus: self.cpus,
            bare: self.bare.clone(),
            port_console: self.port_console,
            vmm_args: self.vmm_args.clone(),
            kernel_args,
            ..VmSpec::plain(kernel, rootfs, mem_mib, dir.into())
        })
    }
}

/// [`PROGRAM`] as a root file system gets it.
pub fn program() -> (&'static str, &'static [u8]) {
    (PROGRAM_PATH, PROGRAM)
}

/// A row's flags, as `lupine run` reads them.
pub fn options(flags: &[String]) -> Result<RunOptions> {
    let words = flags.iter().map(String::as_str);
    let words = ["lupine", "run"].into_iter().chain(words).chain(["image"]);
    let cli = Cli::try_parse_from(words).into_diagnostic();
    match cli.map(|cli| cli.command) {
        Ok(Command::Run(options)) => Ok(*options),
        Ok(_) => Err(miette!("{flags:?} are no flags of run")),
        Err(report) => Err(report).wrap_err_with(|| format!("{flags:?} are no flags of run")),
    }
}

/// The root file system that the other rows have, or the next best that a kernel can mount.
fn format_for(config: &DotConfig) -> Option<&'static str> {
    let formats = [
        ("ext2", "EXT2_FS"),
        ("ext2", "EXT4_USE_FOR_EXT2"),
        ("ext4", "EXT4_FS"),
        ("squashfs", "SQUASHFS"),
        ("erofs", "EROFS_FS"),
        ("cpio", "BLK_DEV_INITRD"),
    ];
    let found = formats
        .iter()
        .find(|(_, symbol)| config.symbol(symbol) == "y");
    found.map(|(format, _)| *format)
}

#[cfg(test)]
mod tests {
    use lupine_bench::Suites;

    use super::*;

    #[test]
    fn every_rows_flags_are_understood() {
        for (name, row) in Suites::builtin().unwrap().rows() {
            let options = options(&row.flags);
            let options = options.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(options.image_and_command, ["image"], "{name}");
            let link = row.link.as_deref().map(linked::args).transpose();
            link.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let fragments =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kernel/config/feature");
            for feature in options.build.kernel.features {
                let fragment = fragments.join(format!("{feature}.config"));
                assert!(fragment.is_file(), "{name}: {feature}");
            }
        }
    }

    #[test]
    fn a_baseline_gets_a_file_system_that_it_has() {
        let format = |text: &str| format_for(&DotConfig::parse(text).unwrap());
        assert_eq!(format("CONFIG_EXT2_FS=y\nCONFIG_SQUASHFS=y"), Some("ext2"));
        assert_eq!(format("CONFIG_SQUASHFS=y"), Some("squashfs"));
        assert_eq!(format("CONFIG_EXT4_FS=m"), None);
    }
}
