//! The map against kernels that were built: `__x64_sys_*` of their `System.map`, strong or weak,
//! and the options that are set in their `.config`.

use std::collections::BTreeSet;

use lupine_needs::map::{Map, compare};

/// Name, symbols and configuration of a kernel of Linux 6.12.117.
type Kernel = (&'static str, &'static str, &'static str);

const KERNELS: [Kernel; 3] = [
    (
        "most",
        include_str!("../fixtures/kernels/most.symbols"),
        include_str!("../fixtures/kernels/most.config"),
    ),
    (
        "some",
        include_str!("../fixtures/kernels/some.symbols"),
        include_str!("../fixtures/kernels/some.config"),
    ),
    (
        "least",
        include_str!("../fixtures/kernels/least.symbols"),
        include_str!("../fixtures/kernels/least.config"),
    ),
];

#[test]
fn the_map_agrees_with_kernels_that_were_built() {
    let map = Map::builtin().unwrap();
    let (mut agreed, mut present, mut absent) = (0, BTreeSet::new(), BTreeSet::new());
    for (name, symbols, config) in KERNELS {
        let verdict = compare(&map, symbols, config);
        assert_eq!(verdict.disagreements, [], "{name}");
        let count = verdict.present.len() + verdict.absent.len();
        assert!(count > 340, "{name}: only {count} comparisons");
        agreed += count;
        present.extend(verdict.present);
        absent.extend(verdict.absent);
    }
    let both = present.intersection(&absent).count();
    // Where a call was seen both ways, its condition was really put to the test.
    assert!(
        agreed > 1050 && both >= 90,
        "{agreed} comparisons, {both} seen both ways"
    );
}

#[test]
fn a_wrong_configuration_is_noticed() {
    let map = Map::builtin().unwrap();
    let (_, symbols, _) = KERNELS[0];
    let verdict = compare(&map, symbols, "");
    assert!(verdict.disagreements.len() > 50, "{verdict:?}");
}
