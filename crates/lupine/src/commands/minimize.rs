//! `lupine minimize`: takes away what an image can do without.

use miette::Result;

use super::Context;
use super::needs::{keep, question};
use crate::cli::MinimizeArgs;
use crate::discovery::Discovery;
use crate::pipeline::Pipeline;
use crate::shares;

/// Finds out what an image needs, then what of that it can do without.
pub fn minimize(context: &Context<'_>, args: &MinimizeArgs) -> Result<u8> {
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    shares::check(&args.trying.app.volume)?;
    let question = question(&args.trying, args.budget.into());
    let mut discovery = Discovery::new(&pipeline, &question)?;
    let (working, answer) = discovery.answer()?;
    let answer = discovery.minimize(&working, &answer)?;
    keep(&pipeline, &discovery, &answer, &args.trying)
}
