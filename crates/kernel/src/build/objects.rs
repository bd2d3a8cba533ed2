//! Counting objects: how many a build will make, and how many it made.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lupine_kconfig::{DotConfig, bare};
use lupine_store::Store;
use lupine_tool::Tool;

use crate::identity::{Key, recall, remember};
use crate::workspace::OutDir;
use crate::{KernelError, Objects};

/// How many objects make will announce: for a new directory as many as last time
/// anywhere, or `usual`; else those that a changed option concerns, as kbuild itself recorded it.
pub(super) fn estimate(
    store: &Store,
    out: &OutDir,
    before: Option<&str>,
    after: &str,
    usual: u64,
) -> u64 {
    let Some(before) = before else {
        return recall(store, &count_key())
            .and_then(|n| n.parse().ok())
            .unwrap_or(usual);
    };
    let changed = changed(before, after).unwrap_or_default();
    let marks: Vec<String> = changed
        .iter()
        .map(|o| format!("include/config/{o})"))
        .collect();
    let concerned = |text: &str| marks.iter().any(|mark| text.contains(mark));
    let commands = commands(&out.dir);
    let texts = commands
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok());
    texts.filter(|text| concerned(text)).count() as u64
}

fn count_key() -> String {
    Key::new("objects").finish()
}

/// Names, without `CONFIG_`, of the options in which two configurations differ.
fn changed(before: &str, after: &str) -> Option<Vec<String>> {
    let (before, after) = (
        DotConfig::parse(before).ok()?,
        DotConfig::parse(after).ok()?,
    );
    let differences = lupine_kconfig::diff(&before, &after);
    Some(
        differences
            .iter()
            .map(|d| bare(&d.option).to_owned())
            .collect(),
    )
}

/// The files `.NAME.o.cmd` in which kbuild records what an object depends on.
fn commands(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                todo.push(entry.path());
            } else if entry.file_name().to_string_lossy().ends_with(".o.cmd") {
                found.push(entry.path());
            }
        }
    }
    found
}

/// What a build did to the objects that the kernel is linked from: make announced those
/// that were not in place, ccache's log says for which of them it had an object, and the
/// archive of the whole kernel lists them all. Objects that end elsewhere are not counted.
pub(super) fn count(
    store: &Store,
    out: &OutDir,
    is_new: bool,
    announced: &BTreeSet<String>,
    stats: &Path,
) -> Result<Objects, KernelError> {
    if is_new {
        remember(store, &count_key(), &announced.len().to_string())?;
    }
    let hits = cache_hits(&fs::read_to_string(stats).unwrap_or_default());
    let mut objects = Objects::default();
    for object in members(&out.dir, "vmlinux.a")? {
        objects.total += 1;
        match (announced.contains(&object), hits.contains(&object)) {
            (false, _) => objects.kept += 1,
            (true, true) => objects.cached += 1,
            (true, false) => objects.compiled += 1,
        }
    }
    Ok(objects)
}

/// The objects in an archive of a build directory, by their paths from there.
pub(super) fn members(out: &Path, archive: &str) -> Result<Vec<String>, KernelError> {
    // Named without the build directory, a thin archive lists its members without it.
    let ar = Tool::new("ar").args(["t", archive]).current_dir(out);
    let listing = ar.run()?.stdout;
    let lines = String::from_utf8_lossy(&listing);
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

/// The objects that ccache had, from its log of one build: a line `# SOURCE`, then what became of it.
fn cache_hits(log: &str) -> BTreeSet<String> {
    let mut source = "";
    let mut hits = BTreeSet::new();
    for line in log.lines() {
        if let Some(name) = line.strip_prefix("# ") {
            source = name.trim();
        } else if matches!(line.trim(), "preprocessed_cache_hit" | "direct_cache_hit") {
            let stem = source.rsplit_once('.').map_or(source, |(stem, _)| stem);
            hits.insert(format!("{}.o", stem.trim_start_matches("../")));
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_options_are_found() {
        let (before, after) = (
            "CONFIG_A=y\nCONFIG_B=1\n",
            "CONFIG_A=y\nCONFIG_B=2\nCONFIG_C=y\n",
        );
        assert_eq!(changed(before, after).unwrap(), ["B", "C"]);
    }

    #[test]
    fn hits_are_counted() {
        let log = "# ../a.c\ncache_miss\n# ../b/c.S\nlocal_storage_hit\npreprocessed_cache_hit\n";
        assert_eq!(cache_hits(log).into_iter().collect::<Vec<_>>(), ["b/c.o"]);
    }
}
