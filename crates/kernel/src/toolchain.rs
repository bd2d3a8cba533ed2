//! What a kernel build needs of the host, and which compiler it would use.

use std::path::Path;

use lupine_tool::{Tool, ToolError, find};

use crate::KernelError;
use crate::identity::Key;
use crate::make::{ARGUMENTS, ENVIRONMENT};

/// A program or header that a kernel build needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// The program's name, or the header.
    pub what: &'static str,
    /// The Debian package that brings it.
    pub package: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Program,
    /// objtool is compiled for the host and needs libraries.
    Header,
}

const fn program(what: &'static str, package: &'static str) -> Requirement {
    Requirement {
        what,
        package,
        kind: Kind::Program,
    }
}

const REQUIREMENTS: [Requirement; 12] = [
    program("make", "make"),
    program("gcc", "gcc"),
    program("as", "binutils"),
    program("ld", "binutils"),
    program("ar", "binutils"),
    program("strip", "binutils"),
    program("flex", "flex"),
    program("bison", "bison"),
    program("bc", "bc"),
    program("flock", "util-linux"),
    Requirement {
        what: "gelf.h",
        package: "libelf-dev",
        kind: Kind::Header,
    },
    Requirement {
        what: "stdio.h",
        package: "libc6-dev",
        kind: Kind::Header,
    },
];

impl Requirement {
    /// Whether it is on this machine.
    pub fn is_met(&self) -> bool {
        match self.kind {
            Kind::Program => find(self.what).is_some(),
            Kind::Header => [
                "/usr/include",
                "/usr/include/x86_64-linux-gnu",
                "/usr/local/include",
            ]
            .iter()
            .any(|dir| Path::new(dir).join(self.what).is_file()),
        }
    }
}

/// Everything that a kernel build needs, met or not: for `lupine doctor`.
pub fn requirements() -> &'static [Requirement] {
    &REQUIREMENTS
}

/// Refuses to begin a build that would fail half-way.
pub(crate) fn check() -> Result<(), KernelError> {
    let missing: Vec<_> = REQUIREMENTS
        .iter()
        .filter(|r| !r.is_met())
        .copied()
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(KernelError::Missing { missing })
    }
}

/// The programs whose version decides about a kernel's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toolchain {
    /// The first line that each of gcc, as and ld says about itself.
    pub(crate) lines: Vec<String>,
}

impl Toolchain {
    /// Asks gcc, as and ld.
    pub(crate) fn of_host() -> Result<Self, KernelError> {
        let lines = ["gcc", "as", "ld"]
            .into_iter()
            .map(version)
            .collect::<Result<_, _>>()?;
        Ok(Self { lines })
    }

    /// A key that changes with any of them.
    pub(crate) fn key(&self) -> String {
        Key::new("toolchain")
            .field("lines", self.lines.join("\n"))
            .field("arguments", ARGUMENTS.join(" "))
            .field("environment", format!("{ENVIRONMENT:?}"))
            .finish()
    }
}

fn version(program: &str) -> Result<String, KernelError> {
    let run = Tool::new(program).arg("--version").env("LC_ALL", "C").run();
    let output = match run {
        Err(ToolError::Missing { .. }) => {
            check()?;
            return Err(ToolError::Missing {
                program: program.into(),
            }
            .into());
        }
        other => other?,
    };
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_build_kernels() {
        check().unwrap();
        let host = Toolchain::of_host().unwrap();
        assert_eq!(host.lines.len(), 3);
        assert!(host.lines[0].starts_with("gcc"), "{host:?}");
    }

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let missing = vec![
            program("flex", "flex"),
            program("ld", "binutils"),
            program("as", "binutils"),
        ];
        let error = KernelError::Missing { missing };
        assert_eq!(error.to_string(), "a kernel build needs flex, ld, as");
        let help = miette::Diagnostic::help(&error).unwrap().to_string();
        assert!(help.contains("apt-get install binutils flex"), "{help}");
    }
}
