//! The tables: features and applications, data that is checked as it is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A kernel option, the value asked for, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// `CONFIG_X`.
    pub option: String,
    /// As in a `.config`: `y`, `n`, a number or a quoted string.
    #[serde(default = "yes")]
    pub value: String,
    /// Why the feature needs it.
    pub why: String,
}

fn yes() -> String {
    "y".into()
}

/// One feature of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// What it is, in one line.
    pub doc: String,
    /// Features that it needs.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Its options; empty for a feature that only names others.
    #[serde(default)]
    pub options: Vec<Setting>,
}

/// A feature that an application needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationFeature {
    /// Name in the features table.
    pub feature: String,
    /// It works without, but worse.
    #[serde(default)]
    pub optional: bool,
    /// Why.
    pub why: String,
}

/// One application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Base names of programs that it is known by; `*` at the end matches any rest.
    pub programs: Vec<String>,
    /// Memory in MiB, where the default is not enough.
    #[serde(default)]
    pub mem_mib: Option<u32>,
    /// What it needs.
    #[serde(default)]
    pub needs: Vec<ApplicationFeature>,
}

/// Features, applications and the lists of what kernels for many of them have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// By name.
    pub features: BTreeMap<String, Feature>,
    /// Names of the features of the general kernel.
    pub general: Vec<String>,
    /// Names of the features that the twenty applications of the study cannot be without.
    pub top20: Vec<String>,
    /// Names of the features that every application's kernel has, so that kernels of
    /// different applications share most of their objects.
    pub common: Vec<String>,
    /// By name.
    pub applications: BTreeMap<String, Application>,
    /// Programs that start the one that is among their arguments.
    pub wrappers: Vec<String>,
}

/// A table that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum TablesError {
    /// Not the expected TOML.
    #[error("{table}: {message}")]
    #[diagnostic(help("compare with the table that lies in kernel/ of the source"))]
    Syntax {
        /// Which table.
        table: &'static str,
        /// What the reader said, with line and column.
        message: String,
    },
    /// A name without a feature.
    #[error("{place}: there is no feature {feature:?} in features.toml")]
    #[diagnostic(help("add the feature, or correct its name"))]
    NoFeature {
        /// Who names it.
        place: String,
        /// The name.
        feature: String,
    },
    /// A feature's option that is none.
    #[error("features.toml: feature {feature:?}: {option:?} is no kernel option")]
    #[diagnostic(help("options are written with their prefix: CONFIG_EPOLL"))]
    NoOption {
        /// The feature.
        feature: String,
        /// What stands there.
        option: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeaturesFile {
    general: Vec<String>,
    top20: Vec<String>,
    common: Vec<String>,
    feature: BTreeMap<String, Feature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationsFile {
    wrappers: Vec<String>,
    application: BTreeMap<String, Application>,
}

impl Tables {
    /// The tables that this program was built with.
    ///
    /// # Errors
    /// None in a released program: a test reads them.
    pub fn builtin() -> Result<Self, TablesError> {
        Self::parse(
            include_str!("../../../kernel/features.toml"),
            include_str!("../../../kernel/applications.toml"),
        )
    }

    /// Reads both tables and checks that every name in them leads somewhere.
    ///
    /// # Errors
    /// TOML that is not as expected, a feature that does not exist, an option without `CONFIG_`.
    pub fn parse(features: &str, applications: &str) -> Result<Self, TablesError> {
        let syntax = |table| {
            move |e: toml::de::Error| TablesError::Syntax {
                table,
                message: e.to_string().trim_end().to_owned(),
            }
        };
        let features: FeaturesFile = toml::from_str(features).map_err(syntax("features.toml"))?;
        let applications: ApplicationsFile =
            toml::from_str(applications).map_err(syntax("applications.toml"))?;
        let tables = Self {
            features: features.feature,
            general: features.general,
            top20: features.top20,
            common: features.common,
            applications: applications.application,
            wrappers: applications.wrappers,
        };
        tables.check()?;
        Ok(tables)
    }

    fn check(&self) -> Result<(), TablesError> {
        let lists = [
            ("features.toml: general", &self.general),
            ("features.toml: top20", &self.top20),
            ("features.toml: common", &self.common),
        ];
        for (place, list) in lists {
            for name in list {
                self.known(place, name)?;
            }
        }
        for (name, feature) in &self.features {
            let place = format!("features.toml: feature {name:?}");
            for needed in &feature.needs {
                self.known(&place, needed)?;
            }
            if let Some(setting) = feature.options.iter().find(|s| !is_option(&s.option)) {
                let option = setting.option.clone();
                return Err(TablesError::NoOption {
                    feature: name.clone(),
                    option,
                });
            }
        }
        for (name, application) in &self.applications {
            let place = format!("applications.toml: application {name:?}");
            for need in &application.needs {
                self.known(&place, &need.feature)?;
            }
        }
        Ok(())
    }

    fn known(&self, place: &str, feature: &str) -> Result<(), TablesError> {
        if self.features.contains_key(feature) {
            return Ok(());
        }
        Err(TablesError::NoFeature {
            place: place.into(),
            feature: feature.into(),
        })
    }
}

impl Application {
    /// Whether one of its programs is called `name` (a base name).
    pub fn is_called(&self, name: &str) -> bool {
        self.programs
            .iter()
            .any(|program| match program.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == program,
            })
    }
}

fn is_option(text: &str) -> bool {
    text.strip_prefix("CONFIG_")
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}
