//! Kernels with a program of ours in them, and the same ones without.

use std::fs;
use std::path::Path;

use clap::Parser;
use lupine_bench::Application;
use lupine_kernel::{FileRecord, KernelImage};
use lupine_link::{Imports, Object, Program};
use lupine_store::{At, Store};
use miette::{IntoDiagnostic, Result, WrapErr, miette};

use crate::cli::{Cli, Command, LinkArgs};
use crate::pipeline::{Pipeline, link_into, sha256};

/// Store kind of kernels with a program in them.
const KIND: &str = "linked";
/// Where the program was compiled would be in the kernel's build ID otherwise.
const NO_PLACES: &str = "-g0";

/// The kernel that `lupine link` with `flags` makes of the application, kept in the store; with the application `beside`
/// it, the one that this one is linked into.
///
/// # Errors
/// An application that is no program of ours; those of the link and kernel stages.
pub fn kernel(
    pipeline: &Pipeline<'_>,
    application: &Application,
    flags: &[String],
    beside: bool,
) -> Result<KernelImage> {
    let args = args(flags)?;
    let staging = pipeline.store.staging()?;
    let imports = Imports::builtin().into_diagnostic()?;
    let program = program(application, &args)?;
    let object = lupine_link::prepare(&program, &imports, staging.path())?;
    let kernel = pipeline.kernel_for_program(&object, &imports, &args)?;
    match beside {
        true => Ok(kernel),
        false => with_program(pipeline.store, kernel, &object, &args, staging.path()),
    }
}

/// Flags as `lupine link` reads them.
pub fn args(flags: &[String]) -> Result<LinkArgs> {
    let words = flags.iter().map(String::as_str);
    let words = ["lupine", "link"]
        .into_iter()
        .chain(words)
        .chain(["file.o"]);
    let cli = Cli::try_parse_from(words).into_diagnostic();
    match cli.map(|cli| cli.command) {
        Ok(Command::Link(args)) => Ok(args),
        Ok(_) => Err(miette!("{flags:?} are no flags of link")),
        Err(report) => Err(report).wrap_err_with(|| format!("{flags:?} are no flags of link")),
    }
}

fn program(application: &Application, args: &LinkArgs) -> Result<Program> {
    if application.objects.is_empty() {
        return Err(miette!(
            "{} is no program of ours, of which there are objects to link",
            application.image
        ));
    }
    Ok(Program {
        files: application.objects.clone(),
        flags: vec![NO_PLACES.into()],
        libc: args.libc.into(),
        gate: args.gate,
        words: application.command.clone(),
    })
}

fn with_program(
    store: &Store,
    mut kernel: KernelImage,
    object: &Object,
    args: &LinkArgs,
    dir: &Path,
) -> Result<KernelImage> {
    let bytes = fs::read(&object.path).at("read", &object.path)?;
    let key = sha256(&[kernel.key.as_bytes(), &bytes].concat());
    kernel.vmlinux = match store.get(KIND, &key) {
        Some(vmlinux) => vmlinux,
        None => {
            let made = link_into(&kernel, object, args, dir)?;
            store.publish(&made.kernel, KIND, &key)?
        }
    };
    let bytes = fs::read(&kernel.vmlinux).at("read", &kernel.vmlinux)?;
    kernel.metadata.vmlinux = FileRecord {
        sha256: sha256(&bytes),
        bytes: bytes.len() as u64,
    };
    Ok(kernel)
}
