//! `lupine learn`: what `run` starts behind itself.

use std::fs;

use lupine_store::write_atomically;
use miette::Result;

use super::Context;
use crate::application::Application;
use crate::cli::LearnArgs;
use crate::discovery::Discovery;
use crate::manifest::Saved;
use crate::pipeline::Pipeline;

/// Gives way to the guest that is being served.
const NICE: i32 = 10;

/// Finds out what an application needs, or builds the kernel for what is known already.
pub fn learn(context: &Context<'_>, args: &LearnArgs) -> Result<u8> {
    // A host that does not allow it is none the worse.
    let _ = rustix::process::nice(NICE);
    let application = Application::read(&args.request)?;
    let saved = Saved::of(&context.state()?);
    let Some(_turn) = saved.try_lock()? else {
        // A later run asks again.
        let _ = fs::remove_file(&args.request);
        return Ok(0);
    };
    let result = find_out(context, &application, &saved);
    if let Err(report) = &result {
        // The next run shall not try in vain again; `lupine needs --run` does.
        let failed = saved.file(&application.key, "failed")?;
        write_atomically(&failed, format!("{report:?}\n").as_bytes())?;
    }
    let _ = fs::remove_file(&args.request);
    result.map(|()| 0)
}

fn find_out(context: &Context<'_>, application: &Application, saved: &Saved) -> Result<()> {
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    if saved.find(&application.key)?.is_none() {
        let question = application.question();
        let mut discovery = Discovery::new(&pipeline, &question)?;
        let (_, answer) = discovery.answer()?;
        saved.keep(&application.key, &discovery.manifest(&answer))?;
    }
    // What it was found to work on, but for system calls that only a recorder makes.
    let (image, command) = (&application.image, &application.command);
    let prepared = pipeline.prepare(image, command, &application.build)?;
    pipeline.kernel(&prepared, &application.build, false)?;
    Ok(())
}
