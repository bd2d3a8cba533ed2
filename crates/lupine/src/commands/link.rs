//! `lupine link`.

use lupine_link::{Imports, Program};
use miette::{IntoDiagnostic, Result};

use super::Context;
use crate::cli::LinkArgs;
use crate::pipeline::{Pipeline, copy_out, link_into};
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
    let kernel = pipeline.kernel_for_program(&object, &imports, args)?;
    let made = link_into(&kernel, &object, args, staging.path())?;
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
