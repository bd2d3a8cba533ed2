//! Suites and rows are data: `bench/suites/bench`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use crate::BenchError;

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../bench/suites/bench");

/// What is measured, how often, of which rows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The file's name without its end.
    #[serde(skip)]
    pub name: String,
    /// Hash of the file.
    #[serde(skip)]
    pub key: String,
    /// How it is measured, in one way or in several.
    #[serde(rename = "kind", deserialize_with = "one_or_several")]
    pub kinds: Vec<Kind>,
    /// What it measures, for a person.
    pub about: String,
    /// Memory of its guests, where the suite does not look for that itself.
    pub mem_mib: Option<u32>,
    /// How many rounds, each of every row.
    pub rounds: u32,
    /// How many rounds before those, which are thrown away.
    pub warm_up: u32,
    /// Names of rows.
    pub rows: Vec<String>,
    /// The row that all are compared with, instead of each with its own, unless there is a baseline.
    pub against: Option<String>,
    /// It runs `lupine run`, which takes no baseline's kernel.
    #[serde(default)]
    pub own_kernels_only: bool,
    /// How many guests are started beside each other, where the machine's memory does not end that before.
    #[serde(default)]
    pub guests: u32,
    /// What [`crate::PROGRAM`] is told to do.
    #[serde(default)]
    pub operations: Vec<String>,
    /// How long an operation is repeated under the counter: ms of the guest's time, a million instructions each, so that
    /// a tick of its timer more or less is no matter. What an application does now and then by itself takes more of it.
    #[serde(default = "counted_ms")]
    pub counted_ms: u32,
    /// Which instructions of an operation are counted.
    #[serde(default)]
    pub counts: Counted,
    /// Metrics NAME-N are points of a curve.
    pub curve: Option<Curve>,
    /// Metrics that a reader looks at first.
    #[serde(default)]
    pub glance: Vec<String>,
    /// What its metrics are, for a person.
    #[serde(default)]
    pub metric: BTreeMap<String, String>,
}

const fn counted_ms() -> u32 {
    30
}

/// A way in which a suite is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Looks at the kernel's files.
    Size,
    /// Boots, and looks at the marks.
    Boot,
    /// Looks for the least memory.
    Memory,
    /// Loads servers from the host.
    Load,
    /// Runs the command.
    Start,
    /// Starts guests beside each other.
    Density,
    /// Runs `lupine build` on an empty cache.
    Build,
    /// [`crate::PROGRAM`] does its operations on the row's kernel, in the application's place.
    Operations,
    /// [`crate::PROGRAM`] is the one client of the application, beside it in the guest.
    Requests,
}

impl Kind {
    /// Whether [`crate::PROGRAM`] has to be in the guest.
    pub fn needs_program(self) -> bool {
        matches!(self, Self::Operations | Self::Requests)
    }

    /// Whether one round says all: files do not change, and what is looked for by trying is found for good.
    pub fn is_once(self) -> bool {
        matches!(self, Self::Size | Self::Memory)
    }
}

/// How metrics NAME-N are drawn: by their number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// What N is, for a person.
    pub number: String,
    /// Whether the ratio to the row that each is compared with is drawn, not the value.
    #[serde(default)]
    pub ratio: bool,
}

/// Which instructions of an operation are counted; iterations of `rep` string instructions never are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// The kernel's.
    #[default]
    Kernel,
    /// The program's too.
    All,
}

/// A kernel with an application on it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What it is, for a person.
    pub about: String,
    /// Name of the application.
    pub application: String,
    /// The row that this one is compared with, where no baseline is given.
    pub against: Option<String>,
    /// Flags of `lupine run`.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Flags of `lupine link`: the kernel is the one that it makes, with the application in it. Only for programs of ours.
    pub link: Option<Vec<String>>,
    /// The application is not in that kernel, but in a root file system.
    #[serde(default)]
    pub beside: bool,
    /// It runs in a container on the host, by `runc`.
    #[serde(default)]
    pub container: bool,
}

/// An application, and how it is driven.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// The image, as `lupine run` takes it.
    pub image: String,
    /// Replaces the image's command.
    #[serde(default)]
    pub command: Vec<String>,
    /// Host command that fails unless the application works; `{port:N}` is the host's port that leads to the guest's N.
    /// Without one the application has to end with status 0.
    pub check: Option<String>,
    /// Programs of the host that its check and its clients need, and the Debian packages that bring them.
    #[serde(default)]
    pub host: BTreeMap<String, String>,
    /// What it does itself when it is told to, in the place of [`crate::PROGRAM`], whatever the suite says; such a program
    /// also marks its main.
    #[serde(default)]
    pub operations: Vec<String>,
    /// What it was linked of, where it is a program of ours.
    #[serde(skip)]
    pub objects: Vec<PathBuf>,
    /// What loads it.
    #[serde(default, rename = "client")]
    pub clients: Vec<Client>,
    /// What [`crate::PROGRAM`] asks it for.
    #[serde(default, rename = "request")]
    pub requests: Vec<Request>,
}

impl Application {
    /// Programs of the host that a suite of this kind runs, with their packages: those of the check in most of them, and
    /// of the clients in one.
    pub fn programs(&self, kind: Kind) -> impl Iterator<Item = (&str, &str)> {
        let check = self.check.iter().map(String::as_str);
        let clients = self.clients.iter().map(|client| client.command.as_str());
        let commands: Vec<&str> = match kind {
            Kind::Size | Kind::Build | Kind::Operations | Kind::Requests => Vec::new(),
            Kind::Boot | Kind::Memory | Kind::Density | Kind::Start => check.collect(),
            Kind::Load => check.chain(clients).collect(),
        };
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let uses = move |program: &str| {
            let mut words = commands.iter().flat_map(|text| text.split(|c| !is_part(c)));
            words.any(|word| word == program)
        };
        let all = self
            .host
            .iter()
            .map(|(program, package)| (program.as_str(), package.as_str()));
        all.filter(move |(program, _)| uses(program))
    }
}

/// A load.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Name of what it asks for.
    pub metric: String,
    /// How many requests it sends; 0 where that is its own affair.
    #[serde(default)]
    pub requests: u32,
    /// Host command that sends as many as `{requests}` says, and writes how many a second were answered, and how many in
    /// all if that is another number.
    pub command: String,
}

/// What a client beside the server asks for, again and again, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Name of what it asks for.
    pub metric: String,
    /// The server's port.
    pub port: u16,
    /// What it sends. All answers have to be as long as the first.
    pub send: String,
    /// A connection for each.
    #[serde(default)]
    pub connects: bool,
}

/// All suites and rows.
#[derive(Debug, Clone)]
pub struct Suites {
    suites: BTreeMap<String, Suite>,
    rows: Rows,
}

/// `rows.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    application: BTreeMap<String, Application>,
    row: BTreeMap<String, Row>,
}

/// The file of rows.
const ROWS: &str = "rows.toml";

impl Suites {
    /// Those that this binary carries.
    ///
    /// # Errors
    /// When the data is wrong; a test keeps that from happening.
    pub fn builtin() -> Result<Self, BenchError> {
        let mut suites = BTreeMap::new();
        let mut rows = Rows::default();
        for file in EMBEDDED.files() {
            let name = file.path().display().to_string();
            let text = file.contents_utf8().unwrap_or_default();
            if name == ROWS {
                rows = read(&name, text)?;
            } else if let Some(stem) = name.strip_suffix(".toml") {
                let mut suite: Suite = read(&name, text)?;
                suite.name = stem.into();
                suite.key = hash(text);
                suites.insert(stem.to_owned(), suite);
            }
        }
        let all = Self { suites, rows };
        let rows = &all.rows.row;
        let of_suites = all.suites.values();
        let listed = of_suites.flat_map(|suite| suite.rows.iter().chain(&suite.against));
        for name in listed.chain(rows.values().filter_map(|row| row.against.as_ref())) {
            all.row(name)?;
        }
        Ok(all)
    }

    /// Names of all suites.
    pub fn names(&self) -> Vec<String> {
        self.suites.keys().cloned().collect()
    }

    /// A suite by its name.
    ///
    /// # Errors
    /// [`BenchError::UnknownSuite`] says which there are.
    pub fn suite(&self, name: &str) -> Result<&Suite, BenchError> {
        let suite = self.suites.get(name);
        suite.ok_or_else(|| BenchError::UnknownSuite {
            name: name.into(),
            known: self.names(),
        })
    }

    /// A row by its name.
    ///
    /// # Errors
    /// When there is none.
    pub fn row(&self, name: &str) -> Result<&Row, BenchError> {
        self.rows.row.get(name).ok_or_else(|| BenchError::Data {
            file: ROWS.into(),
            why: format!("there is no row {name}"),
        })
    }

    /// All rows by name.
    pub fn rows(&self) -> &BTreeMap<String, Row> {
        &self.rows.row
    }

    /// A row's application.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn application(&self, row: &Row) -> Result<&Application, BenchError> {
        let name = &row.application;
        let application = self.rows.application.get(name);
        application.ok_or_else(|| BenchError::Data {
            file: ROWS.into(),
            why: format!("there is no application {name}"),
        })
    }
}

/// sha256 in hexadecimal.
pub(crate) fn hash(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

/// A word, or a list of words.
fn one_or_several<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<Kind>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        One(Kind),
        Several(Vec<Kind>),
    }
    Ok(match Given::deserialize(value)? {
        Given::One(kind) => vec![kind],
        Given::Several(kinds) => kinds,
    })
}

fn read<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, BenchError> {
    toml::from_str(text).map_err(|error| BenchError::Data {
        file: file.into(),
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_sound_and_every_row_is_used() {
        let suites = Suites::builtin().unwrap();
        let used: Vec<&String> = suites.suites.values().flat_map(|s| &s.rows).collect();
        for (name, row) in suites.rows() {
            assert!(used.contains(&name), "no suite has the row {name}");
            assert!(!row.beside || row.link.is_some(), "{name}: beside what?");
            suites.application(row).unwrap();
        }
        for suite in suites.suites.values() {
            assert!(suite.rounds > 0 && !suite.rows.is_empty(), "{}", suite.name);
            assert!(!suite.kinds.is_empty(), "{}", suite.name);
        }
    }

    #[test]
    fn every_program_of_the_host_is_run_by_clients_or_checks() {
        let suites = Suites::builtin().unwrap();
        for (name, application) in &suites.rows.application {
            let of = |kind| application.programs(kind).count();
            assert_eq!(of(Kind::Load), application.host.len(), "{name}");
            assert_eq!(of(Kind::Size), 0);
        }
        let redis = &suites.rows.application["redis"];
        let checked: Vec<_> = redis.programs(Kind::Boot).collect();
        assert_eq!(checked, [("redis-cli", "redis-tools")]);
    }

    #[test]
    fn a_suite_is_measured_in_one_way_or_in_several() {
        let suites = Suites::builtin().unwrap();
        assert_eq!(suites.suite("boot").unwrap().kinds, [Kind::Boot]);
        let several = &suites.suite("ukl").unwrap().kinds;
        assert!(several.contains(&Kind::Memory) && several.contains(&Kind::Load));
        let once = several.iter().filter(|kind| kind.is_once());
        assert_eq!(once.count(), 2);
    }

    #[test]
    fn an_unknown_suite_names_the_known() {
        let error = Suites::builtin().unwrap().suite("nonsense").unwrap_err();
        assert!(
            miette::Report::from(error)
                .help()
                .unwrap()
                .to_string()
                .contains("boot")
        );
    }
}
