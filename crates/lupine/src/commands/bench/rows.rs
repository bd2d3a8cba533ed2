//! The rows of suites, built: [`Rows`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lupine_bench::{Application, Input, Journal, Kind, Row, Suite, Suites, Trial};
use miette::{Result, WrapErr};

use crate::bench::{Container, Parts, Subject};
use crate::cli::BenchArgs;
use crate::pipeline::{Pipeline, name_of};

/// A row of a suite, to be built.
struct Wanted<'a> {
    pipeline: &'a Pipeline<'a>,
    suite: &'a Suite,
    row: &'a Row,
    application: &'a Application,
    parts: Parts,
}

impl Wanted<'_> {
    fn subject(&self, parts: Parts) -> Result<Subject> {
        Subject::of_row(self.pipeline, self.row, &self.at_hand()?, parts)
    }

    /// The application; where it is a program of ours, that is compiled.
    fn at_hand(&self) -> Result<Application> {
        let mut application = self.application.clone();
        if let Some((image, own)) = lupine_bench::own(self.pipeline.store, &application.image)? {
            application.image = image;
            application.objects = vec![own.object];
        }
        Ok(application)
    }

    /// Without a bzImage it is another entry of the cache, the one that `lupine run` will look for.
    fn for_the_command(&self) -> Result<()> {
        let is_another = self.suite.own_kernels_only && self.parts.bzimage && !self.row.container;
        match is_another {
            true => self.subject(Parts::default()).map(drop),
            false => Ok(()),
        }
    }
}

/// All rows of the suites that were asked for.
#[derive(Default)]
pub struct Rows {
    /// What they are.
    pub subjects: BTreeMap<String, Subject>,
    /// Those that run on the host.
    pub containers: BTreeMap<String, Container>,
    /// Suite and row, in the order in which rows are measured.
    order: Vec<(String, String)>,
    inputs: Vec<Input>,
    /// What could not be built, and why.
    missing: BTreeMap<String, String>,
    /// Suite and row of those.
    lacking: Vec<(String, String)>,
}

impl Rows {
    /// Builds what is not in the cache. With baselines, each image is also put on their kernels. What cannot be built
    /// is said, and the others go on.
    ///
    /// # Errors
    /// A row or an application that the data have not got.
    pub fn build(
        pipeline: &Pipeline<'_>,
        all: &Suites,
        suites: &[Suite],
        args: &BenchArgs,
    ) -> Result<Self> {
        let mut rows = Self::default();
        let kinds = || suites.iter().flat_map(|suite| &suite.kinds);
        // One kernel for all suites.
        let parts = Parts {
            bzimage: kinds().any(|kind| *kind == Kind::Size),
            program: kinds().any(|kind| kind.needs_program()),
        };
        for suite in suites {
            for name in &suite.rows {
                let row = all.row(name)?;
                let wanted = Wanted {
                    pipeline,
                    suite,
                    row,
                    application: all.application(row)?,
                    parts,
                };
                rows.add(&wanted, name, &args.baselines);
            }
        }
        Ok(rows)
    }

    /// A row of a suite, after its baselines.
    fn add(&mut self, wanted: &Wanted<'_>, name: &str, baselines: &[PathBuf]) {
        let Wanted { suite, row, .. } = *wanted;
        let takes_baselines = !suite.own_kernels_only && !row.container;
        let baselines = baselines.iter().filter(|_| takes_baselines).enumerate();
        let names: Vec<String> = baselines
            .filter_map(|(place, config)| {
                let base = baseline_name(&row.application, config, place);
                let built = self.once(&base, |rows| rows.baseline(wanted, &base, config));
                self.place(wanted, &base, built).then_some(base)
            })
            .collect();
        let against = names.into_iter().next().or(row.against.clone());
        let built = self.once(name, |rows| match row.container {
            true => rows.contain(wanted, name),
            false => rows.own(wanted, name, against),
        });
        let built = built.and_then(|()| wanted.for_the_command());
        self.place(wanted, name, built);
    }

    /// Builds a row unless that was done, or tried.
    fn once(&mut self, name: &str, build: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        match self.has(name) || self.missing.contains_key(name) {
            true => Ok(()),
            false => build(self),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.subjects.contains_key(name) || self.containers.contains_key(name)
    }

    /// Puts a row into its suite's order if it was built, or else says why not.
    fn place(&mut self, wanted: &Wanted<'_>, name: &str, built: Result<()>) -> bool {
        if let Err(report) = built {
            let why = super::said(&report);
            let line = format!("warning: without {name}: {why}");
            wanted.pipeline.reporter.line(&line);
            self.missing.insert(name.into(), why);
        }
        let is_there = self.has(name);
        let list = match is_there {
            true => &mut self.order,
            false => &mut self.lacking,
        };
        let order = (wanted.suite.name.clone(), name.to_owned());
        if !list.contains(&order) {
            list.push(order);
        }
        is_there
    }

    /// A row with a kernel of ours.
    fn own(&mut self, wanted: &Wanted<'_>, name: &str, against: Option<String>) -> Result<()> {
        let Wanted { row, parts, .. } = *wanted;
        let subject = wanted.subject(parts)?;
        self.keep(name, &row.about, subject, against);
        Ok(())
    }

    /// A row on the host.
    fn contain(&mut self, wanted: &Wanted<'_>, name: &str) -> Result<()> {
        let row = wanted.row;
        let container = Container::of_row(wanted.pipeline, row, &wanted.at_hand()?)?;
        self.inputs.push(Input {
            name: name.into(),
            is_row: true,
            about: row.about.clone(),
            key: container.key(),
            against: row.against.clone(),
        });
        self.containers.insert(name.into(), container);
        Ok(())
    }

    /// A row with the application on a baseline's kernel.
    fn baseline(&mut self, wanted: &Wanted<'_>, name: &str, config: &Path) -> Result<()> {
        let (application, place) = (&wanted.at_hand()?, config.display());
        let subject = Subject::on_baseline(wanted.pipeline, application, config, wanted.parts);
        let subject = subject.wrap_err_with(|| place.to_string())?;
        let about = format!("{} on the kernel of {place}", application.image);
        self.keep(name, &about, subject, None);
        Ok(())
    }

    fn keep(&mut self, name: &str, about: &str, subject: Subject, against: Option<String>) {
        self.inputs.push(Input {
            name: name.into(),
            is_row: true,
            about: about.into(),
            key: subject.key(),
            against,
        });
        self.subjects.insert(name.into(), subject);
    }

    /// The rows of a suite, in the order in which they are measured.
    pub fn of(&self, suite: &Suite) -> Vec<&str> {
        let own = self.order.iter().filter(|(name, _)| *name == suite.name);
        own.map(|(_, row)| row.as_str()).collect()
    }

    /// Says in the journal which rows of a suite could not be built.
    ///
    /// # Errors
    /// A full disk.
    pub fn declare_missing(&self, suite: &Suite, journal: &mut Journal) -> Result<()> {
        for (_, row) in self.lacking.iter().filter(|(name, _)| *name == suite.name) {
            let trial = Trial {
                suite: &suite.name,
                row,
                round: None,
            };
            journal.fail(&trial, &self.missing[row])?;
        }
        Ok(())
    }

    /// Says in the journal what the rows stand for.
    ///
    /// # Errors
    /// When the journal has other rows of these names.
    pub fn declare(&self, journal: &mut Journal) -> Result<()> {
        for input in &self.inputs {
            journal.declare(input.clone())?;
        }
        Ok(())
    }
}

/// The row of an application on a baseline's kernel: by the configuration's own name, or by its place among those that
/// were asked for.
fn baseline_name(application: &str, config: &Path, place: usize) -> String {
    match (name_of(config), place) {
        (Some(name), _) => format!("{application}-{name}"),
        (None, 0) => format!("{application}-baseline"),
        (None, place) => format!("{application}-baseline-{}", place + 1),
    }
}
