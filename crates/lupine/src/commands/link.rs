//! `lupine link`.

use lupine_kernel::KernelImage;
use lupine_link::{Imports, Linked, Object, Program};
use miette::{IntoDiagnostic, Result, miette};

use super::Context;
use crate::cli::{LinkArgs, Part};
use crate::pipeline::{Pipeline, copy_out};
use crate::printer;

/// What nobody should learn only afterwards.
const GIVEN_UP: &str = "the program runs at CPL 0 and can read, write and break the guest's kernel; only the VMM guards the host";
/// What binds whoever passes the file on.
const LICENCE: &str =
    "program and kernel are one combined work: pass it on under GPL-2.0 or not at all";

/// Links a program into a kernel.
pub fn link(context: &Context<'_>, args: &LinkArgs) -> Result<u8> {
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    let staging = store.staging()?;
    let imports = Imports::builtin().into_diagnostic()?;
    let object = lupine_link::prepare(&program(args), &imports, staging.path())?;
    context.reporter.line(GIVEN_UP);
    context.reporter.line(LICENCE);
    let options = options(&object, &imports);
    let kernel = pipeline.kernel_for_program(object.kernel_start()?, &options, args)?;
    let kit = kernel.link.as_ref().ok_or_else(|| {
        let dir = kernel.dir.display();
        miette!(
            help = "remove it and link again",
            "{dir} has nothing to link programs with"
        )
    })?;
    let made = lupine_link::link(kit, &object, &linked(&kernel, args), staging.path())?;
    copy_out(&made.kernel, &args.output)?;
    copy_out(&made.names, &lupine_link::names(&args.output))?;
    context.reporter.line(&format!(
        "{}: Linux {}, {} options, with a program of {}",
        args.output.display(),
        kernel.metadata.version,
        kernel.metadata.options_set,
        printer::size(object.bytes)
    ));
    Ok(0)
}

/// The program is called after its first file.
fn program(args: &LinkArgs) -> Program {
    let name = args.files.first().and_then(|file| file.file_stem());
    let name = name.unwrap_or_default().to_string_lossy().into_owned();
    let defined = args.define.iter().map(|macro_| format!("-D{macro_}"));
    let included = args
        .include
        .iter()
        .map(|dir| format!("-I{}", dir.display()));
    Program {
        files: args.files.clone(),
        flags: defined.chain(included).collect(),
        libc: args.libc.into(),
        gate: args.gate,
        words: [&[name], &args.arguments[..]].concat(),
    }
}

/// What the kernel says of itself.
fn linked(kernel: &KernelImage, args: &LinkArgs) -> Linked {
    Linked {
        version: kernel.metadata.version.clone(),
        options: kernel.metadata.options_set,
        cpus: args.cpus,
        volumes: args.with.contains(&Part::Volumes),
        network: !args.with.contains(&Part::NoNetwork),
    }
}

/// Options that compile what the program takes from the kernel.
fn options(object: &Object, imports: &Imports) -> Vec<String> {
    let found = object.imports.iter().filter_map(|name| imports.get(name));
    found.filter_map(|import| import.option.clone()).collect()
}
