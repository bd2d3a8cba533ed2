//! Where this host gets its Debian packages from.

use std::fs;
use std::path::Path;

use lupine_tool::Tool;

/// Suite of hosts that are no Debian.
const DEFAULT_SUITE: &str = "bookworm";

/// Package sources for mmdebstrap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sources {
    /// The release's code name.
    pub suite: String,
    /// Contents of source lists; none means mmdebstrap's own mirrors.
    pub files: Vec<SourceList>,
}

/// One source list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceList {
    /// `list` (one line each) or `sources` (deb822).
    pub extension: &'static str,
    /// Its contents.
    pub text: String,
}

/// The host's sources for its own release. Third parties' repositories that
/// name no suite of that release are left out: they are not what a package's
/// name means, and often unreachable.
pub(crate) fn of_host() -> Sources {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let debian = field(&release, "ID=").is_some_and(|id| id == "debian");
    let suite = field(&release, "VERSION_CODENAME=").filter(|_| debian);
    match suite {
        Some(suite) => in_directory(Path::new("/etc/apt"), &suite),
        None => Sources {
            suite: DEFAULT_SUITE.into(),
            files: Vec::new(),
        },
    }
}

fn field(release: &str, key: &str) -> Option<String> {
    let value = release.lines().find_map(|line| line.strip_prefix(key))?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

fn in_directory(apt: &Path, suite: &str) -> Sources {
    let mut paths = vec![apt.join("sources.list")];
    let parts = fs::read_dir(apt.join("sources.list.d"));
    let mut more: Vec<_> = parts.into_iter().flatten().flatten().collect();
    more.sort_by_key(fs::DirEntry::file_name);
    paths.extend(more.iter().map(fs::DirEntry::path));
    let (mut lines, mut stanzas) = (String::new(), String::new());
    for path in paths {
        let text = fs::read_to_string(&path).unwrap_or_default();
        match path.extension().and_then(|e| e.to_str()) {
            Some("list") => lines.push_str(&own_lines(&text, suite)),
            Some("sources") => stanzas.push_str(&own_stanzas(&text, suite)),
            _ => {}
        }
    }
    let lists = [("list", lines), ("sources", stanzas)];
    Sources {
        suite: suite.into(),
        files: lists
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(extension, text)| SourceList { extension, text })
            .collect(),
    }
}

/// Whether `word` is the suite or one of its companions, for example `bookworm-security`.
fn is_own(word: &str, suite: &str) -> bool {
    let rest = word.strip_prefix(suite);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '/']))
}

/// `deb [options] URI SUITE COMPONENT...`
fn own_lines(text: &str, suite: &str) -> String {
    let own = |line: &&str| {
        let without_options = match (line.find('['), line.find(']')) {
            (Some(from), Some(to)) if from < to => format!("{}{}", &line[..from], &line[to + 1..]),
            _ => (*line).to_owned(),
        };
        let mut words = without_options.split_whitespace();
        words.next() == Some("deb") && words.nth(1).is_some_and(|word| is_own(word, suite))
    };
    let lines = text.lines().map(str::trim).filter(own);
    lines.map(|line| format!("{line}\n")).collect()
}

/// Stanzas of `Field: value` lines, separated by empty lines.
fn own_stanzas(text: &str, suite: &str) -> String {
    let mut kept = String::new();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    for stanza in lines.split(|line| line.trim().is_empty()) {
        let value = |field: &str| {
            stanza.iter().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case(field).then(|| value.trim())
            })
        };
        let suites = value("Suites").unwrap_or_default();
        let disabled = value("Enabled").is_some_and(|v| v.eq_ignore_ascii_case("no"));
        let binary = value("Types").is_some_and(|v| v.split_whitespace().any(|t| t == "deb"));
        let own = suites.split_whitespace().any(|word| is_own(word, suite));
        if disabled || !binary || !own {
            continue;
        }
        for line in stanza {
            let types = line.to_ascii_lowercase().starts_with("types:");
            kept.push_str(if types { "Types: deb" } else { line });
            kept.push('\n');
        }
        kept.push('\n');
    }
    kept
}

/// The host's settings for reaching its mirrors, as apt would be given them.
pub(crate) fn apt_options() -> Vec<String> {
    let output = Tool::new("apt-config").arg("dump").run();
    let text = output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    );
    reaching(&text)
}

fn reaching(dump: &str) -> Vec<String> {
    const PREFIXES: [&str; 5] = [
        "Acquire::http::Proxy",
        "Acquire::https::Proxy",
        "Acquire::http::Timeout",
        "Acquire::https::CaInfo",
        "Acquire::Check-Valid-Until",
    ];
    let lines = dump.lines().map(|line| line.trim().trim_end_matches(';'));
    lines
        .filter(|line| PREFIXES.iter().any(|prefix| line.starts_with(prefix)))
        .filter(|line| !line.ends_with("\"\""))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_releases_own_sources_are_used() {
        let text = "# a comment\n\
            deb http://deb.debian.org/debian bookworm main\n\
            deb-src http://deb.debian.org/debian bookworm main\n\
            deb [signed-by=/k.gpg arch=amd64] http://x/y bookworm-security main\n\
            deb https://packages.example/apt cloud-bookworm main\n\
            deb https://other.example bookwormish main\n";
        let kept = own_lines(text, "bookworm");
        assert_eq!(kept.lines().count(), 2);
        assert!(kept.contains("signed-by"));
    }

    #[test]
    fn deb822_stanzas() {
        let text = "Types: deb deb-src\n# why\nURIs: http://deb.debian.org/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\n\
            Types: deb\nURIs: https://deb.example\nSuites: nodistro\n\n\
            Enabled: no\nTypes: deb\nURIs: http://x\nSuites: bookworm-backports\n";
        assert_eq!(
            own_stanzas(text, "bookworm"),
            "Types: deb\nURIs: http://deb.debian.org/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\n"
        );
    }

    #[test]
    fn proxies_are_passed_on() {
        let dump = "Acquire::Languages \"\";\nAcquire::http::Proxy \"http://p:3142\";\nAcquire::https::Proxy \"\";\n";
        assert_eq!(reaching(dump), ["Acquire::http::Proxy \"http://p:3142\""]);
    }
}
