use super::*;

fn asked(feature: &str, state: State) -> Asked {
    let feature: Feature = feature.parse().unwrap();
    Asked {
        evidence: Evidence::traced(&feature, "redis-server"),
        feature,
        state,
    }
}

fn needs(list: &[(&str, State)]) -> Vec<Need> {
    let (tables, map) = (Tables::builtin().unwrap(), Map::builtin().unwrap());
    let lookup = Lookup {
        tables: &tables,
        map: &map,
    };
    let list: Vec<Asked> = list.iter().map(|(f, state)| asked(f, *state)).collect();
    needs_of(lookup, &list)
}

#[test]
fn calls_of_one_option_are_one_need_with_the_tables_name() {
    let found = needs(&[
        ("syscall:epoll_create1", State::Used),
        ("syscall:epoll_wait", State::Used),
        ("syscall:read", State::Used),
    ]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].feature, "epoll");
    assert_eq!(found[0].options[0].option, "CONFIG_EPOLL");
    assert_eq!(found[0].evidence.len(), 2);
}

#[test]
fn what_a_larger_need_has_anyway_is_no_need_of_its_own() {
    let found = needs(&[
        ("syscall:accept4", State::Used),
        ("family:1", State::Used),
        ("family:2", State::Used),
    ]);
    let names: Vec<&str> = found.iter().map(|n| n.feature.as_str()).collect();
    assert_eq!(names, ["inet", "unix"]);
}

#[test]
fn a_need_that_is_surer_does_not_hide_in_one_that_is_not() {
    let found = needs(&[
        ("syscall:accept4", State::Used),
        ("family:1", State::Optional),
    ]);
    let states: Vec<State> = found.iter().map(|n| n.state).collect();
    assert_eq!(states.len(), 2, "{found:?}");
    assert!(states.contains(&State::Used));
}

#[test]
fn the_surest_evidence_counts() {
    let found = needs(&[
        ("syscall:eventfd2", State::Unused),
        ("syscall:eventfd2", State::Used),
    ]);
    assert_eq!(found[0].state, State::Used);
    assert_eq!(found[0].evidence.len(), 1);
}

#[test]
fn what_has_no_name_is_called_by_its_feature() {
    let found = needs(&[("syscall:acct", State::Used)]);
    assert_eq!(found[0].feature, "syscall:acct");
    assert_eq!(found[0].options[0].option, "CONFIG_BSD_PROCESS_ACCT");
    let why = &found[0].options[0].why;
    assert!(why.contains("kernel/acct.c:"), "{why}");
}

#[test]
fn a_name_covers_what_the_named_feature_needs_itself() {
    let found = needs(&[("family:10", State::Used), ("path:/dev/shm", State::Used)]);
    let names: Vec<&str> = found.iter().map(|n| n.feature.as_str()).collect();
    assert_eq!(names, ["ipv6", "tmpfs"]);
}
