use super::*;

fn finding(id: &str, verdict: Verdict) -> Finding {
    Finding {
        id: id.into(),
        title: "t".into(),
        verdict,
        why: "because".into(),
        compiled: Vec::new(),
    }
}

fn document(timestamp: &str) -> Value {
    let product = Product {
        version: "6.12.117".into(),
        sha256: "ab".repeat(32),
    };
    let findings = [
        finding("CVE-2099-0001", Verdict::Affected),
        finding("CVE-2099-0002", Verdict::NotInVersion),
        finding("CVE-2099-0003", Verdict::NotCompiled),
        finding("CVE-2099-0004", Verdict::Unknown),
    ];
    openvex(&findings, &product, "someone", "lupine 0", timestamp)
}

#[test]
fn the_whole_document() {
    insta::assert_json_snapshot!(document("1970-01-01T00:00:00Z"));
}

#[test]
fn the_same_content_has_the_same_name() {
    let (one, two) = (
        document("1970-01-01T00:00:00Z"),
        document("1970-01-01T00:00:00Z"),
    );
    assert_eq!(one, two);
    assert_ne!(one["@id"], document("1970-01-01T00:00:01Z")["@id"]);
}

/// What OpenVEX 0.2.0 demands of statements by status.
#[test]
fn statements_have_what_their_status_demands() {
    for statement in document("x")["statements"].as_array().unwrap() {
        let has = |field: &str| statement[field].is_string();
        match statement["status"].as_str().unwrap() {
            "not_affected" => assert!(has("justification") || has("impact_statement")),
            "affected" => assert!(has("action_statement")),
            other => assert_eq!(other, "under_investigation"),
        }
    }
}
