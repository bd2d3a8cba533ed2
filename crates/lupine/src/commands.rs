//! The verbs, one module each.

mod audit;
mod bench;
mod build;
mod cache;
mod completions;
mod config;
mod doctor;
mod images;
mod inspect;
mod kill;
mod learn;
mod link;
mod logs;
mod minimize;
mod needs;
mod ps;
mod report;
mod rm;
mod run;
mod stop;
mod version;
mod wait;
mod why;

use lupine_store::Store;
use miette::Result;

use crate::cli::{Cli, Command};
use crate::progress::{Reporter, Verbosity};
use crate::state::{State, directory};

pub use run::{bare, parameters};

/// What every verb may need.
pub struct Context<'a> {
    /// Where people read.
    pub reporter: &'a Reporter,
}

impl Context<'_> {
    /// The cache.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn store(&self) -> Result<Store> {
        Ok(Store::open(directory(
            "LUPINE_CACHE",
            "XDG_CACHE_HOME",
            ".cache",
        ))?)
    }

    /// The records of guests.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn state(&self) -> Result<State> {
        Ok(State::open()?)
    }

    /// Whether only names are wanted.
    pub fn quiet(&self) -> bool {
        self.reporter.verbosity() == Verbosity::Quiet
    }
}

/// Does what the command line says; gives the exit status.
///
/// # Errors
/// Whatever the verb could not do.
pub fn dispatch(cli: Cli, reporter: &Reporter) -> Result<u8> {
    let context = Context { reporter };
    match cli.command {
        Command::Run(options) => run::run(&context, *options),
        Command::Build(args) => build::build(&context, &args),
        Command::Kernel(args) => build::kernel(&context, &args),
        Command::Link(args) => link::link(&context, &args),
        Command::Rootfs(args) => build::rootfs(&context, &args),
        Command::Pull(args) => images::pull(&context, &args),
        Command::Images(args) => images::images(&context, &args),
        Command::Rmi(args) => images::rmi(&context, &args),
        Command::Inspect(args) => inspect::inspect(&context, &args),
        Command::Config(args) => config::config(&context, &args),
        Command::Needs(args) => needs::needs(&context, &args),
        Command::Minimize(args) => minimize::minimize(&context, &args),
        Command::Why(args) => why::why(&context, &args),
        Command::Learn(args) => learn::learn(&context, &args),
        Command::Audit(args) => audit::audit(&context, &args),
        Command::Bench(args) => bench::bench(&context, &args),
        Command::Report(args) => report::report(&args),
        Command::Doctor(args) => doctor::doctor(&context, &args),
        Command::Cache(args) => cache::cache(&context, &args),
        Command::Ps(args) => ps::ps(&context, &args),
        Command::Logs(args) => logs::logs(&context, &args),
        Command::Stop(args) => stop::stop(&context, &args),
        Command::Kill(args) => kill::kill(&context, &args),
        Command::Rm(args) => rm::rm(&context, &args),
        Command::Wait(args) => wait::wait(&context, &args),
        Command::Completions(args) => completions::completions(&args),
        Command::Version(output) => version::version(output),
        Command::Monitor(args) => {
            crate::monitor::monitor(&args.name, &context.state()?, &context.store()?)
        }
    }
}

/// Does `verb` for each name; goes on after an error, and fails at the end.
fn for_each(names: &[String], mut verb: impl FnMut(&str) -> Result<()>) -> Result<u8> {
    let mut status = 0;
    for name in names {
        if let Err(report) = verb(name) {
            crate::printer::report(&report);
            status = 1;
        }
    }
    Ok(status)
}
