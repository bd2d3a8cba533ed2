//! `lupine doctor`: what this host can do, found out by trying.

mod probes;

use lupine_tool::Tool;
use miette::{Result, miette};
use serde::Serialize;

use super::Context;
use crate::cli::DoctorArgs;
use crate::printer;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// It works.
    Ok,
    /// Something is slower or less without it.
    Lacking,
    /// The main path does not work without it.
    Failed,
}

/// One thing that was tried.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    status: Status,
    why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    /// Debian packages that mend it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    packages: Vec<String>,
}

/// Tries everything; fails when something that the main path needs does not work.
pub fn doctor(context: &Context<'_>, args: &DoctorArgs) -> Result<u8> {
    let mut checks = probes::all(context);
    if args.fix {
        fix(context, &checks)?;
        checks = probes::all(context);
    }
    context.reporter.finish();
    if args.format.is_json() {
        printer::json(&checks);
    } else {
        printer::line(&text(&checks));
    }
    let failed = checks.iter().any(|check| check.status == Status::Failed);
    Ok(u8::from(failed))
}

fn text(checks: &[Check]) -> String {
    let width = checks
        .iter()
        .map(|check| check.name.len())
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    for check in checks {
        let status = match check.status {
            Status::Ok => "ok",
            Status::Lacking => "lacking",
            Status::Failed => "FAILED",
        };
        lines.push(format!("{status:7}  {:width$}  {}", check.name, check.why));
        if let Some(fix) = &check.fix {
            lines.push(format!("{:7}  {:width$}  -> {fix}", "", ""));
        }
    }
    lines.join("\n")
}

/// Installs what is missing.
fn fix(context: &Context<'_>, checks: &[Check]) -> Result<()> {
    let mut packages: Vec<&str> = checks
        .iter()
        .flat_map(|check| check.packages.iter().map(String::as_str))
        .collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        context.reporter.line("no package is missing");
        return Ok(());
    }
    if !nix::unistd::geteuid().is_root() {
        return Err(miette!(
            help = format!(
                "sudo apt-get install --no-install-recommends {}",
                packages.join(" ")
            ),
            "installing packages needs root"
        ));
    }
    lupine_tool::Progress::step(
        context.reporter,
        &format!("installing {}", packages.join(" ")),
    );
    let install = || {
        Tool::new("apt-get")
            .args(["install", "-y", "--no-install-recommends"])
            .args(packages.iter().copied())
            .env("DEBIAN_FRONTEND", "noninteractive")
            .run()
    };
    if install().is_err() {
        // The package lists may be absent or too old.
        Tool::new("apt-get").arg("update").run()?;
        install()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gap_has_the_command_that_mends_it() {
        let checks = [
            Check {
                name: "qemu".into(),
                status: Status::Ok,
                why: "QEMU emulator version 7.2".into(),
                fix: None,
                packages: Vec::new(),
            },
            Check {
                name: "kvm".into(),
                status: Status::Lacking,
                why: "there is no /dev/kvm".into(),
                fix: Some("modprobe kvm".into()),
                packages: Vec::new(),
            },
        ];
        insta::assert_snapshot!(text(&checks), @r"
        ok       qemu  QEMU emulator version 7.2
        lacking  kvm   there is no /dev/kvm
                       -> modprobe kvm
        ");
    }
}
