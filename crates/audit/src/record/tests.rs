use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn parse(value: &Value) -> Result<Record, RecordError> {
    Record::parse(value.to_string().as_bytes())
}

fn record(affected: Value) -> Value {
    json!({
        "cveMetadata": { "cveId": "CVE-2099-0001", "state": "PUBLISHED" },
        "containers": { "cna": { "title": "t", "affected": affected } },
    })
}

/// One way to name releases, as the Linux CVE team writes it.
fn releases(default: &str, versions: Value) -> Value {
    json!({ "vendor": "Linux", "product": "Linux", "defaultStatus": default, "versions": versions })
}

fn status(affected: Value, version: &str) -> Status {
    let record = parse(&record(affected)).unwrap();
    record.status(&Version::parse(version).unwrap())
}

/// Vulnerable from 4.19 on, mended in 5.4.270, 6.6.20 and 6.8.
fn usual() -> Value {
    releases(
        "affected",
        json!([
            { "version": "4.19", "status": "affected" },
            { "version": "0", "lessThan": "4.19", "status": "unaffected", "versionType": "semver" },
            { "version": "5.4.270", "lessThanOrEqual": "5.4.*", "status": "unaffected", "versionType": "semver" },
            { "version": "6.6.20", "lessThanOrEqual": "6.6.*", "status": "unaffected", "versionType": "semver" },
            { "version": "6.8", "lessThanOrEqual": "*", "status": "unaffected", "versionType": "original_commit_for_fix" },
        ]),
    )
}

fn commits() -> Value {
    releases(
        "unaffected",
        json!([{ "version": "1da1", "lessThan": "2eb2", "status": "affected", "versionType": "git" }]),
    )
}

#[test]
fn releases_between_a_bug_and_its_fix_are_affected() {
    for (version, wanted) in [
        ("4.18.99", Status::Unaffected),
        ("4.19", Status::Affected),
        ("4.19.5", Status::Affected),
        ("5.4.269", Status::Affected),
        ("5.4.270", Status::Unaffected),
        ("5.4.999", Status::Unaffected),
        ("5.5", Status::Affected),
        ("6.6.19", Status::Affected),
        ("6.6.20", Status::Unaffected),
        ("6.7.12", Status::Affected),
        ("6.8-rc7", Status::Affected),
        ("6.8", Status::Unaffected),
        ("7.1", Status::Unaffected),
    ] {
        assert_eq!(
            status(json!([commits(), usual()]), version),
            wanted,
            "{version}"
        );
    }
}

#[test]
fn affected_ranges_with_an_unaffected_default_mean_the_same() {
    let ranges = json!([
        { "version": "5.5", "lessThan": "5.10.3", "status": "affected", "versionType": "semver" },
        { "version": "5.11", "lessThan": "6.1", "status": "affected", "versionType": "semver" },
    ]);
    let affected = json!([releases("unaffected", ranges)]);
    assert_eq!(status(affected.clone(), "5.10.2"), Status::Affected);
    assert_eq!(status(affected.clone(), "5.10.3"), Status::Unaffected);
    assert_eq!(status(affected, "6.1"), Status::Unaffected);
}

#[test]
fn commits_alone_and_what_cannot_be_read_decide_nothing() {
    assert_eq!(status(json!([commits()]), "6.1"), Status::Unknown);
    let odd = json!([
        { "version": "1", "lessThan": "x", "status": "affected", "versionType": "semver" },
        { "version": "6", "lessThan": "7", "status": "affected", "versionType": "semver" },
    ]);
    let affected = json!([releases("unaffected", odd)]);
    assert_eq!(status(affected.clone(), "6.1"), Status::Affected);
    assert_eq!(status(affected, "5.1"), Status::Unknown);
    let silent = json!([{ "vendor": "Linux", "product": "Linux" }]);
    assert_eq!(status(silent, "5.1"), Status::Unknown);
}

#[test]
fn a_range_may_change_its_status() {
    let range = json!([{
        "version": "5", "lessThan": "*", "status": "affected", "versionType": "semver",
        "changes": [{ "at": "5.9", "status": "affected" }, { "at": "5.4", "status": "unaffected" }],
    }]);
    let affected = json!([releases("unknown", range)]);
    for (version, wanted) in [
        ("4.9", Status::Unknown),
        ("5.3", Status::Affected),
        ("5.4", Status::Unaffected),
        ("5.9", Status::Affected),
    ] {
        assert_eq!(status(affected.clone(), version), wanted, "{version}");
    }
}

#[test]
fn files_of_all_entries_are_collected_once() {
    let mut one = usual();
    one["programFiles"] = json!(["b.c", "a.c"]);
    let mut two = commits();
    two["programFiles"] = json!(["a.c"]);
    let record = parse(&record(json!([one, two]))).unwrap();
    assert_eq!(record.files, ["a.c", "b.c"]);
}

#[test]
fn what_is_wrong_with_a_record_is_said() {
    let mut nameless = record(json!([usual()]));
    nameless["cveMetadata"]["cveId"] = json!("CVE-x\u{1b}[2J");
    let other = json!([{ "vendor": "Other", "product": "Linux" }]);
    for (text, said) in [
        ("{".to_owned(), "no CVE record: EOF"),
        ("{}".to_owned(), "missing field `cveMetadata`"),
        (nameless.to_string(), "is no name of a CVE"),
        (record(other).to_string(), "is not about Linux"),
        (record(json!(1)).to_string(), "invalid type"),
    ] {
        let error = Record::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains('\u{1b}'), "{error}");
    }
}

#[test]
fn a_withdrawn_record_needs_no_versions() {
    let mut withdrawn = record(json!([]));
    withdrawn["cveMetadata"]["state"] = json!("REJECTED");
    assert!(parse(&withdrawn).unwrap().rejected);
}

/// Any JSON, with the words of records among its keys and texts.
fn any_json() -> impl Strategy<Value = Value> {
    let word = "cveMetadata|cveId|containers|cna|affected|versions|version|lessThan|status|changes|vendor|product|Linux|CVE-2099-0001|5.4|[*]|git|[a-z]{0,3}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((word, inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(value in any_json(), version in "[0-9]{1,2}([.][0-9]{1,2}){0,2}") {
        let _ = parse(&value);
        // Below a sound frame, too.
        if let Ok(record) = parse(&record(json!([value]))) {
            record.status(&Version::parse(&version).unwrap());
        }
        let mut block = usual();
        block["versions"] = value;
        if let Ok(record) = parse(&record(json!([block]))) {
            record.status(&Version::parse(&version).unwrap());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = Record::parse(&bytes);
    }

    #[test]
    fn one_entry_of_each_status_decides(at in 0_u64..20, fix in 1_u64..20) {
        let fixed = format!("6.{fix}");
        let ranges = json!([{ "version": "0", "lessThan": fixed, "status": "affected", "versionType": "semver" }]);
        let found = status(json!([releases("unaffected", ranges)]), &format!("6.{at}"));
        prop_assert_eq!(found == Status::Affected, at < fix);
    }
}
