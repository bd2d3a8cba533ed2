//! Choosing patch sets and applying them to a fresh tree, without any fuzz.

use std::fs;
use std::path::{Path, PathBuf};

use lupine_store::{At, Store};
use lupine_tool::{Progress, Tool, ToolError};

use crate::source::{SOURCES, SourceTree};
use crate::{Data, KernelError, Patch, PatchError, failure, tree};

/// For `patch`: as it stands or not at all, without questions and without `.orig` files.
const ARGUMENTS: [&str; 6] = [
    "-p1",
    "--fuzz=0",
    "--forward",
    "--batch",
    "--no-backup-if-mismatch",
    "--input",
];

/// Stands for leaving out the sets that every kernel of a series gets.
pub const NO_PATCHES: &str = "none";

/// Names of the series' own sets, then the named ones; each once.
fn wanted<'a>(own: &'a [String], named: &'a [String]) -> Vec<&'a String> {
    let own = if named.iter().any(|name| name == NO_PATCHES) {
        &[]
    } else {
        own
    };
    let mut all: Vec<&String> = Vec::new();
    for name in own.iter().chain(named) {
        if name != NO_PATCHES && !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// The patches of all wanted sets with their set's name, in the order of application.
pub(crate) fn select(data: &Data, named: &[String]) -> Result<Vec<(String, Patch)>, KernelError> {
    let sets = data.patch_sets();
    let mut chosen = Vec::new();
    for name in wanted(&data.pin.patch_sets, named) {
        let set = sets.iter().find(|set| set.name == *name).ok_or_else(|| {
            KernelError::UnknownPatchSet {
                name: name.clone(),
                series: data.pin.series.clone(),
                known: sets.iter().map(|set| set.name.clone()).collect(),
            }
        })?;
        chosen.extend(
            set.patches
                .iter()
                .map(|patch| (name.clone(), patch.clone())),
        );
    }
    Ok(chosen)
}

/// Makes the entry `key` from an unpatched tree. The files of the unpatched tree are
/// hard-linked; `patch` writes a new file beside an old one and renames it, so they stay.
pub(crate) fn apply(
    store: &Store,
    fresh: &SourceTree,
    patches: &[(String, Patch)],
    key: &str,
    progress: &dyn Progress,
) -> Result<PathBuf, KernelError> {
    progress.step(&format!(
        "applying {} patches to Linux {}",
        patches.len(),
        fresh.version
    ));
    let staging = store.staging()?;
    let dir = staging.path().join("linux");
    tree::link(&fresh.dir, &dir)?;
    for (set, patch) in patches {
        apply_one(staging.path(), &dir, set, patch, &fresh.version)?;
    }
    Ok(store.publish(&dir, SOURCES, key)?)
}

fn apply_one(
    scratch: &Path,
    dir: &Path,
    set: &str,
    patch: &Patch,
    version: &str,
) -> Result<(), KernelError> {
    let file = scratch.join("patch");
    fs::write(&file, &patch.text).at("write", &file)?;
    let output = scratch.join("patch.log");
    let tool = Tool::new("patch")
        .args(ARGUMENTS)
        .arg(&file)
        .arg("--reject-file=-");
    let run = tool
        .env_clear()
        .env("LC_ALL", "C")
        .current_dir(dir)
        .log_to(&output)
        .run();
    let log = fs::read_to_string(&output).unwrap_or_default();
    match run {
        // An offset is no fuzz: the lines are the same, elsewhere.
        Ok(_) => Ok(()),
        Err(ToolError::Failed { .. }) if failure::is_disk_full(&log) => {
            Err(KernelError::DiskFull { path: dir.into() })
        }
        Err(ToolError::Failed { .. }) => Err(refused(set, patch, version, log)),
        Err(error) => Err(error.into()),
    }
}

fn refused(set: &str, patch: &Patch, version: &str, log: String) -> KernelError {
    let (file, hunk) = where_it_failed(&log);
    KernelError::Patch(Box::new(PatchError {
        set: set.to_owned(),
        patch: patch.name.clone(),
        file,
        hunk,
        version: version.to_owned(),
        log,
    }))
}

/// The file and hunk of the first complaint of `patch`.
fn where_it_failed(log: &str) -> (String, Option<u32>) {
    let mut file = String::new();
    for line in log.lines() {
        if let Some(rest) = line.strip_prefix("patching file ") {
            file = rest.trim_matches('\'').to_owned();
        } else if let Some(rest) = line.strip_prefix("checking file ") {
            file = rest.trim_matches('\'').to_owned();
        } else if line.starts_with("Hunk #") && line.contains("FAILED") {
            let number = line["Hunk #".len()..].split(' ').next();
            return (file, number.and_then(|n| n.parse().ok()));
        } else if let Some(rest) = line.strip_prefix("|+++ b/") {
            // `patch` quotes the header of a file that it cannot find.
            file = rest.split('\t').next().unwrap_or(rest).to_owned();
        } else if line.contains("malformed patch") || line.contains("previously applied") {
            return (file, None);
        }
    }
    if file.is_empty() {
        file = "an unknown file".into();
    }
    (file, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_own_sets_come_first_unless_left_out() {
        let names = |names: &[&str]| -> Vec<String> { names.iter().map(|&n| n.into()).collect() };
        let own = names(&["why", "boot"]);
        for (named, all) in [
            (&[] as &[&str], &["why", "boot"] as &[&str]),
            (&["kml", "why"], &["why", "boot", "kml"]),
            (&["none"], &[]),
            (&["kml", "none", "why"], &["kml", "why"]),
        ] {
            let named = names(named);
            assert_eq!(wanted(&own, &named), names(all).iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_failed_hunk_is_named() {
        let log = "patching file a.c\npatching file kernel/fork.c\nHunk #1 succeeded at 3.\n\
                   Hunk #2 FAILED at 17.\n1 out of 2 hunks FAILED\n";
        assert_eq!(where_it_failed(log), ("kernel/fork.c".into(), Some(2)));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let log = "can't find file to patch at input line 3\nPerhaps you used the wrong -p?\n\
                   |--- a/nope.c\n|+++ b/nope.c\n";
        assert_eq!(where_it_failed(log), ("nope.c".into(), None));
    }
}
