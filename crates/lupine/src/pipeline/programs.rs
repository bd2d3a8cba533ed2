//! The image's programs for CPL 0: looked at, and with `--kml=call` rewritten.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use lupine_bundle::ChangedFile;
use lupine_image::{Kind, Tree};
use lupine_rewrite::Report;
use lupine_rootfs::Replaced;
use lupine_store::{At, write_atomically};
use miette::{IntoDiagnostic, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Pipeline, Prepared};
use crate::cli::{BuildOptions, Kml};

/// Kind of the store's entries.
const KIND: &str = "programs";
/// Changes whenever an equal file would be rewritten differently.
const REWRITER: &str = "rewrite 1";
/// Name of the list within an entry; the files beside it are named by their content's number.
const LIST: &str = "list.json";

/// What is to know of an image's programs at CPL 0.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Programs {
    /// Which of them are packed with another content.
    pub changed: Vec<ChangedFile>,
    /// The numbers of their contents, in the same order.
    contents: Vec<u32>,
    /// What a person should know.
    warnings: Vec<String>,
    /// What may be of interest.
    notes: Vec<String>,
}

impl Pipeline<'_> {
    /// The image's programs, as far as `--kml` makes a difference to them, and what to pack instead of some.
    ///
    /// # Errors
    /// A file of the cache that cannot be read or written.
    pub fn programs(
        &self,
        prepared: &Prepared,
        options: &BuildOptions,
    ) -> Result<(Programs, Replaced)> {
        let Some(kml) = options.kernel.kml else {
            return Ok(Default::default());
        };
        let digest = &prepared.image.digest;
        let key = sha256(format!("{REWRITER} {kml:?} {digest}").as_bytes());
        let _lock = self.store.lock(&format!("{KIND}-{}", &key[..16]))?;
        if self.store.get(KIND, &key).is_none() {
            self.reporter_step(kml);
            let staging = self.store.staging()?;
            let dir = staging.path().join("programs");
            fs::create_dir(&dir).at("make", &dir)?;
            let programs = look(&prepared.tree, kml, &dir)?;
            programs
                .warnings
                .iter()
                .for_each(|line| self.reporter.line(line));
            programs
                .notes
                .iter()
                .for_each(|line| self.reporter.detail(line));
            let list = serde_json::to_vec_pretty(&programs).into_diagnostic()?;
            write_atomically(&dir.join(LIST), &list)?;
            self.store.publish(&dir, KIND, &key)?;
        }
        let dir = self.store.path(KIND, &key);
        let list = fs::read(dir.join(LIST)).at("read", &dir)?;
        let programs: Programs = serde_json::from_slice(&list).into_diagnostic()?;
        let contents = programs.contents.iter();
        let contents: BTreeMap<_, _> = contents.map(|n| (*n, dir.join(n.to_string()))).collect();
        let digest = if contents.is_empty() {
            String::new()
        } else {
            key
        };
        Ok((programs, Replaced { digest, contents }))
    }

    fn reporter_step(&self, kml: Kml) {
        use lupine_tool::Progress;
        self.reporter.step(match kml {
            Kml::Jump => "looking for instructions that do not fault at CPL 0",
            Kml::Call => "rewriting system calls",
        });
    }
}

/// Looks at all programs and libraries of a tree, each hard-linked file once, and writes those that
/// change into `dir`.
fn look(tree: &Tree, kml: Kml, dir: &Path) -> Result<Programs> {
    let (mut programs, mut seen) = (Programs::default(), BTreeSet::new());
    for (path, node) in tree.iter() {
        let Kind::File { content, .. } = node.kind else {
            continue;
        };
        let Some(place) = tree.content(node).filter(|_| seen.insert(content)) else {
            continue;
        };
        let path = format!("/{}", String::from_utf8_lossy(path));
        if !lupine_scan::is_elf(&tree.read(&path, 4)?) {
            continue;
        }
        let bytes = fs::read(&place).at("read", &place)?;
        let other = match kml {
            Kml::Jump => None,
            Kml::Call => programs.rewrite(&path, &bytes),
        };
        if let Some(other) = &other {
            let to = dir.join(content.to_string());
            fs::write(&to, other).at("write", &to)?;
            programs.contents.push(content);
        }
        programs.warn(&path, other.unwrap_or(bytes));
    }
    Ok(programs)
}

impl Programs {
    /// The file rewritten; `None` where it stays.
    fn rewrite(&mut self, path: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let rewritten = lupine_rewrite::rewrite(bytes.to_vec()).ok()?;
        let report = rewritten.report;
        if report.sites > 0 {
            self.notes.push(said(path, &report));
        }
        let other = rewritten.bytes?;
        let left = report.left.iter();
        self.changed.push(ChangedFile {
            path: path.into(),
            before: sha256(bytes),
            after: sha256(&other),
            sites: report.sites,
            calls: report.calls,
            traps: report.traps,
            left: left.map(|(why, count)| (why.to_string(), *count)).collect(),
        });
        Some(other)
    }

    /// Notes what the file may execute that should have stopped it.
    fn warn(&mut self, path: &str, bytes: Vec<u8>) {
        let found = lupine_rewrite::privileged(bytes).unwrap_or_default();
        if found.is_empty() {
            return;
        }
        let names: Vec<String> = found
            .iter()
            .map(|(name, count)| format!("{name} ({count})"))
            .collect();
        self.warnings.push(format!(
            "warning: {path} has instructions that do not fault at CPL 0: {}",
            names.join(", ")
        ));
    }
}

fn said(path: &str, report: &Report) -> String {
    let left: Vec<String> = report
        .left
        .iter()
        .map(|(why, count)| format!("{count}: {why}"))
        .collect();
    let kept = report
        .kept
        .as_deref()
        .map(|why| format!("; left whole: {why}"))
        .unwrap_or_default();
    let left = if left.is_empty() {
        String::new()
    } else {
        format!("; left {}", left.join(", "))
    };
    format!(
        "{path}: {} of {} system calls are calls{left}{kept}",
        report.calls, report.sites
    )
}

/// The digest, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
