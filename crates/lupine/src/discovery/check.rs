//! Commands on the host that tell whether an application works.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lupine_tool::{Tool, ToolError};
use miette::{Result, miette};

/// Between two tries of a check.
const PAUSE: Duration = Duration::from_millis(300);
/// How long one try of a check may take.
const TRY: Duration = Duration::from_secs(20);
/// What stands before and after a guest's port in a command.
const OPEN: &str = "{port:";
const CLOSE: char = '}';

/// Which port of the host leads to a port of the guest.
pub type Ports = BTreeMap<u16, u16>;

/// A command of the host's shell; `{port:N}` in it is the host's port that leads to port N of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCommand {
    text: String,
    ports: BTreeSet<u16>,
}

impl HostCommand {
    /// Reads a command.
    ///
    /// # Errors
    /// No text, or something after `{port:` that is no port.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Err(miette!(
                help = "leave the option out",
                "an empty command shows nothing"
            ));
        }
        let mut ports = BTreeSet::new();
        for after in text.split(OPEN).skip(1) {
            let number = after.split_once(CLOSE).map(|(number, _)| number.parse());
            let Some(Ok(port @ 1..)) = number else {
                return Err(miette!(
                    help = "write for example {port:6379}",
                    "there is no port after {OPEN} in: {text}"
                ));
            };
            ports.insert(port);
        }
        Ok(Self {
            text: text.into(),
            ports,
        })
    }

    /// The command as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The guest's ports that it names.
    pub fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        self.ports.iter().copied()
    }

    /// Runs it once.
    ///
    /// # Errors
    /// Why it failed, or that it took longer than `limit`.
    pub fn run(&self, ports: &Ports, limit: Duration) -> Result<(), String> {
        self.output(ports, limit).map(drop)
    }

    /// Runs it once; gives what it wrote to stdout.
    ///
    /// # Errors
    /// As [`HostCommand::run`].
    pub fn output(&self, ports: &Ports, limit: Duration) -> Result<String, String> {
        let mut text = self.text.clone();
        for port in &self.ports {
            let here = ports.get(port).map_or_else(String::new, u16::to_string);
            text = text.replace(&format!("{OPEN}{port}{CLOSE}"), &here);
        }
        let shell = Tool::new("sh").args(["-c", &text]).timeout(limit);
        let output = shell.run().map_err(|error| self.failure(&error))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it again and again until it succeeds.
    ///
    /// # Errors
    /// Why it failed last, when `limit` is over or `over` says that there is no point any more.
    pub fn retry(
        &self,
        ports: &Ports,
        limit: Duration,
        over: &dyn Fn() -> bool,
    ) -> Result<(), String> {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let failure = match self.run(ports, left.clamp(PAUSE, TRY)) {
                Ok(()) => return Ok(()),
                Err(why) => why,
            };
            if over() || Instant::now() + PAUSE > until {
                return Err(failure);
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn failure(&self, error: &ToolError) -> String {
        let words: Vec<String> = error
            .to_string()
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect();
        format!("`{}`: {}", self.text, words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_and_put_in() {
        let command = HostCommand::parse("test {port:80}-{port:443} = 8080-8443").unwrap();
        assert_eq!(command.ports().collect::<Vec<_>>(), [80, 443]);
        let ports = Ports::from([(80, 8080), (443, 8443)]);
        command.run(&ports, TRY).unwrap();
    }

    #[test]
    fn what_is_no_port_is_refused() {
        for text in [
            "x {port:}",
            "x {port:0}",
            "x {port:http}",
            "x {port:80",
            " ",
        ] {
            assert!(HostCommand::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_failure_says_the_command_and_what_it_said() {
        let command = HostCommand::parse("echo refused >&2; exit 3").unwrap();
        let why = command.run(&Ports::new(), TRY).unwrap_err();
        assert!(why.contains("refused") && why.contains("exit 3"), "{why}");
    }

    #[test]
    fn it_is_tried_until_it_succeeds() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("n").display().to_string();
        let text = format!("echo >> {file}; test $(wc -l < {file}) = 3");
        let command = HostCommand::parse(&text).unwrap();
        command.retry(&Ports::new(), TRY, &|| false).unwrap();
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let command = HostCommand::parse("sleep 600").unwrap();
        let started = Instant::now();
        let limit = Duration::from_millis(300);
        assert!(command.retry(&Ports::new(), limit, &|| false).is_err());
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}
