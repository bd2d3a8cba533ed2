//! An application as a user asked for it, for those who run it again: a monitor whose guest
//! lacked something, and the process that finds out what it needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lupine_store::{At, Store, write_atomically};
use miette::{IntoDiagnostic, Result, WrapErr};
use serde::{Deserialize, Serialize};

use crate::cli::{AppOptions, BuildOptions, Part};
use crate::discovery::Question;
use crate::manifest::Saved;
use crate::state::State;

/// How long an application may take to work on the general kernel, and its minimisation.
const LIMIT: Duration = Duration::from_secs(180);

/// An application as a user asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its name among those that are known here: [`Saved::key`].
    pub key: String,
    /// The image.
    pub image: String,
    /// Replaces the image's command.
    pub command: Vec<String>,
    /// What is built.
    pub build: BuildOptions,
    /// What it is given.
    pub app: AppOptions,
}

impl Application {
    /// What is asked when nobody says how it is known to work.
    pub fn question(&self) -> Question<'_> {
        Question {
            image: &self.image,
            command: &self.command,
            build: self.build.clone(),
            app: &self.app,
            workload: None,
            check: None,
            limit: LIMIT,
            budget: Duration::ZERO,
        }
    }

    /// The application without what only one run of it asks of the kernel: a terminal.
    pub fn without_terminal(mut self) -> Self {
        self.build.with.retain(|part| *part != Part::Terminal);
        self
    }

    /// Reads one that was [started](Self::learn_behind).
    ///
    /// # Errors
    /// When there is none in the file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).at("read", path)?;
        serde_json::from_slice(&text)
            .into_diagnostic()
            .wrap_err_with(|| format!("{} is no application", path.display()))
    }

    /// Starts a process that outlives this one and finds out what the application needs. Gives
    /// the file where it says what it does.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn learn_behind(&self, state: &State, store: &Store, saved: &Saved) -> Result<PathBuf> {
        let request = saved.file(&self.key, "request")?;
        let text = serde_json::to_vec(self).into_diagnostic()?;
        write_atomically(&request, &text)?;
        let log = saved.file(&self.key, "log")?;
        let running = crate::own::program()?
            .arg("learn")
            .arg(&request)
            // The variables may be relative.
            .env("LUPINE_STATE", state.root())
            .env("LUPINE_CACHE", store.root())
            .log_to(&log)
            .outlive()
            .spawn()?;
        // Dropping it would kill the process; it is on its own now.
        std::mem::forget(running);
        Ok(log)
    }
}
