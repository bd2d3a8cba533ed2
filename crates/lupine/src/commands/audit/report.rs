//! An audit for people and for programs.

use lupine_audit::{Change, Comparison, Finding, Surface, Verdict};
use serde_json::{Value, json};

use super::records::Cves;
use crate::printer::table;

/// Everything that an audit found.
pub struct Report {
    /// Where the kernel lies.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How much is in it.
    pub surface: Surface,
    /// Where the baseline lies, and how the kernel differs from it.
    pub baseline: Option<(String, Comparison)>,
    /// The CVE records, if there are any.
    pub cves: Option<Cves>,
}

/// Verdicts, with their words for people.
const VERDICTS: [(Verdict, &str); 4] = [
    (Verdict::NotInVersion, "not affected: not in this version"),
    (Verdict::NotCompiled, "not affected: not compiled in"),
    (Verdict::Affected, "affected"),
    (Verdict::Unknown, "unknown"),
];

impl Report {
    /// One document, with all that is gone and added.
    pub fn to_json(&self) -> Value {
        let mut value = json!({
            "kernel": { "name": self.name, "version": self.version, "surface": self.surface },
        });
        if let Some((name, comparison)) = &self.baseline {
            value["baseline"] = json!({ "name": name, "comparison": comparison });
        }
        if let Some(cves) = &self.cves {
            value["cves"] = json!(cves);
        }
        value
    }

    /// Numbers, and what remains to be looked at.
    pub fn to_text(&self) -> String {
        let mut parts = vec![self.surface_text()];
        parts.extend(self.cves.as_ref().map(cves_text));
        printable(&parts.join("\n\n"))
    }

    fn surface_text(&self) -> String {
        let mut text = format!("kernel: Linux {}, {}\n", self.version, self.name);
        if let Some((name, other)) = &self.baseline {
            text.push_str(&format!("baseline: Linux {}, {name}\n", other.version));
        }
        let other = self.baseline.as_ref().map(|(_, comparison)| comparison);
        let own = self.surface;
        let rows = [
            row(
                "functions",
                Some(own.functions),
                other.map(|o| (Some(o.baseline.functions), Some(&o.functions))),
            ),
            row(
                "source files",
                own.files,
                other.map(|o| (o.baseline.files, o.files.as_ref())),
            ),
            row(
                "system calls",
                Some(own.syscalls),
                other.map(|o| (Some(o.baseline.syscalls), Some(&o.syscalls))),
            ),
        ];
        let header = ["COMPILED IN", "KERNEL", "BASELINE", "GONE", "ADDED"];
        let width = if other.is_some() { header.len() } else { 2 };
        text + "\n" + &table(&header[..width], &rows)
    }
}

/// A line of the table of numbers; what is not known is a dash.
fn row(
    what: &str,
    own: Option<usize>,
    other: Option<(Option<usize>, Option<&Change>)>,
) -> Vec<String> {
    let shown = |number: Option<usize>| number.map_or("-".into(), |n| n.to_string());
    let mut row = vec![what.to_owned(), shown(own)];
    if let Some((baseline, change)) = other {
        row.push(shown(baseline));
        row.push(shown(change.map(|c| c.gone.len())));
        row.push(shown(change.map(|c| c.added.len())));
    }
    row
}

fn cves_text(cves: &Cves) -> String {
    let count = |verdict| {
        cves.findings
            .iter()
            .filter(|f| f.verdict == verdict)
            .count()
    };
    let mut counts: Vec<(&str, usize)> = VERDICTS.map(|(v, words)| (words, count(v))).into();
    counts.push(("withdrawn", cves.rejected.len()));
    counts.push(("not about Linux", cves.other));
    counts.push(("cannot be read", cves.unusable.len()));
    let rows: Vec<Vec<String>> = counts
        .into_iter()
        .map(|(what, count)| vec![what.to_owned(), count.to_string()])
        .collect();
    let mut parts = vec![table(&["CVE RECORDS", "COUNT"], &rows)];
    let left: Vec<Vec<String>> = [Verdict::Affected, Verdict::Unknown]
        .into_iter()
        .flat_map(|verdict| cves.findings.iter().filter(move |f| f.verdict == verdict))
        .map(remaining)
        .collect();
    if !left.is_empty() {
        parts.push(table(&["REMAINS", "VERDICT", "WHY"], &left));
    }
    let unusable = cves.unusable.iter();
    let unusable = unusable.map(|u| format!("{}: {}", u.file.display(), u.why));
    let unusable: Vec<String> = unusable.collect();
    if !unusable.is_empty() {
        parts.push(unusable.join("\n"));
    }
    parts.join("\n\n")
}

fn remaining(finding: &Finding) -> Vec<String> {
    let known = VERDICTS.iter().find(|(v, _)| *v == finding.verdict);
    let words = known.map_or("", |(_, words)| words);
    vec![finding.id.clone(), words.into(), finding.why.clone()]
}

/// Records come from elsewhere: what a terminal would obey is shown as a question mark.
fn printable(text: &str) -> String {
    let harmless = |c: char| if c.is_control() && c != '\n' { '?' } else { c };
    text.chars().map(harmless).collect()
}

#[cfg(test)]
mod tests;
