//! `lupine logs`.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use lupine_store::At;
use miette::{IntoDiagnostic, Result, WrapErr};

use super::Context;
use crate::cli::LogsArgs;
use crate::cli::values::Tail;
use crate::printer;
use crate::state::{Entry, GuestDir, LogReader, Stream};

/// How often a growing log is looked at.
const INTERVAL: Duration = Duration::from_millis(50);

/// Shows what a guest wrote, its two streams apart again.
pub fn logs(context: &Context<'_>, args: &LogsArgs) -> Result<u8> {
    let found = context.state()?.find(&args.name)?;
    if args.kernel {
        return kernel(&found.dir, args);
    }
    let mut reader = None;
    let mut skipped = match args.tail {
        Some(Tail::Last(_)) => Some(VecDeque::new()),
        Some(Tail::All) | None => None,
    };
    loop {
        // Asked before the log is read to its end: what is written before
        // the guest's end is then never missed.
        let live = found.dir.is_live()?;
        if reader.is_none() {
            reader = LogReader::open(&found.dir.path)?;
        }
        if let Some(reader) = &mut reader {
            while let Some(entry) = read(reader, &found.dir.path)? {
                match (&mut skipped, args.tail) {
                    (Some(kept), Some(Tail::Last(count))) => keep(kept, entry, count),
                    _ => show(&entry, args.timestamps),
                }
            }
        }
        for entry in skipped.take().into_iter().flatten() {
            show(&entry, args.timestamps);
        }
        if !args.follow || !live {
            return Ok(0);
        }
        sleep(INTERVAL);
    }
}

fn read(reader: &mut LogReader, guest: &Path) -> Result<Option<Entry>> {
    reader
        .next_entry()
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot read the log in {}", guest.display()))
}

fn keep(kept: &mut VecDeque<Entry>, entry: Entry, count: usize) {
    kept.push_back(entry);
    if kept.len() > count {
        kept.pop_front();
    }
}

fn show(entry: &Entry, timestamps: bool) {
    let mut bytes = Vec::new();
    if timestamps {
        bytes.extend(printer::time(entry.time_ms).into_bytes());
        bytes.push(b' ');
    }
    bytes.extend(&entry.bytes);
    match entry.stream {
        Stream::Stdout => printer::bytes(&bytes),
        Stream::Stderr => {
            let _ = std::io::stderr().lock().write_all(&bytes);
        }
    }
}

fn kernel(dir: &GuestDir, args: &LogsArgs) -> Result<u8> {
    let path = dir.kernel_log();
    let mut file = match std::fs::File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        other => other.at("open", &path)?,
    };
    loop {
        let live = dir.is_live()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).at("read", &path)?;
        printer::bytes(&bytes);
        if !args.follow || !live {
            return Ok(0);
        }
        sleep(INTERVAL);
    }
}
