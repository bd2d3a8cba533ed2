extern crate std;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

fn record(line: &str) -> Record {
    match parse(line.as_bytes()) {
        Ok(Line::Record(record)) => record,
        other => panic!("{line}: {other:?}"),
    }
}

#[cfg(feature = "embed")]
#[test]
fn the_recorder_is_a_program_below_32_kib() {
    assert!(RECORDER.len() < 32 * 1024, "{} bytes", RECORDER.len());
    assert_eq!(&RECORDER[..4], b"\x7fELF");
}

#[test]
fn a_record_is_read() {
    let record = record("257\t-\t2\t/proc/*/a\\x09b\tnginx\t17\n");
    assert_eq!((record.nr, record.name), (257, Some("openat")));
    assert_eq!((record.errno, record.pid), (2, 17));
    assert_eq!(record.string.as_deref(), Some("/proc/*/a\tb"));
    assert_eq!(record.comm, "nginx");
}

#[test]
fn records_tell_features() {
    let cases: [(&str, &[&str]); 10] = [
        (
            "41\t2,1,6\t0\t-\ta\t1",
            &["syscall:socket", "family:2", "protocol:2:1:6"],
        ),
        (
            "41\t10,3,f\t97\t-\ta\t1",
            &["syscall:socket", "family:16", "netlink:15"],
        ),
        (
            "54\t1,f\t0\t-\ta\t1",
            &["syscall:setsockopt", "sockopt:1:15"],
        ),
        ("72\t6\t0\t-\ta\t1", &["syscall:fcntl", "case:fcntl:1:6"]),
        (
            "9\t21\t0\t-\ta\t1",
            &["syscall:mmap", "flag:mmap:3:0x1", "flag:mmap:3:0x20"],
        ),
        (
            "165\t-\t19\ttmpfs /run\ta\t1",
            &["syscall:mount", "fs:tmpfs", "path:/run"],
        ),
        (
            "59\t1\t0\t/bin/x\ta\t1",
            &["syscall:execve", "binfmt:script", "path:/bin/x"],
        ),
        ("49\t2,1f90\t0\t-\ta\t1", &["syscall:bind", "family:2"]),
        ("21\t-\t2\trelative\ta\t1", &["syscall:access"]),
        ("100003\t-\t0\t-\ta\t1", &[]),
    ];
    for (line, expected) in cases {
        assert_eq!(features(&record(line)), expected, "{line}");
    }
}

#[test]
fn a_bound_port_is_told() {
    let cases = [
        ("49\t2,1f90\t0\t-\ta\t1", Some((2, 8080))),
        ("49\ta,50\t0\t-\ta\t1", Some((10, 80))),
        ("49\t2,1f90\t98\t-\ta\t1", None),
        ("49\t2,0\t0\t-\ta\t1", None),
        ("49\t1,50\t0\t-\ta\t1", None),
        ("42\t2,50\t0\t-\ta\t1", None),
    ];
    for (line, expected) in cases {
        assert_eq!(listening(&record(line)), expected, "{line}");
    }
}

#[test]
fn a_report_comes_back() {
    assert_eq!(decode_report(encode_report(NO_USER, 1)), (NO_USER, 1));
}

#[test]
fn rules_are_read_with_names_and_encoded_with_numbers() {
    let cases = [
        ("syscall:eventfd2=ENOSYS", "syscall:290=38"),
        ("syscall:290=ENOSYS", "syscall:290=38"),
        ("case:fcntl:1:0x6=EINVAL", "case:72:1:6=22"),
        ("flag:mmap:3:1=19", "flag:9:3:0x1=19"),
        ("family:10=EAFNOSUPPORT", "family:10=97"),
        ("protocol:2:1:6=94", "protocol:2:1:6=94"),
        ("netlink:0=93", "netlink:0=93"),
        ("sockopt:1:15=ENOPROTOOPT", "sockopt:1:15=92"),
        ("fs:tmpfs=ENODEV", "fs:tmpfs=19"),
        ("path:/proc/*/a=b=ENOENT", "path:/proc/*/a=b=2"),
        ("binfmt:script=ENOEXEC", "binfmt:script=8"),
    ];
    for (text, encoded) in cases {
        let rule: Rule = text.parse().unwrap();
        assert_eq!(rule.encode(), encoded);
        assert_eq!(encoded.parse::<Rule>().unwrap(), rule);
        assert_eq!(rule.to_string().parse::<Rule>().unwrap(), rule);
    }
}

#[test]
fn what_is_no_rule_is_refused() {
    for text in [
        "",
        "syscall:eventfd2",
        "syscall:eventfd2=0",
        "syscall:eventfd2=4096",
        "syscall:no_such_call=38",
        "syscall:1:2=38",
        "case:fcntl:6:1=22",
        "flag:mmap:3:0=22",
        "family:+1=97",
        "path:relative=2",
        "path:/a\nb=2",
        "fs:=19",
        "binfmt:elf=8",
    ] {
        assert!(text.parse::<Rule>().is_err(), "{text}");
    }
}

#[test]
fn the_other_lines_are_read() {
    assert_eq!(parse(HEADER.as_bytes()), Ok(Line::Header));
    assert_eq!(parse(b"full\n"), Ok(Line::Full));
    let exit = parse(b"exit\tother\t5\tsh\tsignal\t11\n");
    let Ok(Line::Exit(end)) = exit else {
        panic!("{exit:?}")
    };
    assert_eq!((end.main, end.how), (false, Err(11)));
    let last = parse(b"last-refusal\t5\tsh\t290\t-\t38\t-\tsh\t5\n");
    let Ok(Line::LastRefusal { record, .. }) = last else {
        panic!("{last:?}")
    };
    assert_eq!(record.name, Some("eventfd2"));
    assert!(matches!(
        parse(b"hits\tfamily:10=97\t0"),
        Ok(Line::Hits(_, 0))
    ));
    assert!(matches!(
        parse(b"hit\tfamily:10=97\tsh\t5"),
        Ok(Line::Hit(_))
    ));
    for text in [
        "",
        "#lupine-record\t2",
        "41\t2,1",
        "exit\tmain\t5\tsh\tstatus\t256",
    ] {
        assert_eq!(parse(text.as_bytes()), Err(ParseError), "{text}");
    }
}

/// Lines that look like the real ones more often than arbitrary bytes do.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just(String::from("-")),
        Just(String::from("hit")),
        Just(String::from("exit")),
        Just(String::from("last-refusal")),
        Just(String::from("path:/a=2")),
        "[0-9a-f,]{0,8}",
        "[/\\\\x0-9a-z*]{0,12}",
        any::<String>(),
    ];
    prop::collection::vec(word, 0..9).prop_map(|words| words.join("\t").into_bytes())
}

proptest! {
    #[test]
    fn any_bytes_are_survived(line: Vec<u8>) {
        let _ = parse(&line);
    }

    #[test]
    fn lines_that_nearly_fit_are_survived(line in nearly()) {
        if let Ok(Line::Record(record)) = parse(&line) {
            let _ = features(&record);
        }
    }

    #[test]
    fn any_text_is_survived_as_a_rule(text: String) {
        let _ = text.parse::<Rule>();
    }

    #[test]
    fn strings_come_back(string in ".+", comm in "[^\0]{0,15}") {
        let mut line = b"59\t0\t0\t".to_vec();
        escape(string.as_bytes(), &mut line);
        line.push(b'\t');
        escape(comm.as_bytes(), &mut line);
        line.extend(b"\t9\n");
        let Ok(Line::Record(record)) = parse(&line) else {
            panic!("{}", String::from_utf8_lossy(&line));
        };
        prop_assert_eq!(record.string, Some(string));
        prop_assert_eq!(record.comm, comm);
    }

    #[test]
    fn rules_survive_the_way_to_the_recorder(nr: u32, index in 0_u8..6, number: u64, errno in 1_u16..4096) {
        let rule = Rule { feature: Feature::Case { nr, index, number }, errno };
        prop_assert_eq!(rule.encode().parse::<Rule>(), Ok(rule.clone()));
        prop_assert_eq!(format!("{rule}").parse::<Rule>(), Ok(rule));
    }
}
