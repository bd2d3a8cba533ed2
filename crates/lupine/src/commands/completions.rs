//! `lupine completions SHELL`.

use clap::CommandFactory;
use miette::Result;

use crate::cli::{Cli, CompletionsArgs};
use crate::printer;

/// Writes completions to stdout.
pub fn completions(args: &CompletionsArgs) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "lupine", &mut script);
    printer::bytes(&script);
    Ok(0)
}
