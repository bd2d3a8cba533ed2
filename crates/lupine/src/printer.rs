//! The only place that writes to stdout: data, as text or JSON; and errors to stderr.

use std::io::{self, Write};

use serde::Serialize;

/// Causes of more lines are shortened to these.
const CAUSE_LINES: usize = 8;

/// Writes a line of data. A reader that went away is no error: `| head` is usual.
pub fn line(text: &str) {
    bytes(format!("{text}\n").as_bytes());
}

/// Writes bytes as they are.
pub fn bytes(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    if written.is_err() {
        // Like any filter whose reader went away.
        std::process::exit(141);
    }
}

/// Writes a value as JSON.
pub fn json(value: &impl Serialize) {
    line(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Rows under a header, each column as wide as its widest cell, as docker does.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let render = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        padded.join("   ").trim_end().to_owned()
    };
    let mut lines = vec![render(header.to_vec())];
    lines.extend(
        rows.iter()
            .map(|row| render(row.iter().map(String::as_str).collect())),
    );
    lines.join("\n")
}

/// Bytes for people, in powers of 1024.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut value = bytes as f64;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ if value < 10.0 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// A span of time for people, in docker's words.
pub fn age(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Unix time in ms as RFC 3339 in UTC.
pub fn time(unix_ms: u64) -> String {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    let (year, month, day) = civil(days);
    let (seconds, ms) = (ms / 1000, ms % 1000);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{ms:03}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The proleptic Gregorian date of a day since 1970-01-01, counted in years
/// that begin in March, so that the leap day is the last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let january = month >= 10;
    let number = if january { month - 9 } else { month + 3 };
    (year + era * 400 + u64::from(january), number, date)
}

/// An error as people read it: what, why, and what to do next.
pub fn error(report: &miette::Report) -> String {
    let mut text = format!("lupine: error: {report}");
    let mut last = report.to_string();
    for cause in report.chain().skip(1) {
        let cause = cause.to_string();
        // Many errors quote their cause already.
        if !last.contains(&cause) {
            text.push_str(&format!("\n  because: {}", shortened(&cause)));
        }
        last = cause;
    }
    if let Some(help) = report.help() {
        text.push_str(&format!("\nhint: {help}"));
    }
    text
}

/// The first line of a long text and its last lines, where the reason stands.
fn shortened(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let Some(left_out @ 1..) = lines.len().checked_sub(CAUSE_LINES) else {
        return text.to_owned();
    };
    let last = lines[left_out + 1..].join("\n");
    format!("{}\n[{left_out} lines]\n{last}", lines[0])
}

/// Writes an error to stderr.
pub fn report(report: &miette::Report) {
    let _ = writeln!(io::stderr(), "{}", error(report));
}

/// A line for people that even `--quiet` does not suppress.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "lupine: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        let text = table(
            &["NAME", "STATUS"],
            &[row("a", "running"), row("longer", "")],
        );
        assert_eq!(text, "NAME     STATUS\na        running\nlonger");
    }

    #[test]
    fn sizes_ages_and_times_read_well() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(4 * 1024 * 1024), "4.0 MiB");
        assert_eq!(size(184 * 1024 * 1024), "184 MiB");
        assert_eq!(age(1), "1 second");
        assert_eq!(age(7200), "2 hours");
        assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(time(1_795_416_515_000), "2026-11-23T06:48:35.000Z");
    }

    #[test]
    fn a_long_cause_keeps_its_beginning_and_its_end() {
        let text = (0..20)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(
            shortened(&text),
            "0\n[12 lines]\n13\n14\n15\n16\n17\n18\n19"
        );
        assert_eq!(shortened("0\n1"), "0\n1");
    }

    #[test]
    fn an_error_says_what_why_and_what_next() {
        #[derive(Debug, thiserror::Error, miette::Diagnostic)]
        #[error("cannot boot")]
        #[diagnostic(help("boot again"))]
        struct Outer(#[source] std::io::Error);
        let report = miette::Report::new(Outer(std::io::Error::other("no power")));
        assert_eq!(
            error(&report),
            "lupine: error: cannot boot\n  because: no power\nhint: boot again"
        );
    }
}
