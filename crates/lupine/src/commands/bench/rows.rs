//! The rows of suites, built: [`Rows`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lupine_bench::{Application, Input, Journal, Kind, Row, Suite, Suites, Trial};
use miette::Result;

use crate::bench::{Container, Parts, Subject};
use crate::cli::BenchArgs;
use crate::pipeline::{Pipeline, name_of};

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
    /// Baselines without a kernel, and why.
    missing: BTreeMap<String, String>,
    /// Suite and baseline of those.
    lacking: Vec<(String, String)>,
}

impl Rows {
    /// Builds what is not in the cache. With a baseline, each image is also put on that kernel.
    ///
    /// # Errors
    /// Those of the stages. A baseline that cannot be built is only said: the other rows go on.
    pub fn build(
        pipeline: &Pipeline<'_>,
        all: &Suites,
        suites: &[Suite],
        args: &BenchArgs,
    ) -> Result<Self> {
        let mut rows = Self::default();
        // One kernel for all suites.
        let parts = Parts {
            bzimage: suites.iter().any(|suite| suite.kind == Kind::Size),
            program: suites.iter().any(|suite| suite.kind.needs_program()),
        };
        for suite in suites {
            for name in &suite.rows {
                rows.add(pipeline, all, suite, (name, &args.baselines), parts)?;
            }
        }
        Ok(rows)
    }

    /// A row of a suite, after its baselines.
    fn add(
        &mut self,
        pipeline: &Pipeline<'_>,
        all: &Suites,
        suite: &Suite,
        (name, baselines): (&str, &[PathBuf]),
        parts: Parts,
    ) -> Result<()> {
        let row = all.row(name)?;
        let application = all.application(row)?;
        let takes_baselines = !suite.own_kernels_only && !row.container;
        let baselines = baselines.iter().filter(|_| takes_baselines);
        let names: Vec<String> = baselines
            .enumerate()
            .filter_map(|(place, config)| {
                let base = baseline_name(&row.application, config, place);
                self.baseline(pipeline, suite, (base, application), config, parts)
            })
            .collect();
        let against = names.into_iter().next().or(row.against.clone());
        if row.container {
            self.contain(pipeline, name, row, application)?;
        } else if !self.subjects.contains_key(name) {
            let subject = Subject::of_row(pipeline, row, application, parts)?;
            self.keep(name, &row.about, subject, against);
        }
        if suite.own_kernels_only && parts.bzimage && !row.container {
            // Without a bzImage it is another entry of the cache, the one that `lupine run` will look for.
            Subject::of_row(pipeline, row, application, Parts::default())?;
        }
        self.order.push((suite.name.clone(), name.into()));
        Ok(())
    }

    /// A row on the host.
    fn contain(
        &mut self,
        pipeline: &Pipeline<'_>,
        name: &str,
        row: &Row,
        application: &Application,
    ) -> Result<()> {
        if self.containers.contains_key(name) {
            return Ok(());
        }
        let container = Container::of_row(pipeline, row, application)?;
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

    /// A row with the application on the baseline's kernel, if that can be built; gives its name.
    fn baseline(
        &mut self,
        pipeline: &Pipeline<'_>,
        suite: &Suite,
        (name, application): (String, &Application),
        config: &Path,
        parts: Parts,
    ) -> Option<String> {
        if !self.subjects.contains_key(&name) && !self.missing.contains_key(&name) {
            let place = config.display();
            match Subject::on_baseline(pipeline, application, config, parts) {
                Ok(subject) => {
                    let about = format!("{} on the kernel of {place}", application.image);
                    self.keep(&name, &about, subject, None);
                }
                Err(report) => {
                    let why = format!("{place}: {}", super::said(&report));
                    let line = format!("warning: without {name}: {why}");
                    pipeline.reporter.line(&line);
                    self.missing.insert(name.clone(), why);
                }
            }
        }
        let is_there = self.subjects.contains_key(&name);
        let list = match is_there {
            true => &mut self.order,
            false => &mut self.lacking,
        };
        let order = (suite.name.clone(), name.clone());
        if !list.contains(&order) {
            list.push(order);
        }
        is_there.then_some(name)
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

    /// Says in the journal which baselines of a suite have no kernel.
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
