use super::*;

macro_rules! fixture {
    ($id:literal) => {
        include_bytes!(concat!("../../../../fixtures/cves/CVE-2099-", $id, ".json"))
    };
}

const FILES: &str = "init/main.c\nkernel/fork.c\n";

fn kernel(files: Option<&str>) -> Kernel {
    Kernel::parse("6.12.117", "", files)
}

fn judged(text: &[u8], kernel: &Kernel) -> (Verdict, String) {
    let finding = judge(&Record::parse(text).unwrap(), kernel);
    (finding.verdict, finding.why)
}

#[test]
fn versions_and_files_decide() {
    let older = (Verdict::NotInVersion, "Linux 6.12.117 is not affected");
    let affected = (Verdict::Affected, "compiled in: init/main.c");
    let gone = "not compiled in: drivers/none/such.c, drivers/none/such_ring.c";
    for (text, (verdict, why)) in [
        (&fixture!("0001")[..], affected),
        (fixture!("0002"), older),
        (fixture!("0003"), older),
        (fixture!("0004"), (Verdict::NotCompiled, gone)),
    ] {
        assert_eq!(judged(text, &kernel(Some(FILES))), (verdict, why.into()));
    }
}

#[test]
fn what_proves_nothing_is_unknown() {
    for (text, why) in [
        (
            &fixture!("0005")[..],
            "include/linux/such.h proves nothing: it is no source of its own",
        ),
        (
            fixture!("0006"),
            "its sources are not compiled in, but drivers/none/such.h proves nothing: it is no source of its own",
        ),
        (fixture!("0007"), "the record names no files"),
        (
            fixture!("0008"),
            "the record does not tell about Linux 6.12.117; compiled in: init/main.c",
        ),
    ] {
        let wanted = (Verdict::Unknown, why.into());
        assert_eq!(judged(text, &kernel(Some(FILES))), wanted);
    }
}

#[test]
fn without_a_list_of_files_only_versions_decide() {
    let kernel = kernel(None);
    assert_eq!(judged(fixture!("0002"), &kernel).0, Verdict::NotInVersion);
    assert_eq!(judged(fixture!("0001"), &kernel).0, Verdict::Unknown);
    assert_eq!(judged(fixture!("0004"), &kernel).0, Verdict::Unknown);
}

#[test]
fn code_that_is_not_there_needs_no_version() {
    let text = String::from_utf8_lossy(fixture!("0008")).replace("init/main.c", "a/b.S");
    let kernel = kernel(Some(FILES));
    assert_eq!(judged(text.as_bytes(), &kernel).0, Verdict::NotCompiled);
    let script = text.replace("a/b.S", "arch/x86/kernel/vmlinux.lds.S");
    assert_eq!(judged(script.as_bytes(), &kernel).0, Verdict::Unknown);
}

#[test]
fn a_version_that_is_none_is_unknown() {
    let kernel = Kernel {
        version: "next".into(),
        ..kernel(Some(FILES))
    };
    assert_eq!(judged(fixture!("0002"), &kernel).0, Verdict::Unknown);
}
