//! `cargo xtask suite FILE [APP...]`: finds out by running applications, one after the other, what
//! each needs of a kernel, and puts it beside what an earlier study needed.
//!
//! What came of an application is appended as one line of JSON to `OUT/APP.json`, so that a suite that
//! was interrupted goes on where it was; what lupine said meanwhile is in `OUT/APP.log`.

mod chosen;
mod count;
mod entry;
mod outcome;

mod table;
mod trial;
mod union;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use count::Paper;
use entry::{Entry, Suite};
use lupine_needs::Tables;
use outcome::{Depth, Outcome};

/// What the command line asks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    file: PathBuf,
    apps: Vec<String>,
    depth: Depth,
    again: bool,
    show: bool,
    on: Option<String>,
    out: Option<PathBuf>,
    lupine: Option<PathBuf>,
}

impl Request {
    /// Reads the arguments; `None` when they are not understood.
    pub fn parse(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut request = Self {
            file: args.next()?.into(),
            ..Self::default()
        };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--static" => request.depth = Depth::Static,
                "--minimize" => request.depth = Depth::Minimize,
                "--again" => request.again = true,
                "--show" => request.show = true,
                "--on" => request.on = Some(args.next()?),
                "--out" => request.out = Some(args.next()?.into()),
                "--lupine" => request.lupine = Some(args.next()?.into()),
                flag if flag.starts_with('-') => return None,
                _ => request.apps.push(arg),
            }
        }
        Some(request)
    }

    /// Where results are kept; beside the suite unless said otherwise.
    fn out(&self) -> PathBuf {
        let beside = || self.file.with_extension("out");
        self.out.clone().unwrap_or_else(beside)
    }

    /// The lupine that is looked at; the one that was built with this program unless said otherwise.
    fn lupine(&self) -> Result<PathBuf, String> {
        let here = std::env::current_exe().map_err(|e| format!("cannot tell where I am: {e}"))?;
        let beside = || here.with_file_name("lupine");
        let lupine = self.lupine.clone().unwrap_or_else(beside);
        std::path::absolute(&lupine)
            .ok()
            .filter(|path| path.is_file())
            .ok_or_else(|| {
                format!(
                    "there is no {}: run cargo build --package lupine, or name one with --lupine",
                    lupine.display()
                )
            })
    }
}

/// Runs what was not run yet, and prints the table of all results.
pub fn run(request: &Request) -> Result<(), String> {
    let suite = Suite::read(&request.file)?;
    let paper = Paper::parse(&crate::read(&suite.beside("paper-2020.toml"))?)?;
    paper.check(suite.apps.values())?;
    let apps = suite.chosen(&request.apps)?;
    let out = request.out();
    std::fs::create_dir_all(&out).map_err(|e| format!("cannot make {}: {e}", out.display()))?;
    if let Some(flags) = &request.on {
        return on(flags, request, &suite, &apps);
    }
    if !request.show {
        let lupine = request.lupine()?;
        for (name, entry) in &apps {
            one(request, &suite, &lupine, &out, (name, entry))?;
        }
    }
    let outcomes = outcomes(&suite, &out)?;
    println!("{}", table::render(&suite.apps, &outcomes, &paper));
    let tables = Tables::builtin().map_err(|error| error.to_string())?;
    println!("{}", union::render(&outcomes, &paper, &tables));
    Ok(())
}

/// Runs applications on the kernel that `flags` choose; says which work, and fails unless all do.
fn on(
    flags: &str,
    request: &Request,
    suite: &Suite,
    apps: &[(&str, &Entry)],
) -> Result<(), String> {
    let lupine = request.lupine()?;
    let chosen: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
    let apps = apps.iter().filter(|(_, entry)| entry.unverified.is_none());
    let mut failed = Vec::new();
    for (name, entry) in apps {
        let trial = trial::Trial {
            lupine: &lupine,
            entry,
            files: &suite.beside("files"),
            log: &request.out().join(format!("{name}.on.log")),
        };
        match trial.works_on(&chosen) {
            Ok(took) => println!("{name}: works, {:.1} s", took.as_secs_f64()),
            Err(why) => {
                println!("{name}: does not work: {why}");
                failed.push(*name);
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!("with {flags} do not work: {}", failed.join(", ")))
}

/// Runs one application, unless that is done.
fn one(
    request: &Request,
    suite: &Suite,
    lupine: &Path,
    out: &Path,
    (name, entry): (&str, &Entry),
) -> Result<(), String> {
    let file = out.join(format!("{name}.json"));
    let known = outcome::best(&file)?;
    let done = known.is_some_and(|known| known.is_done(request.depth));
    if entry.unverified.is_some() || done && !request.again {
        return Ok(());
    }
    eprintln!("{name} ...");
    let trial = trial::Trial {
        lupine,
        entry,
        files: &suite.beside("files"),
        log: &out.join(format!("{name}.log")),
    };
    let outcome = trial.run(request.depth);
    if let Some(why) = &outcome.error {
        eprintln!("{name}: {why}");
    }
    outcome::append(&file, &outcome)
}

fn outcomes(suite: &Suite, out: &Path) -> Result<BTreeMap<String, Outcome>, String> {
    let mut all = BTreeMap::new();
    for name in suite.apps.keys() {
        if let Some(outcome) = outcome::best(&out.join(format!("{name}.json")))? {
            all.insert(name.clone(), outcome);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Request> {
        Request::parse(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_are_read() {
        let request = parse("s.toml redis --minimize --out o nginx").unwrap();
        assert_eq!(request.apps, ["redis", "nginx"]);
        assert!(request.depth == Depth::Minimize && !request.again);
        assert_eq!(request.out(), Path::new("o"));
        assert_eq!(parse("a/s.toml").unwrap().out(), Path::new("a/s.out"));
        assert_eq!(parse(""), None);
        assert_eq!(parse("s.toml --minimise"), None);
        assert_eq!(parse("s.toml --out"), None);
    }

    #[test]
    fn the_suite_of_this_repository_is_well_formed() {
        let suite = Suite::read(&crate::root().join("bench/suites/top20.toml")).unwrap();
        let text = crate::read(&suite.beside("paper-2020.toml")).unwrap();
        let paper = Paper::parse(&text).unwrap();
        paper.check(suite.apps.values()).unwrap();
        let named: std::collections::BTreeSet<&String> =
            suite.apps.values().flat_map(|entry| &entry.paper).collect();
        assert!(paper.names().all(|name| named.contains(name)));
        for entry in suite.apps.values() {
            entry.words(&suite.beside("files")).unwrap();
        }
    }
}
