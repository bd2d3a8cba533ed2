//! What an image's files can ask for, without running anything.

use std::collections::BTreeSet;

use lupine_needs::map::Feature;
use lupine_needs::{Asked, Evidence, Source, State};
use lupine_scan::{Breadth, Scan};

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
    /// There is code that was not seen: what is reachable says little.
    pub hidden: bool,
}

/// A call that makes a socket.
const SOCKET: &str = "syscall:socket";
/// Families that no constant in a program's code tells: getaddrinfo gives them with the addresses.
const OF_ADDRESSES: [&str; 2] = ["family:2", "family:10"];

/// The families of addresses that code which makes sockets can ask for without naming them.
fn families(scan: &Scan) -> Vec<&'static str> {
    let named: BTreeSet<&str> = scan.features(Breadth::Reach).collect();
    if !named.contains(SOCKET) {
        return Vec::new();
    }
    let families = OF_ADDRESSES.into_iter();
    families.filter(|family| !named.contains(family)).collect()
}

/// Scans the files behind the image's command.
pub fn reachable(prepared: &Prepared) -> Reachable {
    let scan = prepared.scan();
    let features = scan.features(Breadth::Reach).chain(families(&scan));
    let asked = features.filter_map(|text| {
        let feature: Feature = text.parse().ok()?;
        let place = scan
            .features
            .get(text)
            .or_else(|| scan.features.get(SOCKET));
        let place = place?.evidence.first()?;
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
        hidden: scan.hidden,
    }
}

#[cfg(test)]
mod tests {
    use lupine_scan::Found;

    use super::*;

    fn scan(features: &[&str]) -> Scan {
        let found = Found {
            reached: true,
            ..Found::default()
        };
        let mut scan = Scan::default();
        for feature in features {
            scan.features.insert((*feature).into(), found.clone());
        }
        scan
    }

    #[test]
    fn a_socket_may_be_of_any_family_that_an_address_has() {
        assert_eq!(families(&scan(&["syscall:read"])), [""; 0]);
        assert_eq!(
            families(&scan(&["syscall:socket", "family:1"])),
            OF_ADDRESSES
        );
        assert_eq!(
            families(&scan(&["syscall:socket", "family:2"])),
            ["family:10"]
        );
    }
}
