use lupine_recorder::{Line, parse};

use super::*;

fn record(line: &str) -> Record {
    match parse(line.as_bytes()).unwrap() {
        Line::Record(record) => record,
        other => panic!("{other:?} is no record"),
    }
}

fn states(config: &str, lines: &[&str]) -> BTreeMap<String, State> {
    let records: Vec<Record> = lines.iter().map(|line| record(line)).collect();
    let config = DotConfig::parse(config).unwrap();
    let all = asked(&Map::builtin().unwrap(), &config, &records);
    all.into_iter()
        .map(|one| (one.feature.to_string(), one.state))
        .collect()
}

#[test]
fn what_was_granted_is_used() {
    let found = states("", &["41\t1,1,0\t0\t-\tnginx\t7"]);
    assert_eq!(found["syscall:socket"], State::Used);
    assert_eq!(found["family:1"], State::Used);
}

#[test]
fn what_the_kernel_lacks_and_the_application_bears_is_optional() {
    let without = states("", &["41\ta,1,0\t97\t-\tnginx\t7"]);
    assert_eq!(without["family:10"], State::Optional);
    // The call itself is there.
    assert_eq!(without["syscall:socket"], State::Used);
}

#[test]
fn an_ordinary_error_says_nothing_of_a_kernel_that_has_it() {
    let line = "257\t0\t2\t/proc/sys/vm/overcommit_memory\tredis\t7";
    let config = "CONFIG_PROC_FS=y\nCONFIG_PROC_SYSCTL=y\nCONFIG_SYSCTL=y\nCONFIG_MMU=y\n";
    let path = "path:/proc/sys/vm/overcommit_memory";
    assert!(!states(config, &[line]).contains_key(path));
    assert_eq!(states("", &[line])[path], State::Optional);
}

#[test]
fn a_call_that_was_interrupted_was_there() {
    let found = states("", &["232\t-\t4\t-\tredis\t7"]);
    assert_eq!(found["syscall:epoll_wait"], State::Used);
}
