use std::path::Path;

use lupine_audit::{Kernel, compare};

use super::*;

fn kernel(files: Option<&str>) -> Kernel {
    let map = "1 T start\n2 t helper\n3 T __x64_sys_read\n4 W __x64_sys_bpf\n";
    Kernel::parse("6.12.117", map, files)
}

fn general() -> Kernel {
    let map =
        "1 T start\n2 t helper\n3 t helper\n4 T __x64_sys_read\n5 T __x64_sys_bpf\n6 D data\n";
    Kernel::parse("6.12.117", map, Some("init/main.c\nkernel/bpf/core.c\n"))
}

fn report(own: &Kernel, baseline: Option<&Kernel>, cves: bool) -> Report {
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/cves");
    let mut cves = cves.then(|| Cves::judge(&records, own).unwrap());
    for file in cves.iter_mut().flat_map(|cves| &mut cves.unusable) {
        file.file = file.file.file_name().unwrap().into();
    }
    Report {
        name: "hello.bundle".into(),
        version: own.version.clone(),
        surface: Surface::of(own),
        baseline: baseline.map(|other| ("general.bundle".into(), compare(own, other))),
        cves,
    }
}

#[test]
fn numbers_alone() {
    insta::assert_snapshot!(report(&kernel(None), None, false).to_text());
}

#[test]
fn against_a_baseline_and_records() {
    let own = kernel(Some("init/main.c\ninit/version.c\n"));
    insta::assert_snapshot!(report(&own, Some(&general()), true).to_text());
}

#[test]
fn what_is_not_known_is_a_dash() {
    insta::assert_snapshot!(report(&kernel(None), Some(&general()), true).to_text());
}

#[test]
fn programs_get_everything() {
    let own = kernel(Some("init/main.c\n"));
    let value = report(&own, Some(&general()), true).to_json();
    let gone = &value["baseline"]["comparison"]["syscalls"]["gone"];
    assert_eq!(gone, &json!(["bpf"]));
    let first = &value["cves"]["findings"][0];
    assert_eq!(first["verdict"], "affected");
    assert_eq!(first["compiled"], json!(["init/main.c"]));
    assert_eq!(value["cves"]["unusable"][0]["file"], "damaged.json");
}

#[test]
fn a_terminal_gets_no_commands_from_records() {
    let mut report = report(&kernel(None), None, true);
    report.name = "a\u{1b}[2Jb".into();
    assert!(
        report
            .to_text()
            .starts_with("kernel: Linux 6.12.117, a?[2Jb\n")
    );
}
