//! `lupine`: Linux kernels for one image each, and the guests that run them.

mod application;
mod bench;
mod cli;
mod commands;
mod discovery;
mod guest_spec;
mod manifest;
mod missing;
mod monitor;
mod own;
mod pipeline;
mod printer;
mod progress;
mod quiet;
mod reply;
mod shares;
mod state;
mod tap;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use cli::Cli;
use progress::{Reporter, Verbosity};

/// As docker: the application's own statuses stay below.
const OWN_FAILURE: u8 = 125;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let verbosity = match (cli.quiet, cli.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    let failure = match cli.command {
        cli::Command::Run(_) => OWN_FAILURE,
        _ => 1,
    };
    let reporter = Reporter::new(verbosity);
    let result = commands::dispatch(cli, &reporter);
    reporter.finish();
    match result {
        Ok(status) => ExitCode::from(status),
        Err(report) => {
            printer::report(&report);
            ExitCode::from(failure)
        }
    }
}

/// Help and version go to stdout and succeed; wrong usage goes to stderr.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        // A reader that went away is no failure of ours.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    printer::complain(error.render().to_string().trim_end());
    if std::env::args().nth(1).as_deref() == Some("run") {
        return ExitCode::from(OWN_FAILURE);
    }
    ExitCode::from(2)
}
