//! Runs lupine on one application.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::path::Path;
use std::time::{Duration, Instant};

use lupine_tool::Tool;

use super::entry::Entry;
use super::outcome::{Answer, Depth, Outcome};

/// For one command of lupine, minutes of kernel builds and of runs included.
const LIMIT: Duration = Duration::from_secs(4 * 3600);
/// For all runs of one minimisation, in seconds: sixteen of one that takes minutes to start.
const BUDGET: &str = "--budget=7200";

/// One application about to be looked at.
pub struct Trial<'a> {
    /// The command.
    pub lupine: &'a Path,
    /// What it looks at.
    pub entry: &'a Entry,
    /// Where `{file:NAME}` is.
    pub files: &'a Path,
    /// Where what lupine says goes.
    pub log: &'a Path,
}

impl Trial<'_> {
    /// Looks at it without running it, and if wanted by running it.
    pub fn run(&self, depth: Depth) -> Outcome {
        let started = Instant::now();
        let mut outcome = Outcome {
            minimized: depth == Depth::Minimize,
            ..Outcome::default()
        };
        if let Err(why) = self.fill(depth, &mut outcome) {
            outcome.error = Some(why);
        }
        outcome.seconds = started.elapsed().as_secs_f64();
        outcome
    }

    fn fill(&self, depth: Depth, outcome: &mut Outcome) -> Result<(), String> {
        let dir = self.image()?;
        let command = self.entry.words(self.files)?;
        let json = "--format=json";
        let finding = self.arguments(&["needs", json], &[], &command, dir.path());
        outcome.found = Some(self.ask(finding)?);
        let verbs = match depth {
            Depth::Static => return Ok(()),
            Depth::Run => ["needs", json, "--run"],
            Depth::Minimize => ["minimize", json, BUDGET],
        };
        let running = self.arguments(&verbs, &self.driving(), &command, dir.path());
        outcome.answer = Some(self.ask(running)?);
        Ok(())
    }

    /// Where its image is, if it is in a directory; its clients are there, too.
    pub fn image(&self) -> Result<tempfile::TempDir, String> {
        self.has_its_clients()?;
        let dir = tempfile::tempdir().map_err(|e| format!("cannot make a directory: {e}"))?;
        if let Some(prepare) = &self.entry.prepare {
            self.prepare(prepare, dir.path())?;
        }
        Ok(dir)
    }

    /// A client that is missing would look like an application that does not work.
    fn has_its_clients(&self) -> Result<(), String> {
        let missing: Vec<&str> = self
            .entry
            .host
            .iter()
            .map(String::as_str)
            .filter(|p| !is_installed(p))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let names = missing.join(" ");
        Err(format!(
            "its commands need Debian packages: apt-get install {names}"
        ))
    }

    fn prepare(&self, prepare: &str, dir: &Path) -> Result<(), String> {
        let files = std::path::absolute(self.files).map_err(|e| e.to_string())?;
        let text = prepare
            .replace("{dir}", &dir.display().to_string())
            .replace("{files}", &files.display().to_string());
        let shell = Tool::new("sh").args(["-ec", &text]).timeout(LIMIT);
        shell
            .run()
            .map(drop)
            .map_err(|error| format!("cannot prepare the image: {error}"))
    }

    /// The flags that drive it.
    fn driving(&self) -> Vec<String> {
        let entry = self.entry;
        let timeout = entry.timeout.map(|seconds| seconds.to_string());
        let drivers = [
            ("--check", &entry.check),
            ("--workload", &entry.workload),
            ("--timeout", &timeout),
        ];
        let drivers = drivers
            .into_iter()
            .filter_map(|(flag, value)| Some([flag.to_owned(), value.clone()?]));
        drivers.flatten().chain(self.giving()).collect()
    }

    /// The flags that give it what it needs.
    pub fn giving(&self) -> Vec<String> {
        let memory = self.entry.memory.iter().map(|memory| ("--memory", memory));
        let env = self.entry.env.iter().map(|variable| ("--env", variable));
        let flags = memory.chain(env);
        flags
            .flat_map(|(flag, value)| [flag.to_owned(), value.clone()])
            .collect()
    }

    /// A command line of lupine's about it.
    pub fn arguments(
        &self,
        verbs: &[&str],
        flags: &[String],
        command: &[String],
        dir: &Path,
    ) -> Vec<String> {
        let image = self
            .entry
            .image
            .replace("{dir}", &dir.display().to_string());
        let mut arguments: Vec<String> = verbs.iter().map(|&verb| verb.to_owned()).collect();
        arguments.extend_from_slice(flags);
        arguments.push(image);
        if !command.is_empty() {
            arguments.push("--".into());
            arguments.extend_from_slice(command);
        }
        arguments
    }

    /// What lupine answers on stdout; stderr goes to the log.
    fn ask(&self, arguments: Vec<String>) -> Result<Answer, String> {
        let failed = |e: std::io::Error| format!("cannot keep lupine's answer: {e}");
        let mut answer: File = tempfile::tempfile().map_err(failed)?;
        let tool = Tool::new(self.lupine)
            .args(arguments)
            .stdout(answer.try_clone().map_err(failed)?)
            .log_to(self.log)
            .timeout(LIMIT);
        tool.run().map_err(|error| {
            // One that was killed did not come to say why.
            let log = fs::read_to_string(self.log).unwrap_or_default();
            error_in(&log).unwrap_or_else(|| error.to_string())
        })?;
        let mut text = String::new();
        answer.rewind().map_err(failed)?;
        answer.read_to_string(&mut text).map_err(failed)?;
        Answer::parse(&text)
    }
}

/// Whether dpkg has the package, whole.
fn is_installed(package: &str) -> bool {
    let asked =
        Tool::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]);
    asked
        .run()
        .is_ok_and(|output| output.stdout == b"installed")
}

/// The last error in a log and what follows it, in one line.
fn error_in(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().map(str::trim).collect();
    let is_error = |line: &&str| line.starts_with("lupine: error:");
    let from = lines.iter().rposition(is_error)?;
    Some(lines[from..].join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_an_entry_says_is_passed_on() {
        let entry = Entry {
            image: "dir:{dir}".into(),
            env: vec!["A=b".into()],
            timeout: Some(7),
            check: Some("true {port:80}".into()),
            ..Entry::default()
        };
        let trial = Trial {
            lupine: Path::new("lupine"),
            entry: &entry,
            files: Path::new("files"),
            log: Path::new("log"),
        };
        let command = ["x".to_owned()];
        let all = trial.arguments(&["needs"], &trial.driving(), &command, Path::new("/d"));
        let text = "needs|--check|true {port:80}|--timeout|7|--env|A=b|dir:/d|--|x";
        assert_eq!(all.join("|"), text);
    }

    #[test]
    fn missing_clients_are_named() {
        let entry = Entry {
            host: vec!["dpkg".into(), "there-is-no-such-package".into()],
            ..Entry::default()
        };
        let trial = Trial {
            lupine: Path::new("lupine"),
            entry: &entry,
            files: Path::new("files"),
            log: Path::new("log"),
        };
        let why = trial.has_its_clients().unwrap_err();
        assert!(why.ends_with("install there-is-no-such-package"), "{why}");
    }

    #[test]
    fn an_error_is_quoted_with_its_hint() {
        let log = "step one\nlupine: error: it does not work\nhint: try again\n";
        let said = "lupine: error: it does not work hint: try again";
        assert_eq!(error_in(log).as_deref(), Some(said));
        assert_eq!(error_in("a\nb\n"), None);
    }
}
