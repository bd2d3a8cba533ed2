//! The application's environment and where its program may be.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::GuestSpec;

/// PATH where neither the image nor the user gives one: Docker's.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The environment: the specification's, and what Docker adds where it is absent
/// (PATH, HOSTNAME, HOME, and TERM on a terminal). Of equal names the last counts.
pub fn environment(spec: &GuestSpec, home: &str) -> Vec<String> {
    let mut env: Vec<String> = Vec::new();
    for entry in &spec.env {
        let name = name_of(entry);
        env.retain(|old| name_of(old) != name);
        env.push(entry.clone());
    }
    let mut default = |name: &str, value: &str| {
        if !value.is_empty() && !env.iter().any(|entry| name_of(entry) == name) {
            env.push([name, "=", value].concat());
        }
    };
    default("PATH", PATH);
    default("HOSTNAME", &spec.hostname);
    default("HOME", home);
    default("TERM", if spec.terminal { "xterm" } else { "" });
    env
}

fn name_of(entry: &str) -> &str {
    entry.split_once('=').map_or(entry, |(name, _)| name)
}

/// Paths to try for `program`, in order: itself when it has a slash,
/// otherwise below each directory of the environment's PATH.
pub fn candidates(program: &str, env: &[String]) -> Vec<String> {
    if program.contains('/') {
        return [program.to_string()].into();
    }
    let path = env.iter().find_map(|entry| entry.strip_prefix("PATH="));
    path.unwrap_or(PATH)
        .split(':')
        .map(|dir| if dir.is_empty() { "." } else { dir })
        .map(|dir| [dir, "/", program].concat())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn spec(env: &[&str], terminal: bool) -> GuestSpec {
        GuestSpec {
            env: env.iter().map(ToString::to_string).collect(),
            hostname: "box".into(),
            terminal,
            ..GuestSpec::default()
        }
    }

    #[test]
    fn what_is_absent_is_added_as_docker_does() {
        let env = environment(&spec(&["A=1"], true), "/root");
        let path = ["PATH=", PATH].concat();
        assert_eq!(
            env,
            ["A=1", &path, "HOSTNAME=box", "HOME=/root", "TERM=xterm"]
        );
    }

    #[test]
    fn what_is_there_is_kept_and_the_last_counts() {
        let env = environment(&spec(&["HOME=/a", "PATH=/b", "HOME=/c"], false), "/root");
        assert_eq!(env, ["PATH=/b", "HOME=/c", "HOSTNAME=box"]);
    }

    #[test]
    fn a_program_is_looked_for_on_the_given_path() {
        let env = vec!["PATH=/a::/b".to_string()];
        assert_eq!(candidates("sh", &env), ["/a/sh", "./sh", "/b/sh"]);
        assert_eq!(candidates("./sh", &env), ["./sh"]);
        assert_eq!(candidates("sh", &[]).len(), 6);
    }
}
