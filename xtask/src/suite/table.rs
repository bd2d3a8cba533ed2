//! The results as a Markdown table.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::count::Paper;
use super::entry::Entry;
use super::outcome::Outcome;

const HEADER: &str = "\
| application | static | used | required | kept | paper | paper, counted alike | rounds | runs | time | result |
|---|---|---|---|---|---|---|---|---|---|---|
";
/// In a cell with nothing to say.
const NONE: &str = "–";

/// One row for each application of the suite, and how they compare with the study in all.
pub fn render(
    apps: &BTreeMap<String, Entry>,
    outcomes: &BTreeMap<String, Outcome>,
    paper: &Paper,
) -> String {
    let rows = apps.iter().map(|(name, entry)| {
        let outcome = outcomes.get(name).cloned().unwrap_or_default();
        row(name, entry, &outcome, paper)
    });
    let orders = apps
        .iter()
        .filter_map(|(name, entry)| compared(entry, outcomes.get(name)?, paper));
    format!(
        "{HEADER}{}\n{}\n",
        rows.collect::<String>(),
        summary(&orders.collect::<Vec<_>>())
    )
}

fn summary(orders: &[Ordering]) -> String {
    let count = |wanted| orders.iter().filter(|order| **order == wanted).count();
    format!(
        "{} can be compared: {} keep fewer options than the study, {} as many, {} more.",
        orders.len(),
        count(Ordering::Less),
        count(Ordering::Equal),
        count(Ordering::Greater)
    )
}

fn row(name: &str, entry: &Entry, outcome: &Outcome, paper: &Paper) -> String {
    let count = |options: BTreeSet<&String>| paper.count(options).to_string();
    let answer = outcome.answer.as_ref();
    let minimized = answer.filter(|_| outcome.minimized);
    let (table, alike) = published(entry, paper);
    let cells = [
        Some(name.to_owned()),
        outcome.found.as_ref().map(|found| count(found.all())),
        answer.map(|answer| count(answer.used())),
        minimized.map(|answer| count(answer.required())),
        minimized.map(|answer| count(answer.kept())),
        Some(table),
        Some(alike),
        answer.map(|answer| answer.rounds.to_string()),
        answer.map(|answer| answer.runs.to_string()),
        (outcome.seconds > 0.0).then(|| time(outcome.seconds)),
        Some(result(entry, outcome, paper)),
    ];
    let cells = cells.map(|cell| cell.unwrap_or_else(|| NONE.into()));
    format!("| {} |\n", cells.join(" | "))
}

/// The study's numbers; several when it knew the application by several names.
fn published(entry: &Entry, paper: &Paper) -> (String, String) {
    let all = paper.of(entry);
    let table = all.iter().map(|(_, count, _)| count.to_string());
    let alike = all.iter().map(|(_, _, alike)| alike.to_string());
    let join = |cells: Vec<String>| cells.join(", ");
    (join(table.collect()), join(alike.collect()))
}

fn result(entry: &Entry, outcome: &Outcome, paper: &Paper) -> String {
    if let Some(why) = &entry.unverified {
        return format!("unverified: {why}");
    }
    if outcome.answer.is_none() {
        let why = outcome.error.as_deref().unwrap_or("not run");
        return why.replace('|', "\\|");
    }
    if let Some(why) = &entry.unlike {
        return format!("works; not comparable: the study ran {why}");
    }
    let compared = match compared(entry, outcome, paper) {
        None if !outcome.minimized => return "works; not minimized".into(),
        None => return "works".into(),
        Some(Ordering::Less) => "below the study",
        Some(Ordering::Equal) => "equal to the study",
        Some(Ordering::Greater) => "above the study",
    };
    format!("works; {compared}")
}

/// How what it keeps after minimising compares with the study; an application of several names with the strictest.
fn compared(entry: &Entry, outcome: &Outcome, paper: &Paper) -> Option<Ordering> {
    let comparable = outcome.minimized && entry.unlike.is_none();
    let answer = outcome.answer.as_ref().filter(|_| comparable)?;
    let alike = paper.of(entry).iter().map(|(_, _, alike)| *alike).min()?;
    Some(paper.count_alike(answer.kept()).cmp(&alike))
}

fn time(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.0} s");
    }
    let minutes = (seconds / 60.0).floor();
    format!(
        "{minutes:.0} min {:.0} s",
        (seconds - minutes * 60.0).floor()
    )
}

#[cfg(test)]
mod tests {
    use super::super::outcome::tests::outcome;
    use super::*;

    fn paper() -> Paper {
        let text = "machine = []\nlater = []\ntogether = [['NET', 'INET']]\n[app.a]\ncount = 3\noptions = ['NET', 'INET', 'AIO']\n";
        Paper::parse(text).unwrap()
    }

    fn entry() -> Entry {
        Entry {
            image: "deb:a".into(),
            paper: vec!["a".into()],
            ..Entry::default()
        }
    }

    #[test]
    fn a_row_counts_what_was_minimized() {
        let outcome = outcome(
            true,
            &[
                (&["CONFIG_NET", "CONFIG_INET"], "required", "trial"),
                (&["CONFIG_EPOLL"], "optional", "trial"),
            ],
        );
        assert_eq!(
            row("a", &entry(), &outcome, &paper()),
            "| a | 2 | 2 | 1 | 1 | 3 | 2 | 2 | 5 | 1 min 1 s | works; below the study |\n"
        );
    }

    #[test]
    fn what_was_not_minimized_has_no_such_count() {
        let outcome = outcome(false, &[(&["CONFIG_AIO"], "used", "trace")]);
        let row = row("a", &entry(), &outcome, &paper());
        assert!(row.starts_with("| a | 1 | 1 | – | – | 3 | 2 |"), "{row}");
        assert!(row.ends_with("| works; not minimized |\n"), "{row}");
    }

    #[test]
    fn a_failure_says_why_and_an_absent_result_says_so() {
        let failed = Outcome {
            error: Some("a | b".into()),
            seconds: 3.2,
            ..Outcome::default()
        };
        let text = row("a", &entry(), &failed, &paper());
        assert!(text.ends_with("| 3 s | a \\| b |\n"), "{text}");
        let apps = BTreeMap::from([("a".to_owned(), entry())]);
        let text = render(&apps, &BTreeMap::new(), &paper());
        assert!(
            text.contains("| – | – | – | not run |\n\n0 can be compared"),
            "{text}"
        );
    }

    #[test]
    fn what_cannot_be_compared_is_not() {
        let outcome = outcome(true, &[]);
        assert_eq!(compared(&entry(), &outcome, &paper()), Some(Ordering::Less));
        let mut entry = entry();
        entry.unlike = Some("something else".into());
        assert_eq!(compared(&entry, &outcome, &paper()), None);
        let text = row("a", &entry, &outcome, &paper());
        assert!(
            text.contains("not comparable: the study ran something else"),
            "{text}"
        );
    }
}
