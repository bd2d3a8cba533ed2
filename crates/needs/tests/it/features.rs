//! The map and the recorder have one text for each feature.

use lupine_needs::map::Feature as Mapped;
use lupine_recorder::{Feature as Recorded, features, parse};
use proptest::prelude::*;

/// One record of every kind of feature.
const RECORDS: [(&str, &str); 8] = [
    ("72\t6\t0\t-\ta\t1", "case:fcntl:1:6"),
    ("9\t21\t0\t-\ta\t1", "flag:mmap:3:0x20"),
    ("41\t2,1,6\t0\t-\ta\t1", "protocol:2:1:6"),
    ("41\t10,3,f\t97\t-\ta\t1", "netlink:15"),
    ("54\t1,f\t0\t-\ta\t1", "sockopt:1:15"),
    ("165\t-\t19\ttmpfs /run\ta\t1", "fs:tmpfs"),
    ("59\t1\t0\t/bin/x\ta\t1", "binfmt:script"),
    ("21\t-\t2\t/a:b c\ta\t1", "path:/a:b c"),
];

#[test]
fn what_was_recorded_stands_in_the_maps_words() {
    for (line, wanted) in RECORDS {
        let Ok(lupine_recorder::Line::Record(record)) = parse(line.as_bytes()) else {
            panic!("{line:?}");
        };
        let texts = features(&record);
        assert!(texts.iter().any(|text| text == wanted), "{texts:?}");
        for text in texts {
            assert_eq!(text.parse::<Mapped>().unwrap().to_string(), text);
        }
    }
}

/// Texts of all kinds, right and nearly right. Numbers of system calls are the recorder's own.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "(syscall|case|flag):(read|mmap|no_such_call)(:([0-7]|0x5):([0-9]{1,3}|0x[0-9a-f]{0,9}|-1|[+]1)){0,1}",
        "(family|netlink|protocol|sockopt)(:([0-9]{1,3}|0x[0-9a-f]{0,9}|-1|[+]1)){1,4}",
        "(fs|path):[ -~\t]{0,6}",
        "path:/[ -~\t]{0,6}",
        Just("binfmt:script".to_owned()),
        "[a-z]{0,4}(:[a-z]{0,2}){0,2}",
    ]
}

proptest! {
    #[test]
    fn both_read_and_write_the_same(text in text()) {
        let unknown = text.contains("no_such_call");
        let mapped = text.parse::<Mapped>().ok().map(|feature| feature.to_string());
        let recorded = text.parse::<Recorded>().ok().map(|feature| feature.to_string());
        let same = mapped == recorded || (unknown && recorded.is_none());
        prop_assert!(same, "{mapped:?} in the map, {recorded:?} in the recorder");
    }
}
