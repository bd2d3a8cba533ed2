//! What the guest's init is told about the application.

use lupine_init::{GuestSpec, Network, Rlimit};
use miette::{Result, miette};

use crate::cli::AppOptions;
use crate::cli::values::{EnvVar, TapAddress, env_var};

/// `RLIMIT_NOFILE` on x86-64.
const NOFILE: u32 = 7;
/// Open files that an application has at first, and may allow itself.
const NOFILE_DEFAULT: Rlimit = Rlimit {
    resource: NOFILE,
    soft: 65_536,
    hard: 1 << 20,
};

/// `base`, changed by what the flags say about the application.
///
/// # Errors
/// When a file of `--env-file` cannot be read.
pub fn spec(base: &GuestSpec, app: &AppOptions, hostname: &str) -> Result<GuestSpec> {
    let mut spec = base.clone();
    spec.hostname = hostname.into();
    set(&mut spec.env, "HOSTNAME", hostname);
    for entry in environment(app)? {
        match entry.value.or_else(|| std::env::var(&entry.key).ok()) {
            Some(value) => set(&mut spec.env, &entry.key, &value),
            // As docker: a variable that is not set here is not set there.
            None => unset(&mut spec.env, &entry.key),
        }
    }
    if let Some(dir) = &app.workdir {
        spec.cwd.clone_from(dir);
    }
    if let Some(user) = &app.user {
        spec.user.clone_from(user);
    }
    spec.rlimits = rlimits(app);
    Ok(spec)
}

/// Files first, so that flags win.
fn environment(app: &AppOptions) -> Result<Vec<EnvVar>> {
    let mut all = Vec::new();
    for file in &app.env_file {
        let text = std::fs::read_to_string(file).map_err(|error| {
            miette!(
                help = "--env-file needs a readable text file of KEY=VALUE lines",
                "cannot read {}: {error}",
                file.display()
            )
        })?;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let entry = env_var(line)
                .map_err(|why| miette!("{}, line {}: {why}", file.display(), number + 1))?;
            all.push(entry);
        }
    }
    all.extend(app.env.iter().cloned());
    Ok(all)
}

fn unset(env: &mut Vec<String>, key: &str) {
    env.retain(|entry| entry.split('=').next() != Some(key));
}

/// Sets an environment variable, in place of one of this name.
pub fn set(env: &mut Vec<String>, key: &str, value: &str) {
    unset(env, key);
    env.push(format!("{key}={value}"));
}

fn rlimits(app: &AppOptions) -> Vec<Rlimit> {
    let mut limits = vec![NOFILE_DEFAULT];
    for limit in &app.ulimit {
        limits.retain(|known| known.resource != limit.resource);
        limits.push(Rlimit {
            resource: limit.resource,
            soft: limit.soft,
            hard: limit.hard,
        });
    }
    limits
}

/// The guest's address on a tap device that is there.
pub fn address(tap: &TapAddress) -> Option<Network> {
    let (address, prefix) = tap.address?;
    Some(Network {
        address: address.octets(),
        prefix,
        gateway: tap.gateway.map(|gateway| gateway.octets()),
        dns: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn options(flags: &[&str]) -> AppOptions {
        let words = ["lupine", "run"].iter().chain(flags).chain(&["image"]);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Run(options) => options.app,
            _ => unreachable!("that was run"),
        }
    }

    fn env_of(flags: &[&str]) -> Vec<String> {
        let base = GuestSpec {
            env: vec!["A=image".into(), "B=image".into()],
            ..GuestSpec::default()
        };
        let mut env = spec(&base, &options(flags), "calm-fox").unwrap().env;
        assert!(env.contains(&"HOSTNAME=calm-fox".to_owned()));
        env.retain(|entry| !entry.starts_with("HOSTNAME="));
        env
    }

    #[test]
    fn flags_win_over_files_and_files_over_the_image() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# comment\n\nA=file\nC=file\n").unwrap();
        let path = file.path().to_str().unwrap();
        let env = env_of(&["-e", "C=flag", "--env-file", path]);
        assert_eq!(env, ["B=image", "A=file", "C=flag"]);
    }

    #[test]
    fn a_variable_without_a_value_is_the_hosts() {
        let path = std::env::var("PATH").unwrap();
        assert_eq!(
            env_of(&["-e", "PATH", "-e", "A=", "-e", "LUPINE_NOT_SET"]),
            [
                "B=image".to_owned(),
                format!("PATH={path}"),
                "A=".to_owned()
            ]
        );
    }

    #[test]
    fn a_bad_line_of_a_file_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "A=1\nno good\n").unwrap();
        let options = options(&["--env-file", file.path().to_str().unwrap()]);
        let error = environment(&options).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn limits_have_a_default_that_a_flag_replaces() {
        assert_eq!(rlimits(&options(&[])), [NOFILE_DEFAULT]);
        let limits = rlimits(&options(&["--ulimit", "nofile=5", "--ulimit", "core=0"]));
        assert_eq!(limits.len(), 2);
        assert_eq!((limits[0].resource, limits[0].soft), (NOFILE, 5));
    }
}
