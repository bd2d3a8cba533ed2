//! Every option that the 2020 paper's applications needed on Linux 4.0 has its place here.

use std::collections::{BTreeMap, BTreeSet};

use lupine_needs::{Machine, Profile, Subject, Tables, derive};
use serde::Deserialize;

/// Options of Linux 4.0 that are no longer asked for by name, and what brings them in 6.12.
const CAME_WITH: &[(&str, &str)] = &[
    ("CONFIG_VIRTIO", "CONFIG_VIRTIO_MMIO"), // no prompt: selected by every virtio transport
    ("CONFIG_RT_MUTEXES", "CONFIG_FUTEX"),   // no prompt: implied by futexes
];

/// Options that the paper counts although every kernel here has them.
const IN_EVERY_KERNEL: &[&str] = &["CONFIG_VIRTIO_MMIO"];

#[derive(Deserialize)]
struct Paper {
    options: Vec<String>,
}

fn paper() -> BTreeMap<String, Paper> {
    toml::from_str(include_str!("../../../../fixtures/lupine-2020-apps.toml")).unwrap()
}

fn today(option: &str) -> &str {
    let renamed = CAME_WITH.iter().find(|(old, _)| *old == option);
    renamed.map_or(option, |(_, new)| new)
}

#[test]
fn the_features_know_every_option() {
    let tables = Tables::builtin().unwrap();
    let settings = tables.features.values().flat_map(|f| &f.options);
    let known: BTreeSet<&str> = settings.map(|s| s.option.as_str()).collect();
    for (name, application) in paper() {
        for option in &application.options {
            let option = today(option);
            assert!(
                known.contains(option) || IN_EVERY_KERNEL.contains(&option),
                "{name}: no feature has {option}"
            );
        }
    }
}

#[test]
fn every_application_gets_its_options() {
    let tables = Tables::builtin().unwrap();
    for (name, application) in paper() {
        let entry = tables.applications.get(&name);
        let entry = entry.unwrap_or_else(|| panic!("{name} is not in applications.toml"));
        let program = entry.programs[0].replace('*', "");
        let subject = Subject {
            argv: vec![program],
            ..Subject::default()
        };
        let needs = derive(&tables, &subject, &Machine::default(), Profile::App);
        let options = needs.needs.iter().flat_map(|n| &n.options);
        let given: BTreeSet<&str> = options.map(|s| s.option.as_str()).collect();
        for option in &application.options {
            let option = today(option);
            let there = given.contains(option) || IN_EVERY_KERNEL.contains(&option);
            assert!(there, "{name}: {option} is missing");
        }
    }
}

#[test]
fn the_general_kernel_has_what_all_of_them_need() {
    let tables = Tables::builtin().unwrap();
    let subject = Subject::default();
    let needs = derive(&tables, &subject, &Machine::default(), Profile::General);
    for (name, application) in &tables.applications {
        for need in &application.needs {
            assert!(
                needs.get(&need.feature).is_some(),
                "{name} needs {}",
                need.feature
            );
        }
    }
}
