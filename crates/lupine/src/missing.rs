//! From a kernel's refusals to the options that it lacks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lupine_kconfig::DotConfig;
use lupine_needs::map::{Feature, Map};
use lupine_needs::{Asked, Evidence, Need, Source, State, errno_of};
use lupine_recorder::{Record, errno_name, refusal};
use lupine_store::At;
use miette::{Result, WrapErr};
use serde::Serialize;

/// PID of init, and its name in a child that is not the application yet: what they ask is nobody's
/// business.
const INIT: (u32, &str) = (1, "init");

/// Names the only system calls that a kernel has; all if it is empty (patch set `size`).
pub const CALLS: &str = "CONFIG_X86_64_SYSCALLS";

/// A feature that a guest was refused because its kernel lacks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The feature.
    pub feature: String,
    /// The options that give it, sorted.
    pub options: Vec<String>,
    /// With which error it was refused.
    pub error: String,
    /// The first process that was refused it.
    pub process: String,
    /// Its number in the guest.
    pub pid: u32,
    /// It was only looked for: nothing has to be mended.
    pub probe: bool,
}

/// What `lines` of a kernel of this configuration say, each feature once, in their order. Errors
/// that have other reasons than a missing option are left out.
pub fn missing(map: &Map, config: &DotConfig, lines: &[String]) -> Vec<Missing> {
    let mut known = BTreeSet::new();
    let records = lines.iter().filter_map(|line| refusal(line));
    let records = records.filter(|record| record.pid != INIT.0 && record.comm != INIT.1);
    let mut found: Vec<Missing> = records
        .flat_map(|record| of_record(map, config, &record))
        .collect();
    found.retain(|one| known.insert(one.feature.clone()));
    found
}

fn of_record(map: &Map, config: &DotConfig, record: &Record) -> Vec<Missing> {
    let error = errno_name(record.errno).unwrap_or_default();
    let missing = |feature: String, options: Vec<String>, probe: bool| Missing {
        feature,
        options,
        error: error.into(),
        process: record.comm.clone(),
        pid: record.pid,
        probe,
    };
    if let Some(call) = left_out(config, record) {
        return vec![missing(call, vec![CALLS.into()], false)];
    }
    let on = |option: &str| config.get(option).is_some();
    let features = lupine_recorder::features(record).into_iter();
    let lacking = features.filter_map(|text| {
        let feature: Feature = text.parse().ok()?;
        let options: Vec<String> = map
            .options_for(&feature)?
            .into_iter()
            .filter(|option| !on(option))
            .map(str::to_owned)
            .collect();
        let is_lacking = error == errno_of(&feature) && is_lacking(map, config, &feature);
        let probe = map.all(&feature).iter().all(|entry| entry.probe);
        (is_lacking && !options.is_empty()).then(|| missing(text, options, probe))
    });
    lacking.collect()
}

/// The refused call, if it is none of those that the kernel was built with.
fn left_out(config: &DotConfig, record: &Record) -> Option<String> {
    let names = config.get(CALLS)?.trim_matches('"');
    let call = record.name?;
    let is_left_out = !names.is_empty() && names.split(' ').all(|name| name != call);
    is_left_out.then(|| format!("syscall:{call}"))
}

/// Whether a kernel of this configuration has not got the feature, for all that the map knows.
pub fn is_lacking(map: &Map, config: &DotConfig, feature: &Feature) -> bool {
    let on = |option: &str| config.get(option).is_some();
    map.all(feature)
        .iter()
        .any(|entry| !entry.condition.holds(&on))
}

impl Missing {
    /// As something that was asked for, of this state.
    pub fn asked(&self, state: State, why: &str) -> Option<Asked> {
        let text = format!(
            "{} was refused {} ({}){why}",
            self.process, self.feature, self.error
        );
        Some(Asked {
            feature: self.feature.parse().ok()?,
            state,
            evidence: Evidence {
                source: Source::Guest,
                text,
            },
        })
    }
}

/// The needs for calls that `missing` kernels were built without: no option is behind them.
pub fn left_out_calls(missing: &[Missing], state: State, why: &str) -> Vec<Need> {
    let calls = missing.iter().filter(|m| m.options == [CALLS]);
    let need = |one: &Missing| {
        Some(Need {
            feature: one.feature.clone(),
            options: Vec::new(),
            state,
            evidence: vec![one.asked(state, why)?.evidence],
        })
    };
    calls.filter_map(need).collect()
}

/// The resolved configuration of a kernel, beside it in the cache or in a bundle.
///
/// # Errors
/// When there is none.
pub fn config_of(vmlinux: &Path) -> Result<DotConfig> {
    let beside = |name: &str| vmlinux.with_file_name(name);
    let file: PathBuf = ["config", "kernel.config"]
        .into_iter()
        .map(beside)
        .find(|path| path.exists())
        .unwrap_or_else(|| beside("config"));
    dot_config(&file)
}

/// The configuration in a file.
///
/// # Errors
/// When it cannot be read.
pub fn dot_config(path: &Path) -> Result<DotConfig> {
    let text = std::fs::read_to_string(path).at("read", path)?;
    DotConfig::parse(&text)
        .map_err(miette::Report::new)
        .wrap_err_with(|| format!("{} is no .config file", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(config: &str, lines: &[&str]) -> Vec<String> {
        let config = DotConfig::parse(config).unwrap();
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let all = missing(&Map::builtin().unwrap(), &config, &lines);
        all.into_iter().map(|one| one.feature).collect()
    }

    const EPOLL: &str = "291\t0,0,0,0,0,0\t38\t-\tnginx\t7";

    #[test]
    fn a_refusal_names_the_option_once() {
        assert_eq!(features("", &[EPOLL, EPOLL]), ["syscall:epoll_create1"]);
        assert!(features("CONFIG_EPOLL=y\n", &[EPOLL]).is_empty());
    }

    #[test]
    fn a_call_that_was_left_out_is_named_whatever_it_is() {
        let config = format!("{CALLS}=\"read write\"\n");
        let uname = EPOLL.replacen("291", "63", 1);
        assert_eq!(features(&config, &[&uname]), ["syscall:uname"]);
        assert_eq!(features(&config, &[EPOLL]), ["syscall:epoll_create1"]);
        let all = format!("{CALLS}=\"\"\nCONFIG_EPOLL=y\n");
        assert!(features(&all, &[&uname, EPOLL]).is_empty());
    }

    #[test]
    fn what_init_asks_and_what_is_no_refusal_is_left_out() {
        let by_init = EPOLL.replace("nginx\t7", "init\t22");
        let as_first = EPOLL.replace("\t7", "\t1");
        assert!(features("", &[&by_init, &as_first, "full", "", "x\ty"]).is_empty());
    }

    #[test]
    fn what_is_only_looked_for_has_not_to_be_mended() {
        let look = "137\t0,0,0,0,0,0\t2\t/sys/fs/selinux\tmkdir\t25".to_owned();
        let config = DotConfig::parse("CONFIG_SYSFS=y\n").unwrap();
        let lines = [look, EPOLL.to_owned()];
        let all = missing(&Map::builtin().unwrap(), &config, &lines);
        let probes: Vec<bool> = all.iter().map(|one| one.probe).collect();
        assert_eq!(probes, [true, false], "{all:?}");
    }
}
