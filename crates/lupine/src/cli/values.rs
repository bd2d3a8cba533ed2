//! Values of flags: each parser's error says what is right.

mod net;
mod signal;
mod size;

use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use net::{Network, Publish, TapAddress, network, publish};
pub use signal::SignalNumber;
pub use size::{memory, room};

type Parsed<T> = Result<T, String>;

/// A whole number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationSecs(pub u64);

impl From<DurationSecs> for std::time::Duration {
    fn from(seconds: DurationSecs) -> Self {
        Self::from_secs(seconds.0)
    }
}

impl FromStr for DurationSecs {
    type Err = String;

    fn from_str(text: &str) -> Parsed<Self> {
        text.parse()
            .map(Self)
            .map_err(|_| "expected a whole number of seconds, for example 10".into())
    }
}

/// How many lines `logs --tail` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// All of them.
    All,
    /// The last ones.
    Last(usize),
}

/// `all` or a number.
pub fn tail(text: &str) -> Parsed<Tail> {
    match text {
        "all" => Ok(Tail::All),
        _ => text
            .parse()
            .map(Tail::Last)
            .map_err(|_| "expected a number of lines, or all".into()),
    }
}

/// One `-e`: a value, or one to be taken from Lupine's own environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvVar {
    /// Name.
    pub key: String,
    /// Value; `None` means the host's.
    pub value: Option<String>,
}

/// `K=V` or `K`.
pub fn env_var(text: &str) -> Parsed<EnvVar> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (text, None),
    };
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err("expected KEY=VALUE, or KEY to take the value from here".into());
    }
    Ok(EnvVar {
        key: key.into(),
        value,
    })
}

/// One `-v`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Directory or file on the host.
    pub source: PathBuf,
    /// Absolute path in the guest.
    pub target: String,
    /// Whether the guest may only read.
    pub read_only: bool,
}

/// `SRC:DST[:ro|rw]`.
pub fn volume(text: &str) -> Parsed<Volume> {
    let mut parts = text.split(':');
    let (source, target, mode) = (parts.next(), parts.next(), parts.next());
    let (Some(source), Some(target), None) = (source, target, parts.next()) else {
        return Err("expected SRC:DST or SRC:DST:ro, for example ./data:/data:ro".into());
    };
    if !source.contains('/') && source != "." && source != ".." {
        return Err(format!(
            "named volumes are not kept: for a directory write ./{source}:{target}"
        ));
    }
    if !target.starts_with('/') || target == "/" {
        return Err(format!(
            "the place in the guest, '{target}', must be an absolute path below /"
        ));
    }
    let read_only = match mode {
        None | Some("rw") => false,
        Some("ro") => true,
        Some(other) => return Err(format!("'{other}' is neither ro nor rw")),
    };
    Ok(Volume {
        source: source.into(),
        target: target.into(),
        read_only,
    })
}

/// `K=V` or `K`, which means an empty value.
pub fn label(text: &str) -> Parsed<(String, String)> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    if key.is_empty() {
        return Err("expected KEY=VALUE".into());
    }
    Ok((key.into(), value.into()))
}

/// Docker's alphabet for names, which also makes a safe file name.
pub fn guest_name(text: &str) -> Parsed<String> {
    let mut chars = text.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphanumeric());
    let rest = chars.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if first && rest && (2..=63).contains(&text.len()) {
        return Ok(text.into());
    }
    Err(
        "a name has 2 to 63 letters, digits, '_', '.' or '-' and starts with a letter or digit"
            .into(),
    )
}

/// Only one platform has guests.
pub fn platform(text: &str) -> Parsed<String> {
    match text {
        "linux/amd64" | "linux/x86_64" | "amd64" | "x86_64" => Ok("linux/amd64".into()),
        _ => Err("only linux/amd64 guests can be built and run so far".into()),
    }
}

/// `CONFIG_X=VALUE`, the prefix may be left out.
pub fn kernel_option(text: &str) -> Parsed<(String, String)> {
    let expected =
        "expected CONFIG_X=y or CONFIG_X=n (or a number or string for options that hold one)";
    let (name, value) = text.split_once('=').ok_or(expected)?;
    let bare = name.strip_prefix("CONFIG_").unwrap_or(name);
    let good = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !good || value.is_empty() || value.contains('\n') {
        return Err(expected.into());
    }
    if value == "m" {
        return Err("guests load no modules: write =y".into());
    }
    Ok((format!("CONFIG_{bare}"), value.into()))
}

/// Names that `rootfs::Format` knows.
pub fn file_system(text: &str) -> Parsed<String> {
    const KNOWN: [&str; 5] = ["ext2", "ext4", "erofs", "squashfs", "cpio"];
    if KNOWN.contains(&text) {
        return Ok(text.into());
    }
    Err(format!("expected one of {}", KNOWN.join(", ")))
}

/// A whole number of processors.
pub fn cpus(text: &str) -> Parsed<u32> {
    match text.parse::<u32>() {
        Ok(count @ 1..=64) => Ok(count),
        _ => Err(
            "expected a whole number of processors from 1 to 64: a guest cannot have part of one"
                .into(),
        ),
    }
}

/// An absolute path.
pub fn workdir(text: &str) -> Parsed<String> {
    if text.starts_with('/') {
        return Ok(text.into());
    }
    Err("expected an absolute path in the guest".into())
}

/// One `--ulimit`, numbers as in `getrlimit(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// `RLIMIT_*` on x86-64.
    pub resource: u32,
    /// Soft limit.
    pub soft: u64,
    /// Hard limit.
    pub hard: u64,
}

/// Docker's names and their numbers on x86-64.
const ULIMITS: [(&str, u32); 16] = [
    ("cpu", 0),
    ("fsize", 1),
    ("data", 2),
    ("stack", 3),
    ("core", 4),
    ("rss", 5),
    ("nproc", 6),
    ("nofile", 7),
    ("memlock", 8),
    ("as", 9),
    ("locks", 10),
    ("sigpending", 11),
    ("msgqueue", 12),
    ("nice", 13),
    ("rtprio", 14),
    ("rttime", 15),
];

/// `NAME=SOFT[:HARD]`, -1 means unlimited.
pub fn ulimit(text: &str) -> Parsed<Ulimit> {
    let expected = "expected NAME=SOFT[:HARD], for example nofile=1024:4096; -1 means unlimited";
    let (name, limits) = text.split_once('=').ok_or(expected)?;
    let resource = ULIMITS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, number)| *number)
        .ok_or_else(|| {
            let names: Vec<_> = ULIMITS.iter().map(|(name, _)| *name).collect();
            format!("'{name}' is none of {}", names.join(", "))
        })?;
    let number = |text: &str| match text {
        "-1" | "unlimited" => Ok(u64::MAX),
        _ => text.parse::<u64>().map_err(|_| expected),
    };
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let (soft, hard) = (number(soft)?, number(hard)?);
    if soft > hard {
        return Err(format!(
            "the soft limit {soft} is above the hard limit {hard}"
        ));
    }
    Ok(Ulimit {
        resource,
        soft,
        hard,
    })
}

#[cfg(test)]
mod tests;
