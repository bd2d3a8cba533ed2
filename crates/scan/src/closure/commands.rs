//! The start command, scripts, and the words in them that mean programs.

use std::collections::BTreeSet;

use super::Closure;
use crate::files::{base_name, join};
use crate::report::Reason;

/// PATH of a process that was given none.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Names of programs that read shell language.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"];
/// Words that a shell understands itself, though programs of these names exist.
const BUILTINS: [&str; 20] = [
    "[", "cd", "command", "echo", "eval", "exec", "exit", "export", "false", "kill", "printf",
    "pwd", "read", "return", "set", "test", "time", "true", "umask", "wait",
];
/// What ends a word.
const ENDS: &[char] = &[
    ' ', '\t', '\r', ';', '&', '|', '(', ')', '<', '>', '"', '\'', '`', '$', '{', '}', '=', ',',
    ':',
];

/// What evidence calls the arguments.
const COMMAND_LINE: &str = "the command line";

impl Closure<'_> {
    /// Takes in what the start command names.
    pub(super) fn command(&mut self) {
        let argv = &self.start.argv;
        let Some(name) = argv.first().filter(|name| !name.is_empty()) else {
            self.warn("no start command is known: nothing was looked at".into());
            return;
        };
        match self.program(name) {
            Some(path) => {
                self.add(&path, Reason::Start, None);
            }
            None => self.warn(format!("{name} is not in the image")),
        }
        let preload = self.start.var("LD_PRELOAD").unwrap_or_default();
        for library in preload
            .split([':', ' '])
            .filter(|name| name.starts_with('/'))
        {
            self.add(library, Reason::Preload, None);
        }
        for pair in argv.windows(2) {
            let (before, argument) = (&pair[0], &pair[1]);
            let command =
                before.starts_with('-') && !before.starts_with("--") && before.ends_with('c');
            self.argument(argument, command);
        }
    }

    /// One argument: a program, a configuration, or a line for a shell.
    fn argument(&mut self, argument: &str, command: bool) {
        if command && argument.contains([' ', ';', '/']) && !self.is_file(argument) {
            self.words(argument, None, COMMAND_LINE);
            return;
        }
        let value = argument.split_once('=').map_or(argument, |pair| pair.1);
        if let Some(path) = self.program(argument) {
            self.add(&path, Reason::Word(COMMAND_LINE.into()), None);
        } else if value.contains('/') || value.contains('.') {
            let path = join(self.cwd(), value);
            self.later.push(path);
        }
    }

    fn cwd(&self) -> &str {
        if self.start.cwd.is_empty() {
            "/"
        } else {
            &self.start.cwd
        }
    }

    fn is_file(&self, path: &str) -> bool {
        let entry = self.files.resolve(&join(self.cwd(), path));
        entry.is_some_and(|entry| entry.is_file())
    }

    /// The executable file that `name` means.
    fn program(&self, name: &str) -> Option<String> {
        let executable = |path: String| {
            let entry = self.files.resolve(&path)?;
            entry.is_executable().then_some(entry.path)
        };
        if name.contains('/') {
            return executable(join(self.cwd(), name));
        }
        let path = self.start.var("PATH").unwrap_or(DEFAULT_PATH);
        let mut places = path.split(':').map(|dir| {
            let dir = if dir.is_empty() { "." } else { dir };
            executable(join(&join(self.cwd(), dir), name))
        });
        places.find_map(|place| place)
    }

    /// A script: its interpreter, and what a shell would start for it.
    pub(super) fn script(&mut self, number: usize, text: &str, path: &str) {
        let line = text.lines().next().unwrap_or_default();
        let line = line.trim_end_matches('\r');
        let mut words = line
            .strip_prefix("#!")
            .unwrap_or("/bin/sh")
            .split_whitespace();
        let interpreter = words.next().unwrap_or_default().to_owned();
        let mut name = base_name(&interpreter).to_owned();
        if !self.add(&interpreter, Reason::Interpreter(path.into()), Some(number)) {
            self.warn(format!("{path} asks for {interpreter}, which is not there"));
        }
        if name == "env" {
            let mut rest = words.filter(|word| !word.starts_with('-') && !word.contains('='));
            let asked = rest.next().unwrap_or_default();
            match self.program(asked) {
                Some(found) => {
                    self.add(&found, Reason::Interpreter(path.into()), Some(number));
                }
                None => self.warn(format!("{path} asks for {asked}, which is not on PATH")),
            }
            name = base_name(asked).to_owned();
        }
        if SHELLS.contains(&name.as_str()) {
            self.words(text, Some(number), path);
        } else {
            self.warn(format!(
                "{path}: what a {name} script starts was not looked for"
            ));
        }
    }

    /// Takes in every word that means a program or a script.
    fn words(&mut self, text: &str, parent: Option<usize>, place: &str) {
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        let words: BTreeSet<&str> = lines.flat_map(|line| line.split(ENDS)).collect();
        for word in words {
            let plausible = word.len() > 1 && !word.starts_with('-') && !BUILTINS.contains(&word);
            if !plausible {
                continue;
            }
            let why = Reason::Word(place.into());
            if let Some(path) = self.program(word) {
                self.add(&path, why, parent);
            } else if word.ends_with(".sh") && word.starts_with('/') {
                self.add(word, why, parent);
            } else if word.ends_with(".conf") && word.starts_with('/') {
                self.later.push(word.to_owned());
            }
        }
    }
}
