use lupine_bench::Run;

use crate::{Report, html, markdown};

/// A run of two rows, one of them with a baseline, and a failure.
fn run() -> Run {
    let machine = r#"{"cpu":"a <processor>","cpus":2,"mem_mib":4096,"accelerator":"tcg","host_kernel":"6.1","vmm":"QEMU 7.2","load":[0.25,0,0],"mitigations":{"spectre_v2":"Retpolines"},"lupine":"0.1.0"}"#;
    let mut lines = vec![format!(r#"{{"run":{{"version":1,"machine":{machine}}}}}"#)];
    let input = |name: &str, is_row: bool, against: &str| {
        format!(
            r#"{{"input":{{"name":"{name}","is_row":{is_row},"about":"about {name}","key":"k","against":{against}}}}}"#
        )
    };
    lines.extend([
        input("general", true, "null"),
        input("base", true, r#""general""#),
        input("boot", false, "null"),
    ]);
    for round in 0..6 {
        let noise = [0.0, 1e6, 3e6, 2e6, 90e6, 1.5e6][round];
        for (row, value) in [("general", 400e6), ("base", 200e6)] {
            let value = value + noise;
            lines.push(format!(
                r#"{{"sample":{{"suite":"boot","row":"{row}","metric":"p1-init-start","unit":"ns","value":{value},"round":{round},"time_ms":0,"load":0.1,"seq":0}}}}"#
            ));
            lines.push(format!(
                r#"{{"sample":{{"suite":"boot","row":"{row}","metric":"p1-first-user","unit":"instructions","value":2e7,"round":{round},"time_ms":0,"load":0.1,"seq":0}}}}"#
            ));
            lines.push(format!(
                r#"{{"trial":{{"suite":"boot","row":"{row}","round":{round}}}}}"#
            ));
        }
    }
    lines.push(
        r#"{"failure":{"suite":"boot","row":"tiny","why":"it <panicked>","time_ms":0}}"#.into(),
    );
    Run::parse(&(lines.join("\n") + "\n"), "test").unwrap()
}

#[test]
fn a_run_as_markdown() {
    insta::assert_snapshot!(markdown(&Report::of(&[("run".into(), run())])));
}

#[test]
fn a_run_as_a_page() {
    let page = html(&Report::of(&[("run".into(), run())]));
    let (_, body) = page.split_once("<main>").unwrap();
    insta::assert_snapshot!(body);
}

#[test]
fn rows_of_two_runs_are_told_apart() {
    let report = Report::of(&[("old".into(), run()), ("new".into(), run())]);
    let rows: Vec<&str> = report.sections[0].tables[0]
        .lines
        .iter()
        .map(|line| line.row.as_str())
        .collect();
    assert_eq!(
        rows,
        ["old: general", "old: base", "new: general", "new: base"]
    );
    assert!(report.sections[0].tables[0].lines[3].ratio.is_some());
}
