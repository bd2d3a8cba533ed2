use super::*;
use crate::fragment::Fragment;
use crate::fragment::Layer;
use crate::merge::merge;
use crate::symbols::{Default, Kind};

fn symbol(depends: &[&str], selected_by: &[&str]) -> Symbol {
    let definition = Definition {
        file: "net/Kconfig".into(),
        prompt: Some("a prompt".into()),
        depends: depends.iter().map(|d| (*d).to_owned()).collect(),
        ..Definition::default()
    };
    let selector = |by: &&str| Selector {
        by: (*by).to_owned(),
        condition: None,
    };
    Symbol {
        kind: Kind::Bool,
        definitions: vec![definition],
        selected_by: selected_by.iter().map(selector).collect(),
        ..Symbol::default()
    }
}

/// VIRTIO_NET needs NET_CORE; FAILOVER is selected by NET_FAILOVER by VIRTIO_NET.
fn symbols() -> Symbols {
    let mut symbols = Symbols::default();
    let mut add = |name: &str, symbol: Symbol| symbols.symbols.insert(name.into(), symbol);
    add("NET", symbol(&[], &[]));
    add("NET_CORE", symbol(&["NETDEVICES"], &[]));
    add("VIRTIO_NET", symbol(&["NETDEVICES && NET_CORE"], &[]));
    add("NET_FAILOVER", symbol(&[], &["VIRTIO_NET"]));
    let mut failover = symbol(&[], &["NET_FAILOVER", "OFF"]);
    failover.definitions[0].prompt = None;
    add("FAILOVER", failover);
    let mut cubic = symbol(&["INET"], &[]);
    cubic.definitions[0].defaults = vec![
        Default {
            value: "n".into(),
            condition: Some("NET_CORE".into()),
        },
        Default {
            value: "y".into(),
            condition: Some("NET".into()),
        },
    ];
    add("CUBIC", cubic);
    let choice = vec!["HZ_100".to_owned(), "HZ_250".to_owned()];
    add(
        "HZ_100",
        Symbol {
            choice: choice.clone(),
            ..symbol(&[], &[])
        },
    );
    add(
        "HZ_250",
        Symbol {
            choice,
            ..symbol(&[], &[])
        },
    );
    symbols
}

fn said(option: &str, asked: &str, dot: &str) -> String {
    let fragment = Fragment::parse("t.config", Layer::Need, asked).unwrap();
    let merged = merge(&[fragment]).unwrap();
    let dot = DotConfig::parse(dot).unwrap();
    explain(option, &merged, &dot, Some(&symbols())).to_string()
}

#[test]
fn asked_for() {
    assert_eq!(
        said("CONFIG_NET", "CONFIG_NET=y # port 80\n", "CONFIG_NET=y\n"),
        "CONFIG_NET=y  a prompt\n  asked for by t.config:1 (port 80)"
    );
}

#[test]
fn a_chain_of_selections_ends_at_who_asked() {
    let dot = "CONFIG_FAILOVER=y\nCONFIG_NET_FAILOVER=y\nCONFIG_VIRTIO_NET=y\n";
    assert_eq!(
        said("FAILOVER", "CONFIG_VIRTIO_NET=y # a network card\n", dot),
        "CONFIG_FAILOVER=y\n  selected by NET_FAILOVER, which is selected by VIRTIO_NET, \
         asked for by t.config:1 (a network card)"
    );
}

#[test]
fn a_default_with_the_condition_that_holds() {
    let dot = "CONFIG_CUBIC=y\nCONFIG_INET=y\nCONFIG_NET=y\n";
    assert_eq!(
        said("CUBIC", "", dot),
        "CONFIG_CUBIC=y  a prompt\n  default y because NET (net/Kconfig)"
    );
}

#[test]
fn the_default_of_a_choice() {
    assert_eq!(
        said("HZ_100", "", "CONFIG_HZ_100=y\n"),
        "CONFIG_HZ_100=y  a prompt\n  the default of a choice; the others are HZ_250"
    );
}

#[test]
fn off_and_why() {
    for (option, dot, reason) in [
        (
            "VIRTIO_NET",
            "CONFIG_NETDEVICES=y\n",
            "depends on NET_CORE, which is off",
        ),
        ("NET", "", "nobody asks for it"),
        (
            "HZ_250",
            "CONFIG_HZ_100=y\n",
            "HZ_100 is chosen in its place",
        ),
        (
            "VIRTO_NET",
            "",
            "the kernel has no such option; did you mean CONFIG_VIRTIO_NET?",
        ),
        (
            "FAILOVER",
            "",
            "it has no prompt: ask for one of NET_FAILOVER, OFF, which select it",
        ),
    ] {
        let text = said(option, "", dot);
        assert!(text.ends_with(reason), "{text}");
    }
}
