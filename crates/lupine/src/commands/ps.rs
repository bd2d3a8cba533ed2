//! `lupine ps`.

use miette::Result;
use serde_json::{Value, json};

use super::Context;
use crate::cli::PsArgs;
use crate::cli::values::Publish;
use crate::printer;
use crate::state::{Found, Phase, Record, now_ms};

const HEADER: [&str; 6] = ["NAME", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS"];
/// Longer commands are cut, as docker does.
const COMMAND_WIDTH: usize = 24;

/// Lists guests.
pub fn ps(context: &Context<'_>, args: &PsArgs) -> Result<u8> {
    let mut found = context.state()?.list()?;
    found.retain(|found| args.all || found.live || found.record.is_err());
    // The newest first, as docker does.
    found.sort_by_key(|found| {
        std::cmp::Reverse(found.record.as_ref().map_or(0, |record| record.created_ms))
    });
    if args.format.is_json() {
        printer::json(&found.iter().map(to_json).collect::<Vec<_>>());
    } else if context.quiet() {
        for found in &found {
            printer::line(&found.dir.name);
        }
    } else {
        printer::line(&text(&found, now_ms()));
    }
    Ok(0)
}

/// A guest as `ps` and `inspect` write it for programs.
pub fn to_json(found: &Found) -> Value {
    let mut value = match &found.record {
        Ok(record) => serde_json::to_value(record).unwrap_or_default(),
        Err(why) => json!({ "name": found.dir.name, "phase": "damaged", "why": why }),
    };
    value["running"] = json!(found.live);
    value["dir"] = json!(found.dir.path);
    value
}

fn text(found: &[Found], now: u64) -> String {
    let rows: Vec<_> = found.iter().map(|found| row(found, now)).collect();
    printer::table(&HEADER, &rows)
}

fn row(found: &Found, now: u64) -> Vec<String> {
    let record = match &found.record {
        Ok(record) => record,
        Err(why) => {
            let mut row = vec![String::new(); HEADER.len()];
            row[0].clone_from(&found.dir.name);
            row[4] = format!("damaged record: {why}");
            return row;
        }
    };
    vec![
        record.name.clone(),
        record.image.clone(),
        command(&record.command),
        format!("{} ago", since(record.created_ms, now)),
        status(record, now),
        if found.live {
            ports(record)
        } else {
            String::new()
        },
    ]
}

fn since(then_ms: u64, now_ms: u64) -> String {
    printer::age(now_ms.saturating_sub(then_ms) / 1000)
}

fn command(words: &[String]) -> String {
    let line = words.join(" ");
    if line.chars().count() <= COMMAND_WIDTH {
        return format!("\"{line}\"");
    }
    let cut: String = line.chars().take(COMMAND_WIDTH - 1).collect();
    format!("\"{cut}…\"")
}

/// What the guest does, or how it ended.
fn status(record: &Record, now: u64) -> String {
    let end = record.end.as_ref();
    let ago = || since(record.finished_ms.unwrap_or(now), now);
    match (record.phase, end) {
        (Phase::Created, _) => "booting".into(),
        (Phase::Running, _) => format!("up {}", since(record.started_ms.unwrap_or(now), now)),
        (Phase::Exited, Some(end)) => format!("exited ({}) {} ago", end.status, ago()),
        (Phase::Dead, Some(end)) if end.kind == "monitor-killed" => "dead (monitor killed)".into(),
        (Phase::Dead, Some(end)) => {
            format!("dead ({}) {} ago", end.kind.replace('-', " "), ago())
        }
        (Phase::Exited | Phase::Dead, None) => "dead".into(),
    }
}

fn ports(record: &Record) -> String {
    let port = |publish: &Publish| {
        let protocol = if publish.udp { "udp" } else { "tcp" };
        format!(
            "{}:{}->{}/{protocol}",
            publish.ip, publish.host_port, publish.guest_port
        )
    };
    let mut texts: Vec<_> = record.ports.iter().map(port).collect();
    texts.extend(record.address.clone());
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{EndRecord, GuestDir};
    use std::net::Ipv4Addr;

    fn found(record: Result<Record, String>, live: bool) -> Found {
        let name = record
            .as_ref()
            .map_or("damaged".into(), |record| record.name.clone());
        Found {
            dir: GuestDir {
                path: format!("/state/guests/{name}").into(),
                name,
            },
            live,
            record,
        }
    }

    fn record(name: &str, phase: Phase, end: Option<(&str, u8)>) -> Record {
        Record {
            image: "redis".into(),
            command: vec!["redis-server".into(), "--bind".into(), "0.0.0.0".into()],
            phase,
            end: end.map(|(kind, status)| EndRecord {
                kind: kind.into(),
                status,
                text: String::new(),
            }),
            created_ms: 1_000_000,
            started_ms: Some(1_000_100),
            finished_ms: end.map(|_| 1_060_000),
            ports: vec![Publish {
                ip: Ipv4Addr::LOCALHOST,
                host_port: 6379,
                guest_port: 6379,
                udp: false,
            }],
            ..Record::new(name)
        }
    }

    #[test]
    fn the_table_says_how_each_guest_is() {
        let guests = [
            found(Ok(record("calm_fox", Phase::Running, None)), true),
            found(Ok(record("new_elm", Phase::Created, None)), true),
            found(
                Ok(record("done", Phase::Exited, Some(("exited", 3)))),
                false,
            ),
            found(
                Ok(record("poor", Phase::Dead, Some(("out-of-memory", 137)))),
                false,
            ),
            found(
                Ok(record("lost", Phase::Dead, Some(("monitor-killed", 137)))),
                false,
            ),
            found(Err("guest.json: expected value at line 1".into()), false),
        ];
        insta::assert_snapshot!(text(&guests, 1_120_000));
    }
}
