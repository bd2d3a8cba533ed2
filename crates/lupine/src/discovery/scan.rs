//! What an image's files can ask for, without running anything.

use lupine_needs::map::Feature;
use lupine_needs::{Asked, Evidence, Source, State};
use lupine_scan::{Breadth, Start};

use super::files::ImageFiles;
use crate::pipeline::Prepared;

/// What an image's files can ask for: more than any run will.
#[derive(Debug)]
pub struct Reachable {
    /// Every feature that code which can be reached asks for, with its first place.
    pub asked: Vec<Asked>,
    /// How many files can be loaded or run.
    pub files: usize,
    /// How many system calls there are whose number could not be told.
    pub unknown: usize,
    /// What was not seen, and why.
    pub warnings: Vec<String>,
}

/// Scans the files behind the image's command.
pub fn reachable(prepared: &Prepared) -> Reachable {
    let spec = &prepared.spec;
    let start = Start {
        argv: spec.argv.clone(),
        env: spec.env.clone(),
        cwd: spec.cwd.clone(),
        ..Start::default()
    };
    let scan = lupine_scan::scan(&ImageFiles::new(&prepared.tree), &start);
    let asked = scan.features(Breadth::Reach).filter_map(|text| {
        let feature: Feature = text.parse().ok()?;
        let place = scan.features.get(text)?.evidence.first()?;
        let evidence = Evidence {
            source: Source::Scan,
            text: format!("{place} can ask for {feature}"),
        };
        Some(Asked {
            feature,
            state: State::Unused,
            evidence,
        })
    });
    Reachable {
        asked: asked.collect(),
        files: scan.closure.len(),
        unknown: scan.unknown.iter().filter(|place| place.reached).count(),
        warnings: scan.warnings.clone(),
    }
}
