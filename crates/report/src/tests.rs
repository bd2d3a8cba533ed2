use lupine_bench::Run;

use crate::{Report, html, markdown};

/// A run of two rows, one of them with a baseline, and a failure.
pub(crate) fn run() -> Run {
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

/// A run of the suite `crossing`, whose second row takes half as long for a call.
pub(crate) fn crossing() -> Run {
    let machine = serde_json::to_string(&run().head.machine).unwrap();
    let mut lines = vec![format!(r#"{{"run":{{"version":1,"machine":{machine}}}}}"#)];
    for (row, against) in [("general", "null"), ("base", r#""general""#)] {
        lines.push(format!(
            r#"{{"input":{{"name":"{row}","is_row":true,"about":"","key":"k","against":{against}}}}}"#
        ));
    }
    for (row, call) in [("general", 200.0), ("base", 100.0)] {
        for work in [0, 1, 10, 50, 100, 500, 1000, 5000] {
            for (end, unit) in [("", "ns"), ("-instructions", "instructions")] {
                let value = call + f64::from(work);
                lines.push(format!(
                    r#"{{"sample":{{"suite":"crossing","row":"{row}","metric":"work-{work}{end}","unit":"{unit}","value":{value},"round":0,"time_ms":0,"load":0.1,"seq":0}}}}"#
                ));
            }
        }
        lines.push(format!(
            r#"{{"trial":{{"suite":"crossing","row":"{row}","round":0}}}}"#
        ));
    }
    Run::parse(&(lines.join("\n") + "\n"), "test").unwrap()
}

#[test]
fn numbered_metrics_are_points_of_curves() {
    let report = Report::of(&[("run".into(), crossing())]);
    let curves = &report.sections[0].curves;
    let names: Vec<&str> = curves.iter().map(|curve| curve.metric.as_str()).collect();
    assert_eq!(names, ["work", "work-instructions"]);
    // Of the suite's data: ratios, and the row that others are compared with has none.
    assert_eq!(curves[0].unit, None);
    let (row, points) = &curves[0].rows[0];
    assert_eq!(row, "base");
    assert_eq!(points[&0], 0.5);
    assert!(points[&1000] > 0.9);
    let page = html(&report);
    assert_eq!(page.matches("<polyline").count(), 2);
}

#[test]
fn many_metrics_of_one_unit_stand_in_one_table() {
    let mut lines = crossing();
    for sample in &mut lines.samples {
        let half = sample.metric.replace("work", "rest");
        sample.metric = if sample.row == "base" {
            half
        } else {
            sample.metric.clone()
        };
    }
    let report = Report::of(&[("run".into(), lines)]);
    let text = markdown(&report);
    assert!(text.contains("| metric | general | base |"), "{text}");
    assert!(text.contains("| work-10 | 210 ns | – |"), "{text}");
}
