use miette::Diagnostic as _;

use super::*;
use crate::merge::merge;
use crate::symbols::{Definition, Selector, Symbol};

fn symbols(entries: &[(&str, &str, Option<&str>)]) -> Symbols {
    let symbol = |depends: &str, by: Option<&str>| Symbol {
        definitions: vec![Definition {
            file: "Kconfig".into(),
            prompt: Some("p".into()),
            depends: (!depends.is_empty())
                .then(|| depends.to_owned())
                .into_iter()
                .collect(),
            ..Definition::default()
        }],
        selected_by: by
            .map(|by| Selector {
                by: by.into(),
                condition: None,
            })
            .into_iter()
            .collect(),
        ..Symbol::default()
    };
    let pairs = entries
        .iter()
        .map(|(n, d, by)| ((*n).to_owned(), symbol(d, *by)));
    Symbols {
        symbols: pairs.collect(),
    }
}

fn run(asked: &str, dot: &str, allowed: &str) -> Result<(), CheckError> {
    let fragment = Fragment::parse("need", Layer::Need, asked).unwrap();
    let merged = merge(&[fragment]).unwrap();
    let known = symbols(&[
        ("VIRTIO_NET", "VIRTIO && NET_CORE", None),
        ("VIRTIO", "", None),
        ("NET_CORE", "", None),
        ("BPF", "", Some("NET")),
        ("NET", "", None),
        ("NR_CPUS", "SMP", None),
        ("SMP", "", None),
    ]);
    let allowed = Allowed::parse("allowed", allowed).unwrap();
    check(
        &merged,
        &DotConfig::parse(dot).unwrap(),
        Some(&known),
        &allowed,
    )
}

#[test]
fn a_lost_option_names_the_dependency_that_is_off() {
    let error = run("CONFIG_VIRTIO_NET=y # a card\n", "CONFIG_VIRTIO=y\n", "").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the kernel's configuration does not keep what was asked for:\n  \
         CONFIG_VIRTIO_NET=y became n; depends on NET_CORE, which is off; \
         asked for by need:1 (a card)"
    );
    assert_eq!(
        error.help().unwrap().to_string(),
        "ask for what is missing too: CONFIG_NET_CORE"
    );
}

#[test]
fn an_option_that_cannot_be_off_names_who_selects_it() {
    let dot = "CONFIG_BPF=y\nCONFIG_NET=y\n";
    let error = run("# small\n# CONFIG_BPF is not set\n", dot, "").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("CONFIG_BPF=n became y; selected by NET"),
        "{error}"
    );
}

#[test]
fn a_number_that_changed() {
    let error = run("CONFIG_NR_CPUS=8 # cores\n", "CONFIG_NR_CPUS=1\n", "").unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("CONFIG_NR_CPUS=8 became 1; depends on SMP, which is off"),
        "{text}"
    );
}

#[test]
fn what_was_kept_and_what_may_be_lost_is_no_error() {
    run(
        "CONFIG_NET=y # a\nCONFIG_NR_CPUS=4 # b\nCONFIG_SMP=n # c\n",
        "CONFIG_NET=y\nCONFIG_NR_CPUS=4\n",
        "",
    )
    .unwrap();
    run(
        "CONFIG_VIRTIO_NET=y # a\n",
        "",
        "CONFIG_VIRTIO_NET=y # no card on this machine\n",
    )
    .unwrap();
    run(
        "CONFIG_VIRTIO_NET=y # a\n",
        "",
        "CONFIG_VIRTIO_NET=n # another request\n",
    )
    .unwrap_err();
}

#[test]
fn an_unknown_option_is_said_to_be_unknown() {
    let error = run("CONFIG_VIRTO_NET=y # a\n", "", "").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no such option; did you mean CONFIG_VIRTIO_NET?")
    );
}

#[test]
fn several_at_once_in_full() {
    let asked = "# a card\nCONFIG_VIRTIO_NET=y\n# cores\nCONFIG_NR_CPUS=8\nCONFIG_SMP=y # two\n";
    let error = run(asked, "CONFIG_NR_CPUS=1\n", "").unwrap_err();
    insta::assert_snapshot!(error);
    insta::assert_snapshot!(error.help().unwrap());
}
