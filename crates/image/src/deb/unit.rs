//! What to start for a package that the table does not know: what systemd would start for it.
//!
//! A unit's commands become a script of the image's shell, which expands variables as systemd does
//! where it matters, reads /etc/default files, and waits for a server that puts itself into
//! the background. A package without a unit has its script of /etc/init.d started instead.

mod background;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::Server;
use crate::tarball::Members;

/// Where packages put units, in a tree whose /lib is /usr/lib.
const UNITS: &str = "usr/lib/systemd/system/";
/// And scripts for other init systems.
const SCRIPTS: &str = "etc/init.d/";
/// dpkg's lists of files.
const LISTS: &str = "var/lib/dpkg/info/";
/// Where servers lie.
const PROGRAMS: [&str; 2] = ["usr/sbin/", "usr/bin/"];
/// A unit is some hundred bytes; a list of files may have megabytes.
const TEXT_MAX: u64 = 4 << 20;

/// What a tree says about its packages.
#[derive(Debug, Default)]
struct Installed {
    /// Units by name, without templates.
    units: BTreeMap<String, Unit>,
    /// Names of scripts in /etc/init.d.
    scripts: BTreeSet<String>,
    /// Files of the packages that were asked for.
    files: BTreeSet<String>,
    /// Base names of programs, with their paths.
    programs: BTreeMap<String, String>,
}

/// A unit, as much as tells what to start.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Unit {
    /// The units that it starts after, with their endings.
    after: BTreeSet<String>,
    /// Its `[Service]` section: every value of every key, in order.
    values: BTreeMap<String, Vec<String>>,
}

/// What to start for `packages`, as far as the tree in `tar` says it.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn server(tar: &Path, packages: &[String]) -> io::Result<Server> {
    let installed = read(tar, packages)?;
    let found = packages.iter().find_map(|package| installed.start(package));
    Ok(found.unwrap_or_default())
}

fn read(tar: &Path, packages: &[String]) -> io::Result<Installed> {
    let mut installed = Installed::default();
    let mut members = Members::new(BufReader::with_capacity(1 << 17, File::open(tar)?));
    while let Some(member) = members.next()? {
        let Ok(path) = String::from_utf8(member.path) else {
            continue;
        };
        let path = path.trim_start_matches("./");
        let mut text = || {
            let mut bytes = Vec::new();
            (&mut members).take(TEXT_MAX).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(String::from_utf8_lossy(&bytes).into_owned())
        };
        if let Some(name) = path.strip_prefix(UNITS).and_then(unit_name) {
            let unit = Unit::parse(&text()?);
            installed.units.insert(name.to_owned(), unit);
        } else if let Some(name) = path.strip_prefix(SCRIPTS) {
            installed.scripts.insert(name.to_owned());
        } else if let Some(list) = path.strip_prefix(LISTS).and_then(list_of) {
            if packages.iter().any(|package| package == list) {
                installed.files.extend(text()?.lines().map(str::to_owned));
            }
        } else if let Some(name) = PROGRAMS.iter().find_map(|dir| path.strip_prefix(dir)) {
            let place = format!("/{path}");
            installed.programs.entry(name.to_owned()).or_insert(place);
        }
    }
    Ok(installed)
}

/// `NAME.service`, unless it is a template or somewhere below.
fn unit_name(file: &str) -> Option<&str> {
    let name = file.strip_suffix(".service")?;
    (!name.contains(['/', '@'])).then_some(name)
}

/// The package of a list of files.
fn list_of(file: &str) -> Option<&str> {
    let name = file.strip_suffix(".list")?;
    Some(name.split(':').next().unwrap_or(name))
}

impl Installed {
    /// What starts this package: its unit, or a script or program of its name.
    fn start(&self, package: &str) -> Option<Server> {
        let (names, stems) = (names(package), stems(package));
        let unit = |names: &[&str]| names.iter().find_map(|name| self.servant(name));
        let script = |names: &[&str]| {
            let known = names.iter().find(|name| self.scripts.contains(**name));
            known.map(|name| started_by_script(name))
        };
        // Its script before a unit of another name: postfix.service starts nothing, and
        // postfix-resolvconf.service no server.
        unit(&names)
            .or_else(|| script(&names))
            .or_else(|| self.last_of_own())
            .or_else(|| unit(&stems))
            .or_else(|| script(&stems))
            .or_else(|| self.own_script())
            .or_else(|| names.iter().find_map(|name| self.program(name)))
    }

    fn own_script(&self) -> Option<Server> {
        let owns = |name: &&String| self.files.contains(&format!("/{SCRIPTS}{name}"));
        let own = self.scripts.iter().find(owns);
        own.map(|name| started_by_script(name))
    }

    fn program(&self, name: &str) -> Option<Server> {
        let path = self.programs.get(name)?;
        Some(started_by(vec![path.clone()]))
    }

    fn servant(&self, name: &str) -> Option<Server> {
        self.units.get(name).and_then(Unit::server)
    }

    /// Of the units that the packages brought, the one that waits for most of the others: samba's
    /// nmbd helps smbd.
    fn last_of_own(&self) -> Option<Server> {
        let own = self.units.iter().filter(|(name, _)| self.owns(name));
        let servers = own.filter_map(|(name, unit)| Some((name, unit, unit.server()?)));
        let servers: Vec<_> = servers.collect();
        let waits = |unit: &Unit| {
            let others = servers.iter().map(|(name, ..)| format!("{name}.service"));
            others.filter(|other| unit.after.contains(other)).count()
        };
        let ranked = servers.iter().rev();
        let last = ranked.max_by_key(|(_, unit, _)| waits(unit));
        last.map(|(.., server)| server.clone())
    }

    /// Whether one of the packages that were asked for brought the unit.
    fn owns(&self, unit: &str) -> bool {
        let places = ["/lib/systemd/system/", "/usr/lib/systemd/system/"];
        places
            .iter()
            .any(|place| self.files.contains(&format!("{place}{unit}.service")))
    }
}

fn started_by(cmd: Vec<String>) -> Server {
    Server {
        cmd,
        ..Server::default()
    }
}

fn started_by_script(name: &str) -> Server {
    let script = background::of_init_script(&format!("/{SCRIPTS}{name}"));
    started_by(by_shell(script))
}

/// Names that a package's unit or program may have.
fn names(package: &str) -> Vec<&str> {
    let endings = ["-server", "-daemon", "-bin", "-core"];
    let shorter = endings.iter().filter_map(|end| package.strip_suffix(end));
    std::iter::once(package).chain(shorter).collect()
}

/// What a package is a part of: dovecot-imapd's unit is dovecot.
fn stems(package: &str) -> Vec<&str> {
    let ends = package.rmatch_indices('-').map(|(end, _)| end);
    ends.map(|end| &package[..end]).collect()
}

impl Unit {
    fn parse(text: &str) -> Self {
        let mut unit = Self::default();
        let mut section = "";
        for line in text.replace("\\\n", " ").lines() {
            let line = line.trim();
            if line.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with('[') {
                section = line;
                continue;
            }
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            if section == "[Unit]" && key.trim() == "After" {
                unit.after
                    .extend(value.split_whitespace().map(str::to_owned));
            } else if section == "[Service]" {
                let values = unit.values.entry(key.trim().to_owned()).or_default();
                match value.trim() {
                    // An empty value takes back all before it.
                    "" => values.clear(),
                    value => values.push(value.to_owned()),
                }
            }
        }
        unit
    }

    fn all(&self, key: &str) -> &[String] {
        self.values.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    fn last(&self, key: &str) -> &str {
        self.all(key).last().map_or("", String::as_str)
    }

    /// `None` for a unit that starts nothing that stays.
    fn server(&self) -> Option<Server> {
        let start = self.all("ExecStart").first()?;
        if self.last("Type") == "oneshot" {
            return None;
        }
        Some(Server {
            cmd: by_shell(self.script(start)),
            user: match (self.account(), self.begins_as_root()) {
                (Some((user, "")), false) => user.into(),
                (Some((user, group)), false) => format!("{user}:{group}"),
                _ => String::new(),
            },
            env: self
                .all("Environment")
                .iter()
                .flat_map(|v| words(v))
                .collect(),
            workdir: match self.last("WorkingDirectory").trim_start_matches('-') {
                dir if dir.starts_with('/') => dir.into(),
                _ => String::new(),
            },
            stop_signal: Some(self.last("KillSignal"))
                .filter(|signal| signal.starts_with("SIG"))
                .map(str::to_owned),
            ..Server::default()
        })
    }

    /// The user and the group, which may be empty, that it runs as.
    fn account(&self) -> Option<(&str, &str)> {
        let user = self.last("User");
        (!user.is_empty() && !user.contains('%')).then(|| (user, self.last("Group")))
    }

    /// Whether something before the server needs root although the server does not.
    fn begins_as_root(&self) -> bool {
        let privileged = |command: &String| prefix(command).contains(['+', '!']);
        let before = self.all("ExecStartPre");
        let only_start = ["true", "yes", "1", "on"].contains(&self.last("PermissionsStartOnly"));
        before.iter().any(privileged) || (only_start && !before.is_empty())
    }

    /// A command as the server's user, where the script is root's.
    fn demoted(&self, command: &str) -> String {
        let (Some((user, group)), true) = (self.account(), self.begins_as_root()) else {
            return command.to_owned();
        };
        let group = if group.is_empty() { user } else { group };
        format!("setpriv --reuid={user} --regid={group} --init-groups {command}")
    }

    fn script(&self, start: &str) -> String {
        let mut lines = Vec::new();
        for file in self.all("EnvironmentFile") {
            let file = specifiers(file.trim_start_matches('-'));
            lines.push(format!("set -a; [ ! -r {file} ] || . {file}; set +a"));
        }
        for before in self.all("ExecStartPre") {
            let or = if before.starts_with('-') { ":" } else { "exit" };
            lines.push(format!("{} || {or}", shell(before)));
        }
        let start = self.demoted(&shell(start));
        if self.last("Type") != "forking" {
            lines.push(format!("exec {start}"));
            return lines.join("\n");
        }
        let signal = self.last("KillSignal").strip_prefix("SIG");
        lines.push(match self.last("PIDFile") {
            "" => background::for_ever(&start),
            file => background::of_pid_file(&start, &specifiers(file), signal.unwrap_or("TERM")),
        });
        lines.join("\n")
    }
}

fn by_shell(script: String) -> Vec<String> {
    vec!["/bin/sh".into(), "-c".into(), script]
}

/// What systemd reads before a command's program.
fn prefix(command: &str) -> &str {
    let rest = command.trim_start_matches(['@', '-', ':', '+', '!']);
    &command[..command.len() - rest.len()]
}

/// A unit's command for a shell: what only means something to a shell means itself.
fn shell(command: &str) -> String {
    let prefix = prefix(command);
    let mut text = specifiers(&command[prefix.len()..]);
    if prefix.contains('@') {
        // The word after the program is what it shall think it is called.
        let mut words = text.splitn(3, ' ');
        let (program, _, rest) = (words.next(), words.next(), words.next());
        text = format!(
            "{} {}",
            program.unwrap_or_default(),
            rest.unwrap_or_default()
        );
    }
    let mut quote = None;
    let mut out = String::new();
    for c in text.replace("$$", "\\$").chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '*' | '?' | '(' | ')' | '&' | '|' | '<' | '>' | ';' | '`' | '~' | '#') => {
                out.push('\\');
            }
            _ => {}
        }
        out.push(c);
    }
    out.trim().to_owned()
}

/// systemd.unit(5)'s specifiers that mean the same on every system.
fn specifiers(text: &str) -> String {
    let known = [
        ("%t", "/run"),
        ("%S", "/var/lib"),
        ("%C", "/var/cache"),
        ("%L", "/var/log"),
        ("%E", "/etc"),
        ("%T", "/tmp"),
        ("%V", "/var/tmp"),
        ("%%", "%"),
    ];
    let text = text.to_owned();
    known
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}

/// The words of a list such as `"A=b c" D=e`.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, c) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| word.contains('='));
    words
}

#[cfg(test)]
mod tests;
