//! `lupine cache`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lupine_store::{At, Store};
use miette::{Result, miette};
use serde::Serialize;

use super::Context;
use crate::cli::{CacheArgs, CacheCommand, ListArgs, PruneArgs};
use crate::printer;

/// Directories of the store that hold no entries.
const INTERNAL: [&str; 2] = ["locks", "tmp"];

/// One kind of entry.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Kind {
    kind: String,
    entries: usize,
    bytes: u64,
}

/// What was removed.
#[derive(Debug, Default, Serialize)]
struct Pruned {
    removed: Vec<Kind>,
    bytes: u64,
    kept_in_use: usize,
}

/// Shows or empties the cache.
pub fn cache(context: &Context<'_>, args: &CacheArgs) -> Result<u8> {
    match &args.command {
        CacheCommand::Ls(args) => list(context, args),
        CacheCommand::Prune(args) => prune(context, args),
    }
}

fn list(context: &Context<'_>, args: &ListArgs) -> Result<u8> {
    let store = context.store()?;
    let mut kinds = Vec::new();
    let mut seen = BTreeSet::new();
    for kind in kinds_of(&store)? {
        let keys = store.keys(&kind)?;
        let bytes = keys
            .iter()
            .map(|key| size(&store.path(&kind, key), &mut seen))
            .sum();
        kinds.push(Kind {
            kind,
            entries: keys.len(),
            bytes,
        });
    }
    if args.format.is_json() {
        printer::json(&serde_json::json!({ "root": store.root(), "kinds": kinds }));
        return Ok(0);
    }
    let total = kinds.iter().map(|kind| kind.bytes).sum();
    let mut rows: Vec<_> = kinds.iter().map(row).collect();
    rows.push(vec!["total".into(), String::new(), printer::size(total)]);
    printer::line(&printer::table(&["KIND", "ENTRIES", "SIZE"], &rows));
    context
        .reporter
        .line(&format!("in {}", store.root().display()));
    Ok(0)
}

fn row(kind: &Kind) -> Vec<String> {
    vec![
        kind.kind.clone(),
        kind.entries.to_string(),
        printer::size(kind.bytes),
    ]
}

fn kinds_of(store: &Store) -> Result<Vec<String>> {
    let mut kinds = Vec::new();
    for entry in fs::read_dir(store.root()).at("list", store.root())? {
        let entry = entry.at("list", store.root())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !INTERNAL.contains(&name.as_str()) {
            kinds.push(name);
        }
    }
    kinds.sort();
    Ok(kinds)
}

/// Bytes on disk below `path`; holes and further names of a file cost nothing.
fn size(path: &Path, seen: &mut BTreeSet<(u64, u64)>) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return 0;
    };
    if metadata.nlink() > 1 && !metadata.is_dir() && !seen.insert((metadata.dev(), metadata.ino()))
    {
        return 0;
    }
    let mut bytes = metadata.blocks() * 512;
    if metadata.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            bytes += size(&entry.path(), seen);
        }
    }
    bytes
}

fn prune(context: &Context<'_>, args: &PruneArgs) -> Result<u8> {
    let store = context.store()?;
    let _alone = alone(&store)?;
    let used = used_by_guests(context)?;
    let wanted = match args.all {
        true => everything(&store)?,
        false => unreachable_entries(&store)?,
    };
    let mut pruned = Pruned::default();
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    for (kind, key) in wanted {
        let path = store.path(&kind, &key);
        if used.iter().any(|used| used.starts_with(&path)) {
            pruned.kept_in_use += 1;
            continue;
        }
        let bytes = size(&path, &mut BTreeSet::new());
        store.remove(&kind, &key)?;
        let removed = kinds.entry(kind.clone()).or_default();
        removed.kind = kind;
        removed.entries += 1;
        removed.bytes += bytes;
        pruned.bytes += bytes;
    }
    pruned.removed = kinds.into_values().collect();
    if args.format.is_json() {
        printer::json(&pruned);
    } else {
        printer::line(&printer::table(
            &["KIND", "REMOVED", "SIZE"],
            &pruned.removed.iter().map(row).collect::<Vec<_>>(),
        ));
        printer::line(&format!("freed {}", printer::size(pruned.bytes)));
    }
    Ok(0)
}

/// Nobody else uses the cache as long as this is held.
fn alone(store: &Store) -> Result<fs::File> {
    let path = store.root().join("locks").join("in-use");
    let file = fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .at("open", &path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(miette!(
            help = "wait until it is done, then prune again",
            "another lupine command uses the cache {}",
            store.root().display()
        )),
        Err(fs::TryLockError::Error(error)) => Err(error).at("lock", &path)?,
    }
}

/// Files of guests that run.
fn used_by_guests(context: &Context<'_>) -> Result<Vec<PathBuf>> {
    let found = context.state()?.list()?;
    let live = found.into_iter().filter(|found| found.live);
    Ok(live
        .filter_map(|found| found.record.ok())
        .flat_map(|record| record.uses)
        .collect())
}

fn everything(store: &Store) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for kind in kinds_of(store)? {
        for key in store.keys(&kind)? {
            all.push((kind.clone(), key));
        }
    }
    Ok(all)
}

/// What no loaded image leads to: interrupted transfers, and the layers and
/// trees of images that were forgotten.
fn unreachable_entries(store: &Store) -> Result<Vec<(String, String)>> {
    let mut blobs = BTreeSet::new();
    let mut trees = BTreeSet::new();
    for record in lupine_image::list(store)? {
        trees.insert(record.digest.trim_start_matches("sha256:").to_owned());
        let manifest = store.path("blobs", &record.digest.replace(':', "-"));
        blobs.insert(record.digest.replace(':', "-"));
        blobs.extend(digests_in(&manifest));
    }
    let mut entries = Vec::new();
    for (kind, reachable) in [
        ("partial", BTreeSet::new()),
        ("blobs", blobs),
        ("trees", trees),
    ] {
        for key in store.keys(kind)? {
            if !reachable.contains(&key) {
                entries.push((kind.to_owned(), key));
            }
        }
    }
    Ok(entries)
}

/// Keys of the blobs that a manifest names.
fn digests_in(manifest: &Path) -> Vec<String> {
    let text = fs::read(manifest).unwrap_or_default();
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let layers = value["layers"].as_array().into_iter().flatten();
    std::iter::once(&value["config"])
        .chain(layers)
        .filter_map(|descriptor| descriptor["digest"].as_str())
        .map(|digest| digest.replace(':', "-"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_and_second_names_cost_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = fs::File::create(dir.path().join("sparse")).unwrap();
        file.set_len(1 << 30).unwrap();
        fs::write(dir.path().join("full"), vec![1; 64 << 10]).unwrap();
        fs::hard_link(dir.path().join("full"), dir.path().join("again")).unwrap();
        let bytes = size(dir.path(), &mut BTreeSet::new());
        assert!((64 << 10..256 << 10).contains(&bytes), "{bytes}");
    }

    #[test]
    fn a_manifest_keeps_its_blobs() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = dir.path().join("m");
        let text = r#"{"config":{"digest":"sha256:aa"},"layers":[{"digest":"sha256:bb"}]}"#;
        fs::write(&manifest, text).unwrap();
        assert_eq!(digests_in(&manifest), ["sha256-aa", "sha256-bb"]);
    }

    #[test]
    fn only_one_prunes_and_only_when_nobody_builds() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let user = crate::pipeline::use_cache(&store).unwrap();
        assert!(alone(&store).is_err());
        drop(user);
        let _alone = alone(&store).unwrap();
    }
}
