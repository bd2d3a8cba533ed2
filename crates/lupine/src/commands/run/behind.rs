//! What a run of an unknown image starts behind itself.

use lupine_store::Store;
use miette::Result;

use super::base::Base;
use crate::cli::{ProfileChoice, RunOptions};
use crate::commands::Context;
use crate::manifest::Saved;
use crate::state::State;

/// Has it found out what an unknown application needs, while the guest runs on the general kernel.
///
/// # Errors
/// When the process cannot be started.
pub fn learn(
    context: &Context<'_>,
    state: &State,
    store: &Store,
    options: &RunOptions,
    base: &Base,
) -> Result<()> {
    let saved = Saved::of(state);
    let Some(application) = base.application.as_ref().filter(|_| base.unknown) else {
        return Ok(());
    };
    let chosen = options.build.kernel.profile != ProfileChoice::App;
    let by_hand = options.tty || options.interactive;
    if options.no_learn || chosen || by_hand {
        return Ok(());
    }
    let image = &application.image;
    if saved.file(&application.key, "failed")?.exists() {
        context.reporter.line(&format!(
            "{image} runs on the general kernel: it could not be found out what it needs (lupine needs --run {image} says why)"
        ));
        return Ok(());
    }
    if saved.try_lock()?.is_none() {
        context.reporter.line(&format!(
            "{image} is not known: it runs on the general kernel; another image's own kernel is being made now, and a later run will have this one's made"
        ));
        return Ok(());
    }
    let log = application.learn_behind(state, store, &saved)?;
    context.reporter.line(&format!(
        "{image} is not known: it runs on the general kernel, and its own is made behind it ({})",
        log.display()
    ));
    Ok(())
}
