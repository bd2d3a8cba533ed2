use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Condition {
    Condition::parse(text).unwrap()
}

#[test]
fn and_binds_tighter_than_or() {
    let condition = read("CONFIG_A || CONFIG_B && !CONFIG_C");
    assert!(condition.holds(&|name| name == "CONFIG_A"));
    assert!(condition.holds(&|name| name == "CONFIG_B"));
    assert!(!condition.holds(&|name| name != "CONFIG_A"));
    assert_eq!(condition.to_string(), "CONFIG_A || (CONFIG_B && !CONFIG_C)");
}

#[test]
fn nothing_is_always_and_n_is_never() {
    assert_eq!(read(" "), Condition::Always);
    assert_eq!(read("n"), Condition::Never);
    assert_eq!(Condition::Always.to_string(), "");
}

#[test]
fn what_is_no_condition_is_refused_at_its_place() {
    for (text, at) in [
        ("CONFIG_", 0),
        ("CONFIG_A &", 9),
        ("CONFIG_A && ", 12),
        ("(CONFIG_A", 9),
        ("FOO", 0),
        ("CONFIG_A CONFIG_B", 9),
    ] {
        assert_eq!(Condition::parse(text).unwrap_err().at, at, "{text}");
    }
    assert!(Condition::parse(&"(".repeat(100_000)).is_err());
}

#[test]
fn an_option_owns_what_is_lost_without_it_alone() {
    let condition = read("CONFIG_NET && (CONFIG_A || CONFIG_B) && !CONFIG_C");
    assert!(condition.is_lost_without(&BTreeSet::from(["CONFIG_NET".to_owned()])));
    for other in ["CONFIG_A", "CONFIG_B", "CONFIG_C", "CONFIG_D"] {
        assert!(
            !condition.is_lost_without(&BTreeSet::from([other.to_owned()])),
            "{other}"
        );
    }
}

#[test]
fn the_shortest_alternative_is_chosen_and_then_the_first() {
    let options = |text| {
        read(text)
            .options()
            .into_iter()
            .map(String::from)
            .collect::<Vec<_>>()
    };
    let text = "CONFIG_Z && ((CONFIG_A && CONFIG_B) || CONFIG_D || CONFIG_C)";
    assert_eq!(options(text), ["CONFIG_D", "CONFIG_Z"]);
    assert!(options("!CONFIG_A").is_empty());
}

fn conditions() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        9 => "CONFIG_[A-D]".prop_map(Condition::Symbol),
        1 => Just(Condition::Never),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let several = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            several.clone().prop_map(Condition::all),
            several.prop_map(Condition::any),
            inner.prop_map(Condition::negated),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(condition in conditions()) {
        let again = read(&condition.to_string());
        for bits in 0..16_u32 {
            let on = |name: &str| bits >> (name.as_bytes()[7] - b'A') & 1 == 1;
            prop_assert_eq!(again.holds(&on), condition.holds(&on));
        }
        prop_assert_eq!(read(&again.to_string()), again);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[A-ECONFIG_!&|() ny]{0,40}|.{0,20}") {
        if let Err(error) = Condition::parse(&text) {
            prop_assert!(error.at <= text.len());
        }
    }

    #[test]
    fn the_chosen_options_suffice_where_nothing_must_be_off(text in "CONFIG_[A-D](( && | \\|\\| )CONFIG_[A-D]){0,6}") {
        let condition = read(&text);
        let options = condition.options();
        prop_assert!(condition.holds(&|name| options.contains(name)));
    }
}
