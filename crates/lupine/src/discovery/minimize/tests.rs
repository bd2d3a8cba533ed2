use lupine_needs::Setting;

use super::*;

fn need(feature: &str, options: &[&str]) -> Need {
    let setting = |option: &&str| Setting {
        option: format!("CONFIG_{option}"),
        value: "y".into(),
        why: "seen".into(),
    };
    Need {
        feature: feature.into(),
        options: options.iter().map(setting).collect(),
        state: State::Used,
        evidence: Vec::new(),
    }
}

fn state(options: &[&str], verdicts: &[(&str, Verdict)]) -> State {
    let verdicts = verdicts.iter().cloned();
    let outcome = Outcome {
        verdicts: verdicts.map(|(o, v)| (format!("CONFIG_{o}"), v)).collect(),
        trials: 1,
    };
    judged(&need("x", options), &outcome).state
}

#[test]
fn a_need_is_as_dispensable_as_the_least_of_its_options() {
    let required = || Verdict::Required("it died".into());
    let gone = || Verdict::Dispensable;
    assert_eq!(
        state(&["NET", "UNIX"], &[("NET", required()), ("UNIX", gone())]),
        State::Optional
    );
    assert_eq!(
        state(
            &["NET", "UNIX"],
            &[("NET", required()), ("UNIX", required())]
        ),
        State::Required
    );
    let unknown = [("NET", required()), ("UNIX", Verdict::NotHit)];
    assert_eq!(state(&["NET", "UNIX"], &unknown), State::Used);
    assert_eq!(state(&["AIO"], &[("AIO", Verdict::NotTried)]), State::Used);
}

#[test]
fn what_has_to_stay_does_when_the_need_that_names_it_goes() {
    let needs = [
        need("proc-sysctl", &["PROC_FS", "PROC_SYSCTL"]),
        need("node", &["NUMA", "SYSFS"]),
    ];
    let verdicts = [
        ("PROC_FS", Verdict::Required("it died".into())),
        ("PROC_SYSCTL", Verdict::Dispensable),
        ("NUMA", Verdict::NotTried),
        ("SYSFS", Verdict::Dispensable),
    ];
    let outcome = Outcome {
        verdicts: verdicts.map(|(o, v)| (format!("CONFIG_{o}"), v)).into(),
        trials: 1,
    };
    let built = judged_all(&needs, &outcome);
    let built = built.iter().filter(|need| need.state.is_built());
    let built: Vec<(&str, State)> = built
        .map(|n| (n.options[0].option.as_str(), n.state))
        .collect();
    let wanted = [
        ("CONFIG_NUMA", State::Used),
        ("CONFIG_PROC_FS", State::Required),
    ];
    assert_eq!(built, wanted);
}

#[test]
fn what_was_refused_from_the_start_was_not_tried() {
    let mut refused = need("node", &["NUMA", "SYSFS"]);
    refused.state = State::Optional;
    let verdicts = BTreeMap::from([("CONFIG_SYSFS".into(), Verdict::Dispensable)]);
    let outcome = Outcome {
        verdicts,
        trials: 1,
    };
    assert_eq!(judged(&refused, &outcome), refused);
}

#[test]
fn only_what_was_used_is_worth_taking_away() {
    let mut optional = need("eventfd", &["EVENTFD"]);
    optional.state = State::Optional;
    let options = candidates(&[need("epoll", &["EPOLL"]), optional]);
    assert_eq!(options, BTreeSet::from(["CONFIG_EPOLL".to_owned()]));
}

#[test]
fn every_refusal_is_a_rule_that_the_recorder_reads() {
    let map = Map::builtin().unwrap();
    for option in [
        "CONFIG_NET",
        "CONFIG_PROC_FS",
        "CONFIG_SHMEM",
        "CONFIG_FILE_LOCKING",
    ] {
        let without = BTreeSet::from([option.to_owned()]);
        let features = refusals(&map, &without);
        assert_eq!(rules(&map, &without).len(), features.len(), "{option}");
        assert!(!features.is_empty());
    }
}
