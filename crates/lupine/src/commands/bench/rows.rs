//! The rows of suites, built: [`Rows`].

use std::collections::BTreeMap;
use std::path::Path;

use lupine_bench::{Application, Input, Journal, Kind, Row, Suite, Suites};
use miette::Result;

use crate::bench::{Container, Parts, Subject};
use crate::cli::BenchArgs;
use crate::pipeline::Pipeline;

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
                let row = all.row(name)?;
                let application = &at_hand(pipeline, all.application(row)?)?;
                let config = args.baseline.as_ref();
                let config = config.filter(|_| !suite.own_kernels_only && !row.container);
                let base = config.and_then(|config| {
                    let base = format!("{}-baseline", row.application);
                    rows.baseline(pipeline, suite, (base, application), config, parts)
                });
                let against = base.or(row.against.clone());
                if row.container {
                    rows.contain(pipeline, name, row, application)?;
                } else if !rows.subjects.contains_key(name) {
                    let subject = Subject::of_row(pipeline, row, application, parts)?;
                    rows.keep(name, &row.about, subject, against);
                }
                if suite.own_kernels_only && parts.bzimage && !row.container {
                    // Without a bzImage it is another entry of the cache, the one that `lupine run` will look for.
                    Subject::of_row(pipeline, row, application, Parts::default())?;
                }
                rows.order.push((suite.name.clone(), name.clone()));
            }
        }
        Ok(rows)
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
        let place = config.display();
        let order = (suite.name.clone(), name.clone());
        if !self.subjects.contains_key(&name) {
            match Subject::on_baseline(pipeline, application, config, parts) {
                Ok(subject) => {
                    let about = format!("{} on the kernel of {place}", application.image);
                    self.keep(&name, &about, subject, None);
                }
                Err(report) => {
                    let why = super::said(&report);
                    let line = format!("warning: without {name}: {place}: {why}");
                    pipeline.reporter.line(&line);
                    return None;
                }
            }
        }
        if !self.order.contains(&order) {
            self.order.push(order);
        }
        Some(name)
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

/// An application whose image is a program of ours, with that program compiled.
fn at_hand(pipeline: &Pipeline<'_>, application: &Application) -> Result<Application> {
    const HELLO: &str = "{hello}";
    let mut application = application.clone();
    if application.image.contains(HELLO) {
        let dir = lupine_bench::hello(pipeline.store)?;
        application.image = application.image.replace(HELLO, &dir.display().to_string());
    }
    Ok(application)
}
