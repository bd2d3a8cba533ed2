//! Why a host program did not do its work.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use crate::package_of;

/// Why a host program did not do its work.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ToolError {
    /// The program is not on this machine.
    #[error("{program} is not installed")]
    #[diagnostic(help("{}", missing_help(program)))]
    Missing {
        /// Name that was looked for.
        program: String,
    },
    /// The kernel refused to start it.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// Name of the program.
        program: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// It ran and failed.
    #[error("{program} failed ({status}){}", quoted(tail))]
    Failed {
        /// Name of the program.
        program: String,
        /// Its exit status.
        status: ExitStatus,
        /// The last lines it wrote to stderr, or to its log file.
        tail: String,
    },
    /// It ran longer than its limit and was killed.
    #[error("{program} did not finish within {} s and was killed{}", limit.as_secs(), quoted(tail))]
    TimedOut {
        /// Name of the program.
        program: String,
        /// The limit.
        limit: Duration,
        /// The last lines it wrote.
        tail: String,
    },
}

fn missing_help(program: &str) -> String {
    match package_of(program) {
        Some(package) => {
            format!("install it: apt-get install {package} (or: lupine doctor --fix)")
        }
        None => format!("put {program} on PATH"),
    }
}

fn quoted(tail: &str) -> String {
    let tail = tail.trim();
    if tail.is_empty() {
        return String::new();
    }
    format!(":\n{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tool;

    #[test]
    fn a_missing_program_names_its_package() {
        let error = Tool::new("mkfs.erofs-not-here").run().unwrap_err();
        assert!(matches!(error, ToolError::Missing { .. }), "{error}");
        assert!(missing_help("mkfs.erofs").contains("apt-get install erofs-utils"));
    }
}
