//! What stages do, shown to a person: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lupine_tool::Progress;

/// Steps shorter than this are not worth a line.
const WORTH_A_LINE: Duration = Duration::from_secs(2);
/// How often plain lines say how far a long step has come.
const PLAIN_INTERVAL: Duration = Duration::from_secs(30);

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// What takes time, and what a person should know.
    Normal,
    /// Everything.
    Verbose,
}

/// Shows progress on stderr.
#[derive(Debug)]
pub struct Reporter {
    verbosity: Verbosity,
    terminal: bool,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    step: Mutex<Option<Step>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Step {
    what: String,
    started: Instant,
    /// Whether its first line was written, and when the last one was.
    said: Option<Instant>,
    done: (u64, Option<u64>),
    bar: Option<ProgressBar>,
}

impl Reporter {
    /// One for this process's stderr.
    pub fn new(verbosity: Verbosity) -> Self {
        let terminal = std::io::stderr().is_terminal() && std::env::var_os("NO_PROGRESS").is_none();
        let reporter = Self {
            verbosity,
            terminal,
            shared: Arc::default(),
        };
        if !terminal && verbosity > Verbosity::Quiet {
            let shared = Arc::clone(&reporter.shared);
            // Ends with the process: it owns nothing that must be put away.
            std::thread::spawn(move || say_long_steps(&shared));
        }
        reporter
    }

    /// How much is said.
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Ends the step that runs, so that the terminal is the application's.
    pub fn finish(&self) {
        let step = self.step_now().take();
        if let Some(step) = step {
            self.end(&step);
        }
    }

    /// A line that only `--verbose` shows.
    pub fn detail(&self, what: &str) {
        if self.verbosity == Verbosity::Verbose {
            self.line(what);
        }
    }

    /// A line that is shown unless `--quiet`.
    pub fn line(&self, what: &str) {
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        match self.step_now().as_ref().and_then(|step| step.bar.clone()) {
            Some(bar) => bar.suspend(|| say(what)),
            None => say(what),
        }
    }

    fn step_now(&self) -> MutexGuard<'_, Option<Step>> {
        self.shared
            .step
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, step: &Step) {
        if let Some(bar) = &step.bar {
            bar.finish_and_clear();
        }
        let took = step.started.elapsed();
        let wanted = took >= WORTH_A_LINE || self.verbosity == Verbosity::Verbose;
        if wanted && self.verbosity > Verbosity::Quiet {
            say(&format!("{}: done in {}", step.what, duration(took)));
        }
    }

    fn bar(&self, what: &str) -> Option<ProgressBar> {
        if !self.terminal || self.verbosity == Verbosity::Quiet {
            return None;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style("{spinner} {msg} {elapsed}"));
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Some(bar)
    }
}

impl Progress for Reporter {
    fn step(&self, what: &str) {
        self.finish();
        *self.step_now() = Some(Step {
            what: what.into(),
            started: Instant::now(),
            said: None,
            done: (0, None),
            bar: self.bar(what),
        });
        self.shared.changed.notify_all();
    }

    fn advance(&self, done: u64, total: Option<u64>) {
        let mut step = self.step_now();
        let Some(step) = step.as_mut() else { return };
        let had_total = step.done.1.is_some();
        step.done = (done, total);
        if let Some(bar) = &step.bar {
            if let Some(total) = total {
                if !had_total {
                    bar.set_style(style(
                        "{spinner} {msg} [{bar:24}] {percent}% {elapsed}, {eta} to go",
                    ));
                }
                bar.set_length(total);
            }
            bar.set_position(done);
        }
    }

    fn note(&self, what: &str) {
        self.line(what);
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.finish();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// Writes the first line of a step once it has lasted, and then how far it is.
fn say_long_steps(shared: &Shared) {
    let mut guard = shared.step.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let wait = match guard.as_mut() {
            None => Duration::from_secs(3600),
            Some(step) => {
                let now = Instant::now();
                let due = step
                    .said
                    .map_or(step.started + WORTH_A_LINE, |said| said + PLAIN_INTERVAL);
                if now >= due {
                    say(&plain_line(step));
                    step.said = Some(now);
                    PLAIN_INTERVAL
                } else {
                    due - now
                }
            }
        };
        guard = shared
            .changed
            .wait_timeout(guard, wait)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
}

fn plain_line(step: &Step) -> String {
    let (done, total) = step.done;
    let elapsed = step.started.elapsed();
    match (step.said, total) {
        (None, _) => format!("{} ...", step.what),
        // A total is often an estimate: one that is passed says nothing more.
        (Some(_), Some(total)) if done > 0 && done < total => {
            let left = elapsed.mul_f64(total.saturating_sub(done) as f64 / done as f64);
            let percent = done.saturating_mul(100) / total;
            format!("{}: {percent}%, about {} to go", step.what, duration(left))
        }
        (Some(_), _) => format!("{}: {} so far", step.what, duration(elapsed)),
    }
}

fn say(line: &str) {
    // stderr that is closed is a person's choice.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// For people: `350 ms`, `4.2 s`, `3 min 20 s`.
pub fn duration(time: Duration) -> String {
    let ms = time.as_millis();
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let of = |ms| duration(Duration::from_millis(ms));
        assert_eq!(of(350), "350 ms");
        assert_eq!(of(4250), "4.2 s");
        assert_eq!(of(200_000), "3 min 20 s");
    }

    #[test]
    fn a_long_step_says_how_far_it_is() {
        let now = Instant::now();
        let step = Step {
            what: "building".into(),
            started: now - Duration::from_secs(10),
            said: Some(now),
            done: (50, Some(100)),
            bar: None,
        };
        assert!(plain_line(&step).starts_with("building: 50%, about 10."));
    }
}
