//! The manifest of docker2lupine, of the paper's authors, as one of ours.
//!
//! ```json
//! { "linux_configuration": { "options": ["CONFIG_EPOLL"] }, "kml": false,
//!   "runtime": { "entry": "/bin/redis-server", "envs": ["A=b"], "working_directory": "/" } }
//! ```

use lupine_needs::State;
use miette::{IntoDiagnostic, Result, miette};
use serde::Deserialize;

use crate::cli::Kml;

use super::{CheckPart, ImagePart, MachinePart, Manifest, NeedPart, VERSION};

#[derive(Deserialize)]
struct Foreign {
    #[serde(default)]
    linux_configuration: Configuration,
    #[serde(default)]
    kml: bool,
    #[serde(default)]
    runtime: Runtime,
}

#[derive(Default, Deserialize)]
struct Configuration {
    #[serde(default)]
    options: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Runtime {
    /// One command, or its words.
    #[serde(default)]
    entry: Entry,
    #[serde(default)]
    envs: Vec<String>,
    #[serde(default)]
    working_directory: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Line(String),
    Words(Vec<String>),
}

impl Default for Entry {
    fn default() -> Self {
        Self::Words(Vec::new())
    }
}

/// Reads such a manifest. It names no image: `run -f` is told one.
///
/// # Errors
/// JSON that is not as expected; an option that is none.
pub fn parse(text: &str) -> Result<Manifest> {
    let foreign: Foreign = serde_json::from_str(text).into_diagnostic()?;
    let needs = foreign.linux_configuration.options.iter().map(|o| need(o));
    let command = match foreign.runtime.entry {
        Entry::Line(line) => line.split_whitespace().map(str::to_owned).collect(),
        Entry::Words(words) => words,
    };
    Ok(Manifest {
        version: VERSION,
        image: ImagePart {
            command,
            env: foreign.runtime.envs,
            workdir: foreign.runtime.working_directory,
            ..ImagePart::default()
        },
        machine: MachinePart {
            kml: foreign.kml.then_some(Kml::Jump),
            ..MachinePart::default()
        },
        check: CheckPart::default(),
        kernel: None,
        needs: needs.collect::<Result<_>>()?,
    })
}

fn need(option: &str) -> Result<NeedPart> {
    let bare = option.strip_suffix("=y").unwrap_or(option);
    let bare = bare.strip_prefix("CONFIG_").unwrap_or(bare);
    if !super::is_name(bare) {
        return Err(miette!(
            help = "write for example CONFIG_EPOLL",
            "linux_configuration.options: {option:?} is no option that can be turned on"
        ));
    }
    Ok(NeedPart {
        feature: bare.to_lowercase().replace('_', "-"),
        options: vec![format!("CONFIG_{bare}")],
        state: State::Declared,
        evidence: vec!["user: docker2lupine's manifest names it".into()],
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn options_and_the_command_are_taken_over() {
        let text = r#"{"linux_configuration": {"options": ["CONFIG_EPOLL=y", "FUTEX"]},
            "kml": false, "runtime": {"entry": "/bin/redis-server --save", "envs": ["A=b"],
            "working_directory": "/data"}}"#;
        let manifest = parse(text).unwrap();
        assert_eq!(manifest.image.command, ["/bin/redis-server", "--save"]);
        assert_eq!(manifest.image.workdir.as_deref(), Some("/data"));
        assert_eq!(manifest.needs[1].options, ["CONFIG_FUTEX"]);
        assert_eq!(manifest.machine.kml, None);
        let manifest = parse(r#"{"kml": true}"#).unwrap();
        assert_eq!(manifest.machine.kml, Some(Kml::Jump));
    }

    #[test]
    fn what_cannot_be_honoured_is_refused() {
        let text = r#"{"linux_configuration": {"options": ["CONFIG_A=n"]}}"#;
        let error = parse(text).unwrap_err();
        assert!(error.to_string().contains("CONFIG_A=n"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _ = parse(&text);
        }
    }
}
